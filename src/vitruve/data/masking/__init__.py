"""Masks of people without labels: background, screens, GrabCut, and masks that are given."""

from vitruve.data.masking.background import BackgroundConfig, learn_background
from vitruve.data.masking.boxes import boxes_of_clip, read_boxes
from vitruve.data.masking.chroma import ChromaConfig, not_keyed
from vitruve.data.masking.grab_cut import GrabCutConfig, mask_along, mask_in_box, refine_mask
from vitruve.data.masking.make import MaskReport, make_masks
from vitruve.data.masking.masker import Masker, MaskingConfig
from vitruve.data.masking.scene_cut import SceneCut, SceneCutConfig
from vitruve.data.masking.scenes import write_scenes
from vitruve.data.masking.sheet import mask_sheet
from vitruve.data.processing.masks import clean_mask, mask_box

__all__ = [
    "BackgroundConfig",
    "ChromaConfig",
    "GrabCutConfig",
    "MaskReport",
    "Masker",
    "MaskingConfig",
    "SceneCut",
    "SceneCutConfig",
    "boxes_of_clip",
    "clean_mask",
    "learn_background",
    "make_masks",
    "mask_along",
    "mask_box",
    "mask_in_box",
    "mask_sheet",
    "not_keyed",
    "read_boxes",
    "refine_mask",
    "write_scenes",
]
