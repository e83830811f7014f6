"""Position error by task: the 2D pose and the depth each have their own norm.

"PrML: progressive multi-task learning for monocular 3D human pose estimation", anonymous
submission, equation 8. As usual for lifters, its 2D pose is x and y of the joints in the camera
frame, relative to the root, not image pixels.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective, labels, masked_mean
from vitruve.objectives.position import root_relative
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class TaskPositionConfig:
    """The position error by task has no settings."""


class TaskPositionObjective(Objective):
    """Mean distance in x and y plus mean absolute depth error, metres."""

    def __init__(self, config: TaskPositionConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Sum of both tasks' errors, mean over hypotheses, frames and labelled joints.

        Raises:
            ValueError: No 3D labels, or labels of another skeleton.
        """
        target, valid = root_relative(*labels(prediction, batch), prediction.skeleton)
        difference = prediction.joints_cam - target
        pose_2d = torch.linalg.vector_norm(difference[..., :2], dim=-1)
        error = pose_2d + difference[..., 2].abs()  # Eq. (8)
        return masked_mean(error, valid.expand_as(error))
