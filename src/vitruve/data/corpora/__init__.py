"""Parallel corpora: the same people and moments in several skeleton formats."""
