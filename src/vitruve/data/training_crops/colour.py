"""Pictures in other light: brightness, contrast, saturation, hue and gamma as one map of colours.

Axes: y x pixels, RGB from 0 to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import roma
import torch
from jaxtyping import Float
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)
"""Weights of a grey value (ITU-R BT.601)."""
_AFFINE = ("matrix", "offset")
_MIDDLE = 0.5
"""Contrast leaves it as it is."""


@dataclass(frozen=True)
class ColourConfig:
    """How far colours vary; each number is drawn evenly up to it, to both sides."""

    brightness: float = 0.12
    """Added, of a range of 1."""
    contrast: float = 0.3
    """Share by which differences grow or shrink."""
    saturation: float = 0.4
    """Share by which colours differ more or less from grey."""
    hue_deg: float = 15.0
    """Turn of all colours about grey."""
    gamma: float = 0.3
    """Exponent of the values, up to this much larger than 1, or its inverse."""


NO_CHANGE = ColourConfig(0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class ColourMap:
    """An affine map of colours, then a power of each value."""

    matrix: Float[Tensor, "3 3"]
    offset: Float[Tensor, "3"]
    gamma: float

    def __call__(self, image: Float[Tensor, "3 y x"]) -> Float[Tensor, "3 y x"]:
        """The picture in these colours; what leaves the range is cut off."""
        return recoloured(image.unsqueeze(0), [self])[0]


def recoloured(
    images: Float[Tensor, "n 3 y x"], maps: Sequence[ColourMap]
) -> Float[Tensor, "n 3 y x"]:
    """Each picture in the colours of its map; what leaves the range is cut off."""
    matrix, offset = (torch.stack([getattr(m, name) for m in maps]) for name in _AFFINE)
    mapped = (matrix @ images.flatten(2) + offset.unsqueeze(-1)).clamp_(0, 1)
    gamma = mapped.new_tensor([m.gamma for m in maps])
    changed = gamma.ne(1).any()
    return (mapped.pow_(gamma.view(-1, 1, 1)) if changed else mapped).view_as(images)


def draw_colours(config: ColourConfig, generator: torch.Generator) -> ColourMap:
    """A map at random; the same number of draws whatever the config."""
    bright, contrast, saturation, hue, gamma = (2 * torch.rand(5, generator=generator) - 1).tolist()
    grey = torch.tensor(_LUMA).expand(3, 3)
    colourful = torch.lerp(grey, torch.eye(3), 1 + config.saturation * saturation)
    axis = torch.ones(3) / 3**0.5
    turn = roma.rotvec_to_rotmat(axis * torch.tensor(config.hue_deg * hue).deg2rad())
    strength = 1 + config.contrast * contrast
    matrix = strength * (turn @ colourful)
    offset = torch.full((3,), _MIDDLE * (1 - strength) + config.brightness * bright)
    return ColourMap(matrix, offset, (1 + config.gamma) ** gamma)
