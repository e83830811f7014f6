"""Masked pre-training of a lifter's encoder: 2D with holes in, whole 2D out, no labels needed.

Shan et al., "P-STMO", ECCV 2022, https://arxiv.org/abs/2203.07628, stage I. The trained file starts
a lifter whose net shares the encoder's names (``estimators.copy_matching``).

Axes: b batch, t frames, k keypoints, j joints.
"""

from dataclasses import dataclass

import torch

from vitruve.estimators.base import Estimator
from vitruve.estimators.normalise import Screen, net_input
from vitruve.nets.masked_pose_model import MaskedPoseModel, MaskedPoseModelConfig, Masks
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True)
class MaskedKeypointsConfig:
    """A masked pre-training; keypoints are seen in screen coordinates, as the lifter must too."""

    keypoint_skeleton: Skeleton
    """Joint set of the input and of what is recovered."""
    net_config: MaskedPoseModelConfig
    """Config of the net; its input channels are 2, or 3 with ``confidence``."""
    confidence: bool = False
    """Give the net each keypoint's confidence as a third channel, 0 where it was not seen."""
    native_fps: float | None = None
    """Frame rate it is trained around."""
    seed: int = 0
    """Of the masks outside of training."""


class MaskedKeypoints(Estimator):
    """Hides frames and joints and recovers all of them; it predicts no 3D frame."""

    says_joints = False

    def __init__(self, config: MaskedKeypointsConfig) -> None:
        super().__init__()
        self.config = config
        self.skeleton = self.keypoint_skeleton = config.keypoint_skeleton
        self.native_fps = config.native_fps
        self.normaliser = Screen()
        wanted = (config.keypoint_skeleton.num_joints, 3 if config.confidence else 2)
        given = (config.net_config.num_keypoints, config.net_config.in_channels)
        if given != wanted:
            raise ValueError(
                f"MaskedPoseModelConfig has {given[0]} keypoints and {given[1]} channels, but the "
                f"skeleton and channels of the pre-training need {wanted[0]} and {wanted[1]}"
            )
        self.net = MaskedPoseModel(config.net_config)
        self.receptive_field = self.net.window

    def forward(self, batch: PoseBatch) -> Prediction:
        """Recover the keypoints of every frame, with the same masks at each call.

        Raises:
            ValueError: The clip is not of the net's length.
        """
        generator = torch.Generator().manual_seed(self.config.seed)
        return self._recover(batch, self.net.draw_masks(generator))

    def training_forward(self, batch: PoseBatch) -> Prediction:
        """Recover with masks of torch's global generator, which training seeds for each step."""
        return self._recover(batch, self.net.draw_masks())

    def _recover(self, batch: PoseBatch, masks: Masks) -> Prediction:
        self.check(batch)
        *leading, t, j, _ = batch.keypoints_px.shape
        if t != self.net.window:
            raise ValueError(
                f"the masked pre-training takes windows of exactly {self.net.window} frames, got "
                f"{t}; cut the clip into such windows"
            )
        x = net_input(self.normaliser, batch, self.config.confidence)
        points = self.net(x.reshape(-1, *x.shape[-3:]), masks).reshape(*leading, t, j, 2)
        keypoints = self.normaliser.to_pixels(points, batch).unsqueeze(-4)
        none = points.new_zeros(*leading, 1, 0, j, 3)
        return Prediction(self.skeleton, none, keypoints_px=keypoints)
