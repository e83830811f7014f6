"""Skeleton formats: one name, one definition."""

from vitruve.skeletons.skeleton import Skeleton

__all__ = ["Skeleton"]
