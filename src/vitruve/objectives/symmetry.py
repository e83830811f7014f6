"""A body is symmetric: what is left has its like on the right.

In the picture: shoulders lie around the upper end of the trunk and hips around the pelvis (Yang et
al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, Eq. (14)), and for a start
elbows and wrists of both sides may be tied together (its stage 2, read as a loss). In space:
the same midpoints, and limbs of equal lengths on both sides (released code of "X as Supervision",
2024, https://arxiv.org/abs/2411.13026).

Axes: *b samples, n pictures, h hypotheses, t frames, j joints, s pairs or midpoints.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective, masked_mean
from vitruve.objectives.hypotheses import Scored, score
from vitruve.objectives.pictured import picture_points
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

_MIDDLES = {"shoulder": ("mid_shoulder", "thorax", "neck"), "hip": ("pelvis", "root")}
"""Joint pair -> names of the joint between them, the first that there is."""


@dataclass(frozen=True)
class SymmetryConfig:
    """Settings of the symmetry."""

    space: Literal["picture", "camera"] = "picture"
    """2D joints in crop coordinates, where a crop's longer side is 2; or 3D joints in metres."""
    midpoints: float = 1.0
    """Factor of the squared distance of each midpoint from the joint that should lie there."""
    tied: float = 0.0
    """Factor of the squared distance of left from right elbow and wrist; for a while only."""
    lengths: float = 0.0
    """Factor of the squared difference of left and right limbs."""
    hypotheses: Scored = "all"
    """Whether all hypotheses are scored, or only the best of each sample."""

    def __post_init__(self) -> None:
        """Refuse what a picture does not show."""
        if self.lengths and self.space == "picture":
            raise ValueError("limbs of equal lengths do not look so: lengths needs space='camera'")


class SymmetryObjective(Objective):
    """Weighted sum of squared distances; needs no labels."""

    def __init__(self, config: SymmetryConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean over pictures or frames.

        Raises:
            ValueError: The skeleton has nothing that the config asks for, or 2D joints are asked
                for and cannot be had.
        """
        skeleton = prediction.skeleton
        if self.config.space == "picture":
            points, shown = picture_points(prediction, batch)
            joints = points.unsqueeze(-3)
            known = shown[:, None, None, None]
        else:
            joints = prediction.joints_cam
            known = torch.ones_like(joints[..., :1, :, :1, 0], dtype=torch.bool)
        parts = self._parts(joints, skeleton)
        if not parts:
            raise ValueError(f"skeleton {skeleton.name!r} has no pairs that the symmetry asks for")
        errors = torch.cat(parts, dim=-1)
        error, valid = score(errors, known.expand_as(errors[..., :1, :, :]), self.config.hypotheses)
        return masked_mean(error, valid) * errors.shape[-1]

    def _parts(
        self, joints: Float[Tensor, "*b h t j c"], skeleton: Skeleton
    ) -> list[Float[Tensor, "*b h t s"]]:
        """Squared distances, weighted; each kind is a mean, so that pairs do not count."""
        parts = []
        if self.config.midpoints and (middles := midpoints_of(skeleton)):
            left, right, middle = (joints[..., [m[i] for m in middles], :] for i in range(3))
            away = ((left + right) / 2 - middle).square().sum(-1)
            parts.append(away * (self.config.midpoints / len(middles)))
        if self.config.tied and (pairs := _arm_pairs(skeleton)):
            left, right = (joints[..., [p[i] for p in pairs], :] for i in range(2))
            parts.append((left - right).square().sum(-1) * (self.config.tied / len(pairs)))
        if self.config.lengths and skeleton.limbs:
            left, right = (_lengths(joints, [pair[i] for pair in skeleton.limbs]) for i in range(2))
            share = self.config.lengths / len(skeleton.limbs)
            parts.append((left - right).square() * share)
        return parts


def midpoints_of(skeleton: Skeleton) -> list[tuple[int, int, int]]:
    """Left, right and middle joint of hips and shoulders, where the skeleton has all three."""
    at = {name: j for j, name in enumerate(skeleton.names)}
    found = []
    for part, names in _MIDDLES.items():
        middle = [at[name] for name in names if name in at]
        if f"left_{part}" in at and f"right_{part}" in at and middle:
            found.append((at[f"left_{part}"], at[f"right_{part}"], middle[0]))
    return found


def _arm_pairs(skeleton: Skeleton) -> list[tuple[int, int]]:
    at = {name: j for j, name in enumerate(skeleton.names)}
    pairs = [(f"left_{part}", f"right_{part}") for part in ("elbow", "wrist")]
    return [(at[left], at[right]) for left, right in pairs if left in at and right in at]


def _lengths(
    joints: Float[Tensor, "*b j c"], segments: list[tuple[int, int]]
) -> Float[Tensor, "*b s"]:
    start, end = torch.tensor(segments).unbind(-1)
    return torch.linalg.vector_norm(joints[..., end, :] - joints[..., start, :], dim=-1)
