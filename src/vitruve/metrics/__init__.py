"""Metrics: functions of tensors in metres, one number each, NaN where nothing is valid.

A suffix is the unit (``_mm``); ``jitter`` is in m/s^3; ``pck``, ``auc``, ``cps``, ``pckh``,
``lse``, ``lle``, ``bsle``, ``bone_length_variation``, ``keypoint_error`` and ``ambiguity_ratio``
are percentages; ``auroc`` and ``paired_accuracy``, of energies and the like, are shares from 0 to
1. Nothing is centred inside, and only ``p_mpjpe_mm`` and ``n_mpjpe_mm`` align.
"""

from vitruve.metrics.accumulate import GroupedMean
from vitruve.metrics.hypotheses import first, joint_best, pick_hypothesis, sample_best
from vitruve.metrics.masked import masked_mean
from vitruve.metrics.modes import choose_hypothesis, exchange_sides
from vitruve.metrics.motion import acceleration_mm, foot_contact, foot_slide_mm, jitter, mpjve_mm
from vitruve.metrics.pictures import ambiguity_ratio, keypoint_error
from vitruve.metrics.position import (
    axis_error_mm,
    joint_error_mm,
    mpjpe_mm,
    n_mpjpe_mm,
    p_mpjpe_mm,
    root_centred,
)
from vitruve.metrics.ranking import auroc, paired_accuracy
from vitruve.metrics.structure import bone_length_variation, bsle, lle, lse
from vitruve.metrics.threshold import auc, cps, pck, pckh

__all__ = [
    "GroupedMean",
    "acceleration_mm",
    "ambiguity_ratio",
    "auc",
    "auroc",
    "axis_error_mm",
    "bone_length_variation",
    "bsle",
    "choose_hypothesis",
    "cps",
    "exchange_sides",
    "first",
    "foot_contact",
    "foot_slide_mm",
    "jitter",
    "joint_best",
    "joint_error_mm",
    "keypoint_error",
    "lle",
    "lse",
    "masked_mean",
    "mpjpe_mm",
    "mpjve_mm",
    "n_mpjpe_mm",
    "p_mpjpe_mm",
    "paired_accuracy",
    "pck",
    "pckh",
    "pick_hypothesis",
    "root_centred",
    "sample_best",
]
