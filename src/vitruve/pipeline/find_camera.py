"""Which camera took a clip: the stated one, or a guess."""

from dataclasses import replace
from pathlib import Path

from vitruve.geometry.camera import Camera, intrinsics_from_fov, resize_intrinsics
from vitruve.geometry.camera_file import load_camera

DEFAULT_FOV_DEG = 60.0
"""Angle of the longer image side where no camera is given: an ordinary phone's."""


def find_camera(path: Path | None, fov_deg: float | None, image_size_px: tuple[int, int]) -> Camera:
    """The stated camera for pictures of this size, or one guessed from the field of view.

    Raises:
        ValueError: Both are given, or the camera's pictures have another shape.
    """
    if path is not None and fov_deg is not None:
        raise ValueError("give either a camera file or a field of view, not both")
    if path is None:
        angle_deg = DEFAULT_FOV_DEG if fov_deg is None else fov_deg
        return Camera(intrinsics_from_fov(angle_deg, image_size_px), image_size_px)
    camera = load_camera(path)
    if camera.image_size_px == image_size_px:
        return camera
    factors = [new / old for new, old in zip(image_size_px, camera.image_size_px, strict=True)]
    if abs(factors[0] / factors[1] - 1) > 0.01:
        raise ValueError(
            f"the camera of {path} takes pictures of {camera.image_size_px} pixels, but these have "
            f"{image_size_px}, another shape: calibrate for this crop"
        )
    factor = camera.intrinsics.new_tensor(factors)
    return replace(
        camera,
        intrinsics=resize_intrinsics(camera.intrinsics, factor),
        image_size_px=image_size_px,
    )
