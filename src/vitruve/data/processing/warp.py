"""A picture as another camera at the same place would have taken it.

Cameras at one place see the same rays: what each pixel of the other camera shows is found in the
picture, whatever turn, zoom, lens or mirror lies between them. Where pixels are thrown together,
several samples of each are averaged, so that nothing flickers.

Axes: y x pixels of the picture, n pixels of the other camera, m points.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

from vitruve.geometry.camera import Camera
from vitruve.geometry.projection import distort

FINER = 2
"""Samples along each side of a pixel that shows much more than one pixel of the picture."""
_FINE_ENOUGH = 1.25
"""Pixels of the picture along a pixel that one sample between four of them still stands for."""
_GRID = 4
"""Steps across the view by which its coarseness is measured."""
_BEHIND = 1e-3
"""Least depth of a ray in the picture's camera, so that what lies behind it stays finite."""


def warp_picture(
    image: UInt8[np.ndarray, "y x c"],
    camera: Camera,
    seen: Camera,
    R_seen_picture: Float[Tensor, "3 3"],
) -> UInt8[np.ndarray, "n n c"]:
    """The square picture of another camera; black where this one shows nothing.

    Args:
        image: RGB, a mask of one channel, or both.
        camera: What took it, lens and all.
        seen: The other camera, a pinhole at the same place.
        R_seen_picture: Turns the picture's camera-frame points to the other camera's; one with a
            negative determinant also mirrors them.
    """
    n = seen.image_size_px[0]
    coarser = _pixels_per_pixel(camera, seen, R_seen_picture)
    finer = FINER if coarser > _FINE_ENOUGH else 1
    at_px = _rays_in_picture((torch.arange(n * finer) + 0.5) / finer, camera, seen, R_seen_picture)
    if coarser > FINER:
        sampled = _sample_smaller(image, at_px, coarser / FINER)
    else:
        sampled = _sample(image, at_px)
    small = functional.avg_pool2d(sampled, finer) if finer > 1 else sampled
    return small.permute(1, 2, 0).round().clamp(0, 255).byte().numpy()


def _rays_in_picture(
    ticks: Float[Tensor, "m"], camera: Camera, seen: Camera, R_seen_picture: Float[Tensor, "3 3"]
) -> Float[Tensor, "2 m m"]:
    """Where the picture shows what the other camera shows at all pairs of ticks, x and y planes."""
    turn = (R_seen_picture.T @ torch.linalg.inv(seen.intrinsics))[..., None, None]
    rays = turn[:, 0] * ticks + turn[:, 1] * ticks[:, None] + turn[:, 2]
    normalised = rays[:2] / rays[2].clamp(min=_BEHIND)
    if camera.distortion is not None:
        bent = distort(normalised.flatten(1).T, camera.distortion)
        normalised = bent.T.reshape(normalised.shape)
    (fx, skew), (_, fy) = camera.intrinsics[:2, :2]
    x, y = normalised
    return torch.stack(
        [fx * x + skew * y + camera.intrinsics[0, 2], fy * y + camera.intrinsics[1, 2]]
    )


def part(
    image: UInt8[np.ndarray, "y x c"], corner_px: Float[np.ndarray, "2"], side: float, n: int
) -> UInt8[np.ndarray, "{n} {n} c"]:
    """A square of a picture as n x n pixels, averaged where it shrinks; black beyond."""
    channels = image.shape[2]
    left, top = (math.floor(c) for c in corner_px)
    right, bottom = (math.ceil(c + side) for c in corner_px)
    padded = np.zeros((bottom - top, right - left, channels), np.uint8)
    inside = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    y, x = max(-top, 0), max(-left, 0)
    padded[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    picture = Image.fromarray(padded[..., 0] if channels == 1 else padded)
    x0, y0 = corner_px[0] - left, corner_px[1] - top
    # Beyond 2 to 1 whole pixels are averaged first: as good, and several times as fast.
    small = picture.resize(
        (n, n), Image.Resampling.BICUBIC, (x0, y0, x0 + side, y0 + side), reducing_gap=2.0
    )
    return np.array(small).reshape(n, n, channels)


def _pixels_per_pixel(camera: Camera, seen: Camera, R_seen_picture: Float[Tensor, "3 3"]) -> float:
    """Pixels of the picture along one of the view's, in most of it.

    Not where they are most: the corners of a very wide view are far apart.
    """
    n = seen.image_size_px[0]
    grid = _rays_in_picture(torch.linspace(0, n, _GRID + 1), camera, seen, R_seen_picture)
    steps = [grid.diff(dim=axis).norm(dim=0).flatten() for axis in (1, 2)]
    return float(torch.cat(steps).median()) * _GRID / n


def _sample(
    image: UInt8[np.ndarray, "y x c"], at_px: Float[Tensor, "2 m m"]
) -> Float[Tensor, "c m m"]:
    """Pixels between those of the picture; only the part that is looked at is touched."""
    bounds = []
    for places, size in zip(at_px, image.shape[1::-1], strict=True):
        low = min(max(0, math.floor(float(places.min())) - 1), size - 1)
        bounds.append((low, max(low + 1, min(size, math.ceil(float(places.max())) + 1))))
    (left, right), (top, bottom) = bounds
    first = torch.tensor([left, top], dtype=torch.float32)
    size = torch.tensor([right - left, bottom - top])
    return _between(image[top:bottom, left:right], at_px, first, size)


def _sample_smaller(
    image: UInt8[np.ndarray, "y x c"], at_px: Float[Tensor, "2 m m"], factor: float
) -> Float[Tensor, "c m m"]:
    """The same in a picture made smaller, so that no pixel is skipped."""
    # One pixel more at each side, or edges would be mixed with the black beyond them.
    first, last = at_px.amin((1, 2)) - factor, at_px.amax((1, 2)) + factor
    side = float((last - first).max()) + 1e-3
    corner, n = first.double().numpy(), math.ceil(side / factor)
    # A fourth channel is no opacity: pictures are made smaller by it apart from it.
    groups = [image[..., :3], image[..., 3:]]
    parts = [part(group, corner, side, n) for group in groups if group.shape[-1]]
    return _between(np.concatenate(parts, axis=-1), at_px, first, torch.tensor([side, side]))


def _between(
    source: UInt8[np.ndarray, "_ _ c"],
    at_px: Float[Tensor, "2 m m"],
    first: Float[Tensor, "2"],
    size: Tensor,
) -> Float[Tensor, "c m m"]:
    """Values of a source whose corner is at ``first``, and which spans ``size`` pixels."""
    pixels = torch.from_numpy(np.ascontiguousarray(source)).permute(2, 0, 1)[None].float()
    scale = 2 / size
    grid = at_px.permute(1, 2, 0) * scale - (1 + first * scale)
    return functional.grid_sample(pixels, grid[None], align_corners=False)[0]
