"""Pinhole camera with OpenCV distortion.

Axes: *b any leading axes, j points; camera frame x right, y down, z forward; pixel centres at .5,
so the middle of a picture is (width / 2, height / 2).
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.geometry.projection import project, undistort_px

DEFAULT_FOV_DEG = 60.0
"""Angle of the longer image side where no camera is given: an ordinary phone's."""


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

    def project(self, points_cam: Float[Tensor, "*b j 3"]) -> Float[Tensor, "*b j 2"]:
        """Pixels of camera-frame points, lens distortion included."""
        return project(points_cam, self.intrinsics, self.distortion)

    def project_world(self, points_world: Float[Tensor, "*b j 3"]) -> Float[Tensor, "*b j 2"]:
        """Pixels of world-frame points, lens distortion included.

        Raises:
            ValueError: The camera's place in the world is unknown.
        """
        return self.project(self.joints_to_cam(points_world))

    def undistort_px(self, points_px: Float[Tensor, "*b j 2"]) -> Float[Tensor, "*b j 2"]:
        """Pixels that this camera without lens distortion would have seen."""
        if self.distortion is None:
            return points_px
        return undistort_px(points_px, self.intrinsics, self.distortion)

    def projection_matrix(self) -> Float[Tensor, "3 4"]:
        """World point to homogeneous undistorted pixel: what ``triangulate`` takes.

        Raises:
            ValueError: The camera's place in the world is unknown.
        """
        T_world_cam = self._placed()
        rotation = T_world_cam[:3, :3].T
        return self.intrinsics @ torch.cat([rotation, -rotation @ T_world_cam[:3, 3:]], dim=1)

    def _placed(self) -> Float[Tensor, "4 4"]:
        if self.T_world_cam is None:
            raise ValueError("this camera has no T_world_cam; give its pose in the world first")
        return self.T_world_cam.to(torch.float32)


def intrinsics_from_fov(fov_deg: float, image_size_px: tuple[int, int]) -> Float[Tensor, "3 3"]:
    """Square-pixel, centred intrinsics of a camera whose longer image side spans ``fov_deg``.

    The longer side is meant, so that a phone's angle holds in portrait and in landscape alike.

    Raises:
        ValueError: The angle is outside 1 to 179 degrees, or the picture has no size.
    """
    width, height = image_size_px
    if not 1 <= fov_deg <= 179:
        raise ValueError(f"field of view {fov_deg} degrees; give the longer side's angle, 1 to 179")
    if min(width, height) < 1:
        raise ValueError(f"image size {width} x {height}; both sides must be at least 1 pixel")
    focal_px = max(width, height) / 2 / math.tan(math.radians(fov_deg) / 2)
    return torch.tensor([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]])


def fov_from_intrinsics(intrinsics: Float[Tensor, "3 3"], image_size_px: tuple[int, int]) -> float:
    """Angle in degrees that the longer image side spans around its middle (``fov_deg``)."""
    width, height = image_size_px
    focal_px = float(intrinsics[0, 0] if width >= height else intrinsics[1, 1])
    return math.degrees(2 * math.atan(max(width, height) / 2 / focal_px))


def crop_intrinsics(
    intrinsics: Float[Tensor, "*#b 3 3"], corner_px: Float[Tensor, "*#b 2"]
) -> Float[Tensor, "*b 3 3"]:
    """Intrinsics of a crop whose upper left corner lies at ``corner_px`` (x, y) of the picture."""
    batch = torch.broadcast_shapes(intrinsics.shape[:-2], corner_px.shape[:-1])
    shift = torch.zeros(*batch, 3, 3, dtype=intrinsics.dtype, device=intrinsics.device)
    shift[..., :2, 2] = corner_px
    return intrinsics - shift


def resize_intrinsics(
    intrinsics: Float[Tensor, "*#b 3 3"], factor: Float[Tensor, "*#b 2"]
) -> Float[Tensor, "*b 3 3"]:
    """Intrinsics after the picture's sides were multiplied by ``factor`` (x, y).

    With pixel centres at .5 a resize scales coordinates about the corner, without half-pixel terms.
    """
    rows = torch.cat([factor, torch.ones_like(factor[..., :1])], dim=-1)
    return intrinsics * rows[..., None]


def camera_for_size(camera: Camera, image_size_px: tuple[int, int]) -> Camera:
    """The camera, for pictures that were made larger or smaller as a whole.

    Raises:
        ValueError: The pictures have another shape than the camera's.
    """
    if camera.image_size_px == image_size_px:
        return camera
    factors = [new / old for new, old in zip(image_size_px, camera.image_size_px, strict=True)]
    if abs(factors[0] / factors[1] - 1) > 0.01:
        raise ValueError(
            f"it takes pictures of {camera.image_size_px} pixels, but these have {image_size_px}, "
            "another shape: calibrate for this crop"
        )
    K = resize_intrinsics(camera.intrinsics, camera.intrinsics.new_tensor(factors))
    return replace(camera, intrinsics=K, image_size_px=image_size_px)
