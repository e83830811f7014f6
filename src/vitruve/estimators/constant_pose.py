"""Says one pose, whatever it is shown: what every estimator must beat.

Axes: *b examples, t frames, j joints.
"""

from dataclasses import dataclass

import torch
from torch import nn

from vitruve.estimators.base import Estimator
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True)
class ConstantPoseConfig:
    """One pose."""

    skeleton: Skeleton
    """Its joint set, and that of the keypoints it does not look at."""


class ConstantPose(Estimator):
    """The pose that scores best on the whole of what it was trained on.

    The mean pose if trained on squared distances, the median of poses if on distances.
    """

    receptive_field = 1

    def __init__(self, config: ConstantPoseConfig) -> None:
        super().__init__()
        self.config = config
        self.skeleton = self.keypoint_skeleton = config.skeleton
        self.joints = nn.Parameter(torch.zeros(config.skeleton.num_joints, 3))

    def forward(self, batch: PoseBatch) -> Prediction:
        """The pose, for every frame.

        Raises:
            ValueError: The keypoints are of another skeleton.
        """
        self.check(batch)
        leading, t = batch.keypoints_px.shape[:-3], batch.keypoints_px.shape[-3]
        joints = self.joints - self.joints[self.skeleton.root]
        return Prediction(self.skeleton, joints.expand(*leading, 1, t, -1, -1))
