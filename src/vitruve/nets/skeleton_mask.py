"""A skeleton drawn as a soft mask, differentiable by its joints.

Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, Eq. (4), (15) to (17).
Read as follows: the squared width is 3e-3 (the text says the width is, which would be a third of a
pixel); r is the share of the way from the first end to the second (the text has the opposite sign);
lines are merged by their maximum, as the released code of X as Supervision does, not summed.

Axes: n pictures, j joints, l lines, y x pixels. Crop coordinates: 0 in the middle, the longer side
from -1 to 1.
"""

from collections.abc import Sequence
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
    start, end = (points[:, _ends(form, i, points.device)][:, :, None, None] for i in (0, 1))
    along = end - start
    from_start = grid - start
    share = (from_start * along).sum(-1) / (along.square().sum(-1) + EPSILON)
    away = from_start - share.clamp(0, 1)[..., None] * along
    exponents = torch.full((len(form.lines), 1, 1), 1 / width_squared).to(points)
    exponents[list(form.thin)] *= THIN
    return torch.exp(-away.square().sum(-1) * exponents)


def skeleton_mask(
    points: Float[Tensor, "n j 2"],
    form: LineForm,
    grid: Float[Tensor, "y x 2"],
    width_squared: float = WIDTH_SQUARED,
) -> Float[Tensor, "n y x"]:
    """The brightest line at each pixel."""
    return line_maps(points, form, grid, width_squared).amax(1)


def _ends(form: LineForm, side: int, device: torch.device) -> Tensor:
    ends: Sequence[int] = [line[side] for line in form.lines]
    return torch.tensor(ends, device=device)
