"""Procedural textures: cloth, skin and flat part colours, as functions of the rest position.

Painted where a point was before the body was posed, patterns follow any body without texture
coordinates; evaluated for each pixel, they are crisp at any size. One formula gives plain cloth,
stripes, checks and blotches: two families of stripes, bent by smooth noise, of which a pixel takes
the second colour where it lies in exactly one.

Axes: b pictures, p parts, n points.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.poses import TensorRecord

SKINS = ((0.96, 0.80, 0.69), (0.90, 0.67, 0.51), (0.72, 0.48, 0.34), (0.42, 0.27, 0.19))
"""Skin from light to dark, sRGB; drawn skins lie between neighbours."""
NOISE_PER_M = 3.0
"""Waves of the coarsest noise in a metre."""


@dataclass(frozen=True, eq=False)
class Textures(TensorRecord):
    """What each part of the body in each picture looks like."""

    colours: Float[Tensor, "b p 2 3"]
    """First and second colour, 0 to 1."""
    waves: Float[Tensor, "b p 2 3"]
    """Two families of stripes: direction and stripes in a metre."""
    phases: Float[Tensor, "b p 2"]
    """0 to 1."""
    widths: Float[Tensor, "b p 2"]
    """Share of each stripe that counts as in it; 0 for none."""
    bend: Float[Tensor, "b p"]
    """How far noise moves the stripes, in stripes."""
    grain: Float[Tensor, "b p"]
    """How much noise darkens or lightens the colours, relative."""
    shift: Float[Tensor, "b 3"]
    """Where in the noise a body lies, metres: no two have the same."""

    def paint(
        self,
        picture: Int64[Tensor, "n"],
        part: Int64[Tensor, "n"],
        points_rest: Float[Tensor, "n 3"],
    ) -> Float[Tensor, "n 3"]:
        """Colours of points of parts of pictures, 0 to 1."""
        row = picture * self.bend.shape[1] + part
        noise = _noise(points_rest + self.shift.index_select(0, picture))
        within = torch.zeros_like(row, dtype=torch.bool)
        for i in range(2):
            wave = self.waves[:, :, i].flatten(0, 1).index_select(0, row)
            place = (wave * points_rest).sum(-1) + _of(self.phases[..., i], row)
            place = place + _of(self.bend, row) * noise[:, i]
            within ^= place - place.floor() < _of(self.widths[..., i], row)
        # The colour is looked up once: the second one of a part follows its first.
        colour = self.colours.flatten(0, 2).index_select(0, 2 * row + within)
        return (colour * (1 + _of(self.grain, row) * noise[:, 2])[:, None]).clamp_(0, 1)


def _of(values: Float[Tensor, "b p"], row: Int64[Tensor, "n"]) -> Float[Tensor, "n"]:
    return values.flatten().index_select(0, row)


def flat_part_colours(pictures: int, num_parts: int, generator: torch.Generator) -> Textures:
    """One colour for each part, from a colour ramp drawn for each picture.

    The appearance "Seg" of Yang et al., "X as Supervision" (2024), which takes random colormaps at
    evenly spaced places; our ramps are random cosines.
    """
    speed = 0.3 + 0.7 * torch.rand(pictures, 1, 3, generator=generator)
    start = torch.rand(pictures, 1, 3, generator=generator)
    place = torch.arange(num_parts)[:, None] / max(num_parts - 1, 1)
    colours = 0.5 + 0.5 * torch.cos(2 * torch.pi * (speed * place + start))
    flat = torch.zeros(pictures, num_parts)
    return Textures(
        colours[:, :, None].repeat(1, 1, 2, 1),
        flat[..., None, None].repeat(1, 1, 2, 3),
        flat[..., None].repeat(1, 1, 2),
        flat[..., None].repeat(1, 1, 2),
        flat,
        flat,
        torch.zeros(pictures, 3),
    )


def _noise(points: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """Three smooth noises from -1 to 1: waves of which each bends the next."""
    noise = _wave(NOISE_PER_M * points)
    for scale in (1.7, 2.9):
        noise = _wave(scale * NOISE_PER_M * points.roll(1, -1) + noise.roll(1, -1))
    return noise


def _wave(x: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """From -1 to 1 and back for each unit of ``x``, smooth; much cheaper than a sine."""
    triangle = (2 * (x - x.floor()) - 1).abs()
    return 2 * triangle * triangle * (3 - 2 * triangle) - 1
