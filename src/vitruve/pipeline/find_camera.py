"""Which camera took a clip: the stated one, or a guess."""

from pathlib import Path

from vitruve.geometry.camera import (
    DEFAULT_FOV_DEG,
    Camera,
    camera_for_size,
    intrinsics_from_fov,
)
from vitruve.geometry.camera_file import load_camera


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
    try:
        return camera_for_size(camera, image_size_px)
    except ValueError as error:
        raise ValueError(f"the camera of {path}: {error}") from error
