"""Error of the 2D joints that an estimator recovers, against those it was given.

The loss of masked pose modelling: Shan et al., "P-STMO", ECCV 2022,
https://arxiv.org/abs/2203.07628, Eq. (2), over hidden and seen joints alike.

Axes: b batch, h hypotheses, t frames, k keypoints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective, central_frames, joint_weighting, masked_mean
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class KeypointsConfig:
    """Settings of the 2D error."""

    joint_weights: tuple[float, ...] | None = None
    """One factor per keypoint; None weighs all alike."""


class KeypointsObjective(Objective):
    """Distance to the given keypoint over the image width, mean over the valid ones."""

    def __init__(self, config: KeypointsConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean error.

        Raises:
            ValueError: The estimator says no 2D joints.
        """
        if prediction.keypoints_px is None:
            raise ValueError("the keypoints objective needs an estimator that says keypoints_px")
        frames = central_frames(batch.keypoints_px.shape[-3], prediction.keypoints_px.shape[-3])
        given = batch.keypoints_px[..., frames, :, :].unsqueeze(-4)
        valid = batch.keypoints_valid[..., frames, :].unsqueeze(-3)
        error = torch.linalg.vector_norm(prediction.keypoints_px - given, dim=-1)
        error = error / batch.image_size_px[..., None, None, None, 0]
        weighted = error * joint_weighting(self.config.joint_weights, error)
        return masked_mean(weighted, valid.expand_as(weighted))
