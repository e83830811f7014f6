"""Pinhole camera with OpenCV distortion.

Axes: b batch, j points; camera frame x right, y down, z forward; pixel centres at .5.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Camera:
    """One static calibrated camera."""

    intrinsics: Float[Tensor, "3 3"]
    """Focal lengths and principal point, pixels."""
    image_size_px: tuple[int, int]
    """Width, height."""
    distortion: Float[Tensor, "terms"] | None = None
    """OpenCV order k1 k2 p1 p2 k3 [k4 k5 k6 [s1 s2 s3 s4]]; 5, 8 or 12 terms."""
    T_world_cam: Float[Tensor, "4 4"] | None = None
    """Camera to world, metres; None when the camera's place in the world is unknown."""

    def joints_to_world(self, joints_cam: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
        """Move camera-frame points to the world frame.

        Raises:
            ValueError: The camera's place in the world is unknown.
        """
        T_world_cam = self._placed()
        return joints_cam @ T_world_cam[:3, :3].T + T_world_cam[:3, 3]

    def joints_to_cam(self, joints_world: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
        """Move world-frame points to the camera frame.

        Raises:
            ValueError: The camera's place in the world is unknown.
        """
        T_world_cam = self._placed()
        return (joints_world - T_world_cam[:3, 3]) @ T_world_cam[:3, :3]

    def _placed(self) -> Float[Tensor, "4 4"]:
        if self.T_world_cam is None:
            raise ValueError("this camera has no T_world_cam; give its pose in the world first")
        return self.T_world_cam.to(torch.float32)
