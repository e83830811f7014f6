"""Recipes: full runs as frozen dataclasses."""

from vitruve.recipes.lifters import LIFTER_RUNS
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.toys import TOYS

RECIPES: dict[str, Run] = {**LIFTER_RUNS, **TOYS}
"""Every run by name: ``<paper>.<data>.<net>.<variant>``."""

__all__ = ["RECIPES", "Run", "TermConfig"]
