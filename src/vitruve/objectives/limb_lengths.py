"""Explicit structure: limbs have the label's lengths, and the same ones on both sides.

The "+ Constraint" that SCoTL-pose compares with (Table 4) is not defined there. Its figures change
limbs but not other bones, so the lengths are those of the limbs; the symmetry is optional.

Axes: b batch, h hypotheses, t frames, j joints, n segments.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective, labels, masked_mean
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class LimbLengthsConfig:
    """Settings of the limb lengths."""

    length: float = 1.0
    """Factor of the mean absolute error of the lengths, metres; 0 needs no labels."""
    symmetry: float = 0.0
    """Factor of the mean absolute difference of left and right, metres."""


class LimbLengthsObjective(Objective):
    """Length error of thighs, shanks, upper arms and forearms."""

    def __init__(self, config: LimbLengthsConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Weighted sum of both parts.

        Raises:
            ValueError: The skeleton has no limbs, or the lengths are on and there are no labels.
        """
        limbs = prediction.skeleton.limbs
        if not limbs:
            raise ValueError(
                f"skeleton {prediction.skeleton.name!r} has no limbs that the names tell apart, "
                "such as left_hip to left_knee; drop the term"
            )
        left, right = (_lengths(prediction.joints_cam, [pair[i] for pair in limbs]) for i in (0, 1))
        total = self.config.symmetry * (left - right).abs().mean()
        if self.config.length:
            target, valid = labels(prediction, batch)
            segments = [segment for pair in limbs for segment in pair]
            predicted = _lengths(prediction.joints_cam, segments)
            error = (predicted - _lengths(target, segments)).abs()
            start, end = torch.tensor(segments).unbind(-1)
            known = (valid[..., start] & valid[..., end]).expand_as(error)
            total = total + self.config.length * masked_mean(error, known)
        return total


def _lengths(
    joints: Float[Tensor, "*b j 3"], segments: list[tuple[int, int]]
) -> Float[Tensor, "*b n"]:
    start, end = torch.tensor(segments).unbind(-1)
    return torch.linalg.vector_norm(joints[..., end, :] - joints[..., start, :], dim=-1)
