"""RTMPose through rtmlib, for those who have it and its weights.

Jiang et al., "RTMPose: Real-Time Multi-Person Pose Estimation based on MMPose", 2023,
https://arxiv.org/abs/2303.07399. rtmlib is not an extra of ours, since it brings OpenCV:
``pip install rtmlib onnxruntime``.

Axes: n people, k keypoints, y x pixels.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from vitruve.pipeline.detection import Detection


@dataclass(frozen=True)
class RTMPoseConfig:
    """Settings of the RTMPose detector."""

    mode: Literal["lightweight", "balanced", "performance"] = "balanced"
    """rtmlib's model sizes, used where no file is given."""
    person_model: str = ""
    """ONNX file of the person net; else ``VITRUVE_RTMPOSE_PERSON``; else rtmlib downloads one."""
    pose_model: str = ""
    """ONNX file of the pose net; else ``VITRUVE_RTMPOSE_POSE``; else rtmlib downloads one."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Where it runs."""


class RTMPose:
    """Several people, 26 joints each, every frame on its own."""

    skeleton = "halpe_26"

    def __init__(self, config: RTMPoseConfig) -> None:
        """Build rtmlib's solution.

        Raises:
            ImportError: rtmlib is not installed.
            OSError: Its weights cannot be had.
        """
        self.config = config
        self.model = f"rtmpose {config.mode} (rtmlib)"
        self._solution = _solution(config)

    def detect(self, image: UInt8[np.ndarray, "y x 3"]) -> list[Detection]:
        """People in the frame."""
        keypoints, scores = self._solution(np.ascontiguousarray(image[..., ::-1]))
        return [
            Detection(np.asarray(points, np.float32), np.clip(np.asarray(seen, np.float32), 0, 1))
            for points, seen in zip(keypoints, scores, strict=True)
            if len(points) == 26
        ]

    def state(self) -> dict[str, np.ndarray]:
        """Nothing: it remembers no frame."""
        return {}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Nothing to take over."""


def _solution(config: RTMPoseConfig) -> Any:
    try:
        from rtmlib import BodyWithFeet  # type: ignore[import-not-found]
    except ImportError as error:
        raise ImportError(
            "the rtmpose detector needs rtmlib: pip install rtmlib onnxruntime"
        ) from error
    person = config.person_model or os.environ.get("VITRUVE_RTMPOSE_PERSON") or None
    pose = config.pose_model or os.environ.get("VITRUVE_RTMPOSE_POSE") or None
    try:
        return BodyWithFeet(
            det=person, pose=pose, mode=config.mode, backend="onnxruntime", device=config.device
        )
    except OSError as error:
        raise OSError(
            f"RTMPose's weights cannot be had ({error}); download the ONNX files on a connected "
            "machine and set VITRUVE_RTMPOSE_PERSON and VITRUVE_RTMPOSE_POSE to them, "
            "or use the blazepose detector"
        ) from error
