"""Datasets of pictures: their cards, their examples, and the crops that are made of them."""
