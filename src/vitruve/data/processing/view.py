"""Virtual cameras that look at a person, plainly or with the variations of training and testing.

Whatever is varied is a property of the camera, so that its picture, its intrinsics and the labels
in its frame stay those of one camera: a turn about its axis, a longer or shorter lens, a look past
the person, and a mirror. The variations are those of MeTRAbs (Sarandi et al., T-BIOM 2021,
https://arxiv.org/abs/2007.07227).

Axes: n pixels of the view, j joints.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vitruve.data.processing.crop import look_at
from vitruve.data.processing.warp import warp_picture
from vitruve.geometry.camera import Camera
from vitruve.geometry.projection import normalise_points, project


@dataclass(frozen=True)
class Aim:
    """How a view differs from one that shows the person upright in its middle."""

    roll_deg: float = 0.0
    """Turn of the picture, clockwise."""
    zoom: float = 1.0
    """How much larger the person is."""
    shift: tuple[float, float] = (0.0, 0.0)
    """How far beside the person it looks, right and down, as shares of its side."""
    mirrored: bool = False


@dataclass(frozen=True)
class AimConfig:
    """How far views are varied; each number is drawn evenly up to it, to both sides."""

    rotation_deg: float = 20.0
    scale: float = 0.25
    """The person is up to this share larger or smaller."""
    shift: float = 0.1
    """Share of the view's side."""
    mirror: float = 0.5
    """Probability of a mirrored view."""


@dataclass(frozen=True, eq=False)
class View:
    """A camera of ``n x n`` pixels at the place of the picture's camera."""

    camera: Camera
    R_view_picture: Float[Tensor, "3 3"]
    """Turns camera-frame points of the picture to those of the view, and mirrors them where the
    view is mirrored. Its transpose leads back."""
    mirrored: bool

    def show(self, image: UInt8[np.ndarray, "y x c"], camera: Camera) -> UInt8[np.ndarray, "n n c"]:
        """What it shows of a picture that ``camera`` took; black beyond."""
        return warp_picture(image, camera, self.camera, self.R_view_picture)

    def turn(self, joints_cam: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3"]:
        """Points of the picture's camera frame in its own; sides keep their names."""
        return joints_cam @ self.R_view_picture.T

    def place(self, points_px: Float[Tensor, "j 2"], camera: Camera) -> Float[Tensor, "j 2"]:
        """Where it shows points of the picture, pixels."""
        rays = normalise_points(points_px, camera.intrinsics, camera.distortion)
        rays = torch.cat([rays, torch.ones_like(rays[:, :1])], dim=1)
        return project(self.turn(rays), self.camera.intrinsics)


def draw_aim(config: AimConfig, generator: torch.Generator) -> Aim:
    """An aim at random; the same number of draws whatever the config."""
    turn, zoom, x, y, mirror = torch.rand(5, generator=generator).tolist()
    return Aim(
        roll_deg=config.rotation_deg * (2 * turn - 1),
        zoom=1 + config.scale * (2 * zoom - 1),
        shift=(config.shift * (2 * x - 1), config.shift * (2 * y - 1)),
        mirrored=mirror < config.mirror,
    )


def view_of(
    camera: Camera,
    box_px: Float[Tensor, "4"],
    side_px: int,
    *,
    expand: float = 1.0,
    aim: Aim | None = None,
) -> View:
    """A camera that looks at the box of a person.

    Args:
        camera: What took the picture.
        box_px: Around the person: left, top, right, bottom.
        side_px: Side of the view.
        expand: Side of what it shows over the longer side of the box.
        aim: How it differs from the plain one.
    """
    aim = aim or Aim()
    side = float((box_px[2:] - box_px[:2]).max()) * expand / aim.zoom
    middle = (box_px[:2] + box_px[2:]) / 2 + side * torch.tensor(aim.shift)
    seen, R = look_at(camera, middle, side / 2, side_px)
    angle = math.radians(aim.roll_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    after = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    if aim.mirrored:
        after[0] = -after[0]
    return View(Camera(seen.intrinsics, (side_px, side_px)), after @ R, aim.mirrored)
