"""Bone lengths that nobody has: labels that jumped, sides that were joined to another person.

Source: posepile's check, as arXiv:2212.14474 used it: a pose goes when a bone is both less than a
tenth or more than three times its usual length, and 150 mm off. Axes: n poses, j joints.
"""

import numpy as np
from jaxtyping import Bool, Float

from vitruve.skeletons import Skeleton

MIN_RATIO, MAX_RATIO = 0.1, 3.0
MIN_DIFFERENCE_M = 0.15


def bone_lengths(
    joints: Float[np.ndarray, "*n j 3"], valid: Bool[np.ndarray, "*n j"], skeleton: Skeleton
) -> Float[np.ndarray, "*n j"]:
    """Distance from each joint to its parent, metres; NaN at roots and where either is missing."""
    parents = np.array(skeleton.parents)
    has_parent = parents >= 0
    parents = np.where(has_parent, parents, 0)
    lengths = np.linalg.norm(joints - joints[..., parents, :], axis=-1)
    there = valid & valid[..., parents] & has_parent
    return np.where(there, lengths, np.nan)


def usual_lengths(lengths: Float[np.ndarray, "n j"]) -> Float[np.ndarray, "j"]:
    """Median length of each bone over poses; NaN where none has the bone."""
    usual = np.full(lengths.shape[1], np.nan)
    seen = ~np.isnan(lengths).all(0)
    usual[seen] = np.nanmedian(lengths[:, seen], axis=0)
    return usual


def is_plausible(lengths: Float[np.ndarray, "j"], usual: Float[np.ndarray, "j"]) -> bool:
    """Whether no bone is far from its usual length; bones of unknown length do not count."""
    known = ~np.isnan(lengths) & ~np.isnan(usual) & (usual > 0)
    ratio = lengths[known] / usual[known]
    odd = (ratio < MIN_RATIO) | (ratio > MAX_RATIO)
    return not bool((odd & (np.abs(lengths[known] - usual[known]) > MIN_DIFFERENCE_M)).any())
