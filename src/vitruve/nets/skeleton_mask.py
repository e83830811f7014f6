"""A skeleton drawn as a soft mask, differentiable by its joints.

Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, Eq. (4), (15) to (17).
Read as follows: the squared width is 3e-3 (the text says the width is, which would be a third of a
pixel); r is the share of the way from the first end to the second (the text has the opposite sign);
lines are merged by their maximum, as the released code of X as Supervision does, not summed.

Axes: n pictures, j joints, l lines, y x pixels. Crop coordinates: 0 in the middle, the longer side
from -1 to 1.
"""

from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.skeletons.line_forms import LineForm

WIDTH_SQUARED = 3e-3
"""Of a line, in crop coordinates."""
THIN = 2.0
"""Factor in the exponent of thin lines."""
EPSILON = 1e-8
"""Added to squared lengths: a bone seen from its end is a dot."""
Pixels = Literal["centres", "corners"]
"""Where the first and the last pixel lie: half a pixel inside the edge; or on it, as in the
released code."""


def pixel_grid(
    height: int, width: int, pixels: Pixels = "centres", *, like: Float[Tensor, "..."]
) -> Float[Tensor, "y x 2"]:
    """Crop coordinates x, y of every pixel."""
    axes = []
    for count in (height, width):
        reach = count / max(height, width)
        match pixels:
            case "centres":
                reach = reach * (1 - 1 / count)
            case "corners":
                pass
            case _:
                assert_never(pixels)
        axes.append(torch.linspace(-reach, reach, count, dtype=like.dtype, device=like.device))
    y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y], dim=-1)


def line_maps(
    points: Float[Tensor, "n j 2"],
    form: LineForm,
    grid: Float[Tensor, "y x 2"],
    width_squared: float = WIDTH_SQUARED,
) -> Float[Tensor, "n l y x"]:
    """exp(-d^2 / width^2) of each line, d the distance from the pixel. Eq. (15) to (17)."""
    start, end = (ends[:, :, None, None] for ends in _ends(points, form))
    factors = _factors(form, width_squared, points)[:, None, None]
    return torch.exp(-factors * _squared_distance(start, end, grid))


def skeleton_mask(
    points: Float[Tensor, "n j 2"],
    form: LineForm,
    grid: Float[Tensor, "y x 2"],
    width_squared: float = WIDTH_SQUARED,
) -> Float[Tensor, "n y x"]:
    """The brightest line at each pixel; gradients go to that line alone."""
    start, end = _ends(points, form)
    factors = _factors(form, width_squared, points)
    with torch.no_grad():
        away = _squared_distance(start[:, :, None, None], end[:, :, None, None], grid)
        nearest = (factors[:, None, None] * away).argmin(1)
    own = torch.arange(len(points), device=points.device)[:, None, None]
    start, end = start[own, nearest], end[own, nearest]
    return torch.exp(-factors[nearest] * _squared_distance(start, end, grid))


def _squared_distance(
    start: Float[Tensor, "*b #y #x 2"],
    end: Float[Tensor, "*b #y #x 2"],
    grid: Float[Tensor, "y x 2"],
) -> Float[Tensor, "*b y x"]:
    """Of every pixel from a line. Axis by axis: an innermost axis of two is slow."""
    across, down = (end - start).unbind(-1)
    (x, y), (x0, y0) = grid.unbind(-1), start.unbind(-1)
    x, y = x - x0, y - y0
    share = (x * across + y * down) / (across.square() + down.square() + EPSILON)
    share = share.clamp(0, 1)
    return (x - share * across).square() + (y - share * down).square()


def _ends(
    points: Float[Tensor, "n j 2"], form: LineForm
) -> tuple[Float[Tensor, "n l 2"], Float[Tensor, "n l 2"]]:
    """First and last point of each line."""
    first, last = torch.tensor(form.lines, device=points.device).unbind(-1)
    return points[:, first], points[:, last]


def _factors(
    form: LineForm, width_squared: float, like: Float[Tensor, "n j 2"]
) -> Float[Tensor, "l"]:
    """Of squared distances, in the exponent of each line."""
    factors = torch.full((len(form.lines),), 1 / width_squared).to(like)
    factors[list(form.thin)] *= THIN
    return factors
