"""A square picture of one person, and the camera that would have taken it.

Plain crops keep the lens: a part of the picture, made smaller where it is larger than asked, with
the intrinsics of that part. Perspective crops are what a pinhole camera at the same place would
have taken had it looked at the person: turned, without lens distortion.

Axes: y x pixels of the picture, n pixels of the crop.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vitruve.data.processing.warp import part, warp_picture
from vitruve.geometry.camera import Camera, crop_intrinsics, resize_intrinsics
from vitruve.geometry.projection import normalise_points


@dataclass(frozen=True)
class CropConfig:
    """How people are cut out."""

    side_px: int = 384
    """Side of a crop at most, pixels: 1.5 times what nets are fed, room for augmentation."""
    expand: float = 1.5
    """Side of the crop over the longer side of the person's box."""
    perspective: bool = False
    """Crops of a camera that looks at the person, instead of parts of the picture."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A square picture of a person."""

    image: UInt8[np.ndarray, "n n c"]
    camera: Camera | None
    """What took it; None where the picture's camera is unknown."""
    R_crop_picture: Float[np.ndarray, "3 3"]
    """Turns camera-frame points of the picture to those of the crop."""
    corner_px: Float[np.ndarray, "2"]
    """Upper left corner in the picture, for plain crops."""
    scale: float
    """Pixels of the crop over pixels of the picture, for plain crops."""

    def to_crop(self, points_px: Float[np.ndarray, "*b 2"]) -> Float[np.ndarray, "*b 2"]:
        """Pixels of the picture as pixels of a plain crop."""
        return (points_px - self.corner_px) * self.scale

    def turn(self, joints_cam: Float[np.ndarray, "*b 3"]) -> Float[np.ndarray, "*b 3"]:
        """Joints in the picture's camera frame as joints in the crop's, metres."""
        return joints_cam @ self.R_crop_picture.T


def crop_person(
    image: UInt8[np.ndarray, "y x c"],
    camera: Camera | None,
    box_px: Float[np.ndarray, "4"],
    config: CropConfig,
) -> Crop:
    """Cut a person out; black beyond the picture.

    Args:
        image: RGB, or a mask of one channel.
        camera: Of the picture.
        box_px: Around the person.
        config: How.

    Raises:
        ValueError: A perspective crop of a picture whose camera is unknown.
    """
    middle = (box_px[:2] + box_px[2:]) / 2
    side = float((box_px[2:] - box_px[:2]).max()) * config.expand
    n = min(config.side_px, math.ceil(side))
    if not config.perspective:
        return _plain(image, camera, (middle - side / 2, side), n)
    if camera is None:
        raise ValueError("a perspective crop needs the picture's camera; make plain crops")
    seen, R = look_at(camera, torch.from_numpy(middle).float(), side / 2, n)
    turned = R.numpy().astype(np.float64)
    return Crop(warp_picture(image, camera, seen, R), seen, turned, np.zeros(2), 1.0)


def look_at(
    camera: Camera, middle_px: Float[Tensor, "2"], half_px: float, n: int
) -> tuple[Camera, Float[Tensor, "3 3"]]:
    """A pinhole camera of n x n pixels that looks at a point of a picture, without rolling.

    Args:
        camera: Of the picture.
        middle_px: Where it looks.
        half_px: Half the side of the square of the picture that it shows.
        n: Side of its picture.

    Returns:
        The camera, and the rotation from the picture's camera to it.
    """
    offsets = torch.tensor([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]]) * half_px
    lens = camera.distortion
    rays = normalise_points(middle_px + offsets, camera.intrinsics, lens)
    rays = torch.cat([rays, torch.ones(len(rays), 1)], dim=1)
    z = rays[0] / rays[0].norm()
    x = torch.linalg.cross(torch.tensor([0.0, 1.0, 0.0]), z)
    x = x / x.norm()
    R = torch.stack([x, torch.linalg.cross(z, x), z])
    turned = rays[1:] @ R.T
    reach = (turned[:, :2] / turned[:, 2:]).abs().max()
    K = torch.eye(3)
    K[0, 0] = K[1, 1] = n / 2 / reach
    K[:2, 2] = n / 2
    T = camera.T_world_cam
    if T is not None:
        T = T.clone()
        T[:3, :3] = T[:3, :3] @ R.T
    return Camera(K, (n, n), T_world_cam=T), R


def _plain(
    image: UInt8[np.ndarray, "y x c"],
    camera: Camera | None,
    square: tuple[Float[np.ndarray, "2"], float],
    n: int,
) -> Crop:
    corner, side = square
    scale = n / side
    if camera is not None:
        at = torch.from_numpy(corner).float()
        K = resize_intrinsics(crop_intrinsics(camera.intrinsics, at), torch.full((2,), scale))
        camera = replace(camera, intrinsics=K, image_size_px=(n, n))
    return Crop(part(image, corner, side, n), camera, np.eye(3), corner, scale)
