"""Supervised position error.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.objectives.base import Objective, joint_weighting, labels, masked_mean
from vitruve.objectives.hypotheses import Scored, score
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True)
class PositionConfig:
    """Settings of the position error."""

    norm: Literal["l2", "mse"] = "l2"
    """l2: mean joint distance, metres. mse: mean squared coordinate error, square metres."""
    root_centred: bool = True
    """Compare relative to the root; otherwise in the camera frame, where the estimator places."""
    joint_weights: tuple[float, ...] | None = None
    """One factor per joint of the skeleton; None weighs all alike."""
    of: Literal["joints", "coarse"] = "joints"
    """Which answer of the prediction is scored: its joints, or the coarser one before them."""
    hypotheses: Scored = "all"
    """Whether all hypotheses are scored, or only the best of each sample."""

    def __post_init__(self) -> None:
        """Refuse a comparison that no answer allows."""
        if self.of == "coarse" and not self.root_centred:
            raise ValueError("the coarse answer is relative to the root: set root_centred=True")


class PositionObjective(Objective):
    """Distance to the label, mean over what is scored."""

    def __init__(self, config: PositionConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean error.

        Raises:
            ValueError: No 3D labels, another skeleton, no coarse answer where that is scored, or an
                absolute comparison of an estimator that does not place the root.
        """
        predicted, step = self._answer(prediction)
        target, valid = labels(prediction, batch, predicted.shape[-3], step)
        if self.config.root_centred:
            target, valid = root_relative(target, valid, prediction.skeleton)
        elif prediction.root_cam is not None:
            predicted = prediction.joints_cam + prediction.root_cam.unsqueeze(-2)
        else:
            raise ValueError(
                "root_centred=False needs an estimator that says root_cam; this one does not place"
            )
        difference = predicted - target
        match self.config.norm:
            case "l2":
                error = torch.linalg.vector_norm(difference, dim=-1)
            case "mse":
                error = difference.square().mean(dim=-1)
            case _:
                assert_never(self.config.norm)
        weighted = error * joint_weighting(self.config.joint_weights, error)
        return masked_mean(*score(weighted, valid, self.config.hypotheses))

    def _answer(self, prediction: Prediction) -> tuple[Float[Tensor, "*b h t j 3"], int]:
        if self.config.of == "joints":
            return prediction.joints_cam, 1
        if prediction.coarse_cam is None:
            raise ValueError(
                "of='coarse' needs an estimator that says coarse_cam; this one does not, or was "
                "given windows of another length than its net takes"
            )
        return prediction.coarse_cam, prediction.coarse_step


def root_relative(
    joints: Float[Tensor, "*b t j 3"], valid: Bool[Tensor, "*b t j"], skeleton: Skeleton
) -> tuple[Float[Tensor, "*b t j 3"], Bool[Tensor, "*b t j"]]:
    """Joints relative to the skeleton's root; nothing is valid in a frame without its root."""
    root = skeleton.root
    centred = joints - joints[..., root : root + 1, :]
    return centred, valid & valid[..., root : root + 1]
