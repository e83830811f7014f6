"""Random flat shapes: what clutters backgrounds and stands before people.

Axes: y x pixels. Pixel centres at .5.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class ShapesConfig:
    """How many shapes a picture gets, and their sizes."""

    most: int = 8
    """Each picture gets 0 up to this many."""
    size: tuple[float, float] = (0.05, 0.5)
    """Half length of a shape over the picture's shorter side."""
    thinnest: float = 0.15
    """Least width over length."""


def paint_shapes(
    canvas: Float[Tensor, "3 y x"], generator: torch.Generator, config: ShapesConfig
) -> Bool[Tensor, "y x"]:
    """Paint boxes, ellipses and triangles, plain or shaded, at random places of a picture.

    Args:
        canvas: Painted on in place, 0 to 1.
        generator: Of all that is random.
        config: How many, how large.

    Returns:
        What was painted over.
    """
    painted = torch.zeros(canvas.shape[1:], dtype=torch.bool)
    for _ in range(int(torch.randint(config.most + 1, (), generator=generator))):
        _paint_one(canvas, painted, generator, config)
    return painted


def _paint_one(
    canvas: Float[Tensor, "3 y x"],
    painted: Bool[Tensor, "y x"],
    generator: torch.Generator,
    config: ShapesConfig,
) -> None:
    _, height, width = canvas.shape
    drawn = torch.rand(12, generator=generator).tolist()
    low, high = config.size
    half = min(width, height) * low * (high / low) ** drawn[0]
    thin = half * (config.thinnest + (1 - config.thinnest) * drawn[1])
    x, y = width * drawn[2], height * drawn[3]
    left, right = max(0, int(x - 1.5 * half)), min(width, math.ceil(x + 1.5 * half))
    top, bottom = max(0, int(y - 1.5 * half)), min(height, math.ceil(y + 1.5 * half))
    if left >= right or top >= bottom:
        return
    across = torch.arange(left, right) + 0.5 - x
    down = (torch.arange(top, bottom) + 0.5 - y)[:, None]
    cos, sin = math.cos(math.pi * drawn[4]), math.sin(math.pi * drawn[4])
    u, v = (cos * across + sin * down) / half, (cos * down - sin * across) / thin
    inside = (_box, _ellipse, _triangle)[int(3 * drawn[5])](u, v)
    shade = 1 + 0.6 * (drawn[6] - 0.5) * u + 0.6 * (drawn[7] - 0.5) * v
    colour = torch.tensor(drawn[8:11])[:, None, None] * shade
    part = canvas[:, top:bottom, left:right]
    part[:] = torch.where(inside, colour.clamp(0, 1), part)
    painted[top:bottom, left:right] |= inside


def _box(u: Float[Tensor, "y x"], v: Float[Tensor, "y x"]) -> Bool[Tensor, "y x"]:
    return (u.abs() < 1) & (v.abs() < 1)


def _ellipse(u: Float[Tensor, "y x"], v: Float[Tensor, "y x"]) -> Bool[Tensor, "y x"]:
    return u * u + v * v < 1


def _triangle(u: Float[Tensor, "y x"], v: Float[Tensor, "y x"]) -> Bool[Tensor, "y x"]:
    return (v < 1) & (v > 2 * u.abs() - 1)
