"""Metrics: functions of tensors in metres, one number each, NaN where nothing is valid.

A suffix is the unit (``_mm``); ``jitter`` is in m/s^3; ``pck``, ``auc``, ``cps``, ``pckh``,
``lse``, ``lle``, ``bsle`` and ``bone_length_variation`` are percentages; ``auroc`` and
``paired_accuracy``, of energies and the like, are shares from 0 to 1. Nothing is centred inside,
and only ``p_mpjpe_mm`` and ``n_mpjpe_mm`` align.
"""

from vitruve.metrics.accumulate import GroupedMean
from vitruve.metrics.hypotheses import first, joint_best, pick_hypothesis, sample_best
from vitruve.metrics.masked import masked_mean
from vitruve.metrics.motion import acceleration_mm, foot_contact, foot_slide_mm, jitter, mpjve_mm
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
    "auc",
    "auroc",
    "axis_error_mm",
    "bone_length_variation",
    "bsle",
    "cps",
    "first",
    "foot_contact",
    "foot_slide_mm",
    "jitter",
    "joint_best",
    "joint_error_mm",
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
