"""Error of the shape of a pose: joints relative to the mean of the joints that are labelled.

MeTRAbs' first loss (Sarandi et al., T-BIOM 2021, https://arxiv.org/abs/2007.07227): with labels of
any joint set and no root in common, the mean of what is labelled is the only centre that both have.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.objectives.base import Objective, labels, masked_mean
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class MeanRelativeConfig:
    """Nothing to set."""


class MeanRelativeObjective(Objective):
    """Mean over labelled joints of |x|, |y| and |z| of the error, metres."""

    def __init__(self, config: MeanRelativeConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean error.

        Raises:
            ValueError: No 3D labels, or another skeleton.
        """
        target, valid = labels(prediction, batch)
        predicted = prediction.joints_cam
        error = about_mean(predicted, valid) - about_mean(target, valid)
        return masked_mean(error.abs().mean(-1), valid.expand(predicted.shape[:-1]))


def about_mean(
    joints: Float[Tensor, "*b j 3"], valid: Bool[Tensor, "*#b j"]
) -> Float[Tensor, "*b j 3"]:
    """Joints relative to the mean of the valid ones."""
    weights = valid.to(joints.dtype).unsqueeze(-1)
    total = (joints * weights).sum(-2, keepdim=True)
    return joints - total / weights.sum(-2, keepdim=True).clamp(min=torch.finfo(joints.dtype).tiny)
