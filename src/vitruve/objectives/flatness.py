"""Depth that nothing teaches stays near the root's.

Ours. Masks of one camera say nothing about depth, and what a net says of it without being told is
arbitrary: it may point anywhere. A weak pull to the plane of the root makes it no worse than 2D.

Axes: *b examples, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class FlatnessConfig:
    """Settings of the flatness."""


class FlatnessObjective(Objective):
    """Mean squared depth relative to the root, square metres; needs no labels."""

    def __init__(self, config: FlatnessConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean over all joints, frames and hypotheses."""
        del batch
        return prediction.joints_cam[..., 2].square().mean()
