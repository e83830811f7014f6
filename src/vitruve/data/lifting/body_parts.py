"""What augmentation needs to know of a skeleton: sides, limbs, legs, and who hangs on whom."""

from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from vitruve.skeletons.skeleton import Skeleton

_LEG_NAMES = ("knee", "ankle", "foot", "toe", "heel", "femur", "tibia")


@dataclass(frozen=True, eq=False)
class BodyParts:
    """Joint sets of one skeleton."""

    parents: tuple[int, ...]
    mirror: Int64[Tensor, "j"]
    """Index of each joint's twin on the other side; itself on the midline."""
    below: Bool[Tensor, "j j"]
    """``below[i, k]``: joint i is k or hangs on k."""
    legs: Bool[Tensor, "j"]
    """Joints below the hips."""
    arms: Bool[Tensor, "j"]
    """Joints on a side that are neither legs nor the root's own children."""
    limbs: Int64[Tensor, "limbs"]
    """Joints whose parent lies on the same side: rotating one's bone moves part of a limb."""


@cache
def body_parts(skeleton: Skeleton) -> BodyParts:
    """Find the joint sets of a skeleton from its tree, its mirror and its names."""
    parents, mirror = skeleton.parents, skeleton.mirror_index
    j = len(parents)
    below = torch.eye(j, dtype=torch.bool)
    for i in range(j):
        parent = parents[i]
        while parent >= 0:
            below[i, parent] = True
            parent = parents[parent]
    sided = [mirror[i] != i for i in range(j)]
    legs = [any(part in name.lower() for part in _LEG_NAMES) for name in skeleton.names]
    hips = [p >= 0 and parents[p] < 0 for p in parents]
    arms = [sided[i] and not legs[i] and not hips[i] for i in range(j)]
    limbs = [i for i in range(j) if sided[i] and parents[i] >= 0 and sided[parents[i]]]
    return BodyParts(
        parents=parents,
        mirror=torch.tensor(mirror),
        below=below,
        legs=torch.tensor(legs),
        arms=torch.tensor(arms),
        limbs=torch.tensor(limbs, dtype=torch.int64),
    )
