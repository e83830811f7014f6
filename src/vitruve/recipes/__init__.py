"""Recipes: full runs as frozen dataclasses."""

from vitruve.recipes.acae import ACAE_RUNS
from vitruve.recipes.acae_images import ACAE_IMAGE_RUNS
from vitruve.recipes.backbones import backbones
from vitruve.recipes.baseline import Baseline
from vitruve.recipes.default_model import DEFAULT_RUNS
from vitruve.recipes.lifters import LIFTER_RUNS
from vitruve.recipes.mask import MASK_RUNS
from vitruve.recipes.photo import PHOTO_RUNS
from vitruve.recipes.prml import PRML_RUNS
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.scotl import SCOTL_RUNS
from vitruve.recipes.studio_baselines import STUDIO_BASELINES
from vitruve.recipes.toys import TOYS
from vitruve.recipes.unsupervised import UNSUPERVISED_RUNS
from vitruve.recipes.x import X_RUNS

RECIPES: dict[str, Run] = {
    **ACAE_IMAGE_RUNS,
    **ACAE_RUNS,
    **DEFAULT_RUNS,
    **LIFTER_RUNS,
    **MASK_RUNS,
    **PHOTO_RUNS,
    **PRML_RUNS,
    **SCOTL_RUNS,
    **STUDIO_BASELINES,
    **TOYS,
    **UNSUPERVISED_RUNS,
    **X_RUNS,
}
"""Every run by name: ``<paper>.<data>.<net>.<variant>``."""

__all__ = ["RECIPES", "Baseline", "Run", "TermConfig", "backbones"]
