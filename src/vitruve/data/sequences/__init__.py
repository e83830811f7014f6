"""Clips of motion, their store, and windows over them."""
