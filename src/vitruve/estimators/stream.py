"""A stream: one frame's keypoints in, one pose out, nothing from the future.

Axes: k keypoints, j joints.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.estimators.base import Estimator
from vitruve.estimators.lifter import Lifter
from vitruve.poses import PoseBatch


class Stream:
    """One person's frames through a causal lifter.

    Says what the lifter says of the clip so far; each frame costs the same, however long the clip.
    Frames come at the lifter's ``native_fps``, where it has one.
    """

    def __init__(
        self,
        lifter: Lifter,
        image_size_px: tuple[int, int],
        intrinsics: Float[Tensor, "3 3"] | None = None,
    ) -> None:
        self._lifter = lifter
        self._memory = lifter.start()
        self._size = torch.tensor(image_size_px, dtype=torch.float32)
        self._intrinsics = intrinsics

    @torch.inference_mode()
    def push(
        self,
        keypoints_px: Float[Tensor, "k 2"],
        valid: Bool[Tensor, "k"] | None = None,
        confidence: Float[Tensor, "k"] | None = None,
    ) -> Float[Tensor, "j 3"]:
        """Take the next frame and lift it.

        Args:
            keypoints_px: In the lifter's keypoint skeleton; finite where not ``valid``.
            valid: False where a keypoint was not seen; all are seen by default.
            confidence: 0 to 1; 1 by default.

        Returns:
            Joints in camera axes relative to the root, metres.

        Raises:
            ValueError: The lifter needs something that the stream was not given.
        """
        if valid is None:
            valid = torch.ones_like(keypoints_px[:, 0], dtype=torch.bool)
        if confidence is None:
            confidence = valid.to(keypoints_px)
        frame = PoseBatch(
            keypoint_skeleton=self._lifter.keypoint_skeleton,
            keypoints_px=keypoints_px.unsqueeze(0),
            keypoints_valid=valid.unsqueeze(0),
            confidence=confidence.unsqueeze(0),
            image_size_px=self._size,
            intrinsics=self._intrinsics,
        )
        return self._lifter.step(self._memory, frame).joints_cam[0, 0]


def open_stream(
    estimator: Estimator,
    image_size_px: tuple[int, int],
    intrinsics: Float[Tensor, "3 3"] | None = None,
) -> Stream:
    """Start a stream of one person's frames.

    Args:
        estimator: A lifter in eval mode whose net is causal.
        image_size_px: Width, height.
        intrinsics: Pinhole camera matrix in pixels, for lifters that need it.

    Raises:
        ValueError: The estimator cannot answer frame by frame, or is in training mode.
    """
    if not isinstance(estimator, Lifter):
        raise ValueError(
            f"{type(estimator).__name__} needs a whole clip at once; for a stream take a lifter "
            "with a causal video_pose_3d or prml"
        )
    if estimator.training:
        raise ValueError("the estimator is in training mode; call eval() before streaming")
    return Stream(estimator, image_size_px, intrinsics)
