"""Velocity error and smoothness over neighbouring frames.

Smoothness: Hossain and Little, "Exploiting temporal information for 3D human pose estimation",
ECCV 2018, https://arxiv.org/abs/1711.08585. Velocity error (MPJVE): Pavllo et al., CVPR 2019,
https://arxiv.org/abs/1811.11742. Their sum with factors 0.5 and 2.0: Zhang et al., "MixSTE",
CVPR 2022, https://arxiv.org/abs/2203.00859.

Axes: b batch, h hypotheses, t frames, j joints. Differences are per frame, not per second.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective, joint_weighting, labels, masked_mean
from vitruve.objectives.position import root_relative
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class SmoothnessConfig:
    """Settings of the temporal terms."""

    velocity: float = 2.0
    """Factor of the mean velocity error, metres per frame; 0 needs no labels."""
    smoothness: float = 0.5
    """Factor of the mean squared frame difference of the prediction."""
    joint_weights: tuple[float, ...] | None = None
    """One factor per joint for the smoothness part; limb ends usually weigh more."""


class SmoothnessObjective(Objective):
    """Velocity error against the label plus squared velocity of the prediction."""

    def __init__(self, config: SmoothnessConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Weighted sum of both parts; 0 for a single frame.

        Raises:
            ValueError: The velocity part is on and the batch has no labels for it.
        """
        velocity = prediction.joints_cam.diff(dim=-3)
        if velocity.shape[-3] == 0:
            return velocity.sum()
        total = prediction.joints_cam.new_zeros(())
        if self.config.smoothness:
            squared = velocity.square().mean(dim=-1)
            weights = joint_weighting(self.config.joint_weights, squared)
            total = total + self.config.smoothness * (squared * weights).mean()
        if self.config.velocity:
            target, valid = root_relative(*labels(prediction, batch), prediction.skeleton)
            error = torch.linalg.vector_norm(velocity - target.diff(dim=-3), dim=-1)
            both = (valid[..., 1:, :] & valid[..., :-1, :]).expand_as(error)
            total = total + self.config.velocity * masked_mean(error, both)
        return total
