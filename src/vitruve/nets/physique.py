"""Physique net: from a skeleton drawn as lines to the outline of a body.

The shape prior network of Yang et al., "Mask as Supervision", 2023,
https://arxiv.org/abs/2312.07051, Eq. (6): it sees the drawn skeleton and nothing of the picture.
The paper calls it a light U-Net; the released code of X as Supervision has no skips. Group
normalisation where that has batch normalisation: it is run twice in each step of training.

Axes: n pictures, y x pixels.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from vitruve.nets.group_norm import group_norm


@dataclass(frozen=True)
class PhysiqueConfig:
    """Size of the net."""

    channels: tuple[int, ...] = (32, 64, 128)
    """Of each resolution, finest first; each halves it."""
    skip: bool = False
    """Hand each resolution's features over to the way back up, as a U-Net does."""


class PhysiqueNet(nn.Module):
    """Encoder and decoder that end in a sigmoid."""

    def __init__(self, config: PhysiqueConfig) -> None:
        super().__init__()
        self.config = config
        first, *rest = config.channels
        self.first = _layer(1, first)
        pairs = list(zip(config.channels[:-1], rest, strict=True))
        self.down = nn.ModuleList(_layer(fine, coarse, 2) for fine, coarse in pairs)
        beside = 2 if config.skip else 1
        self.up = nn.ModuleList(
            _layer(coarse + (beside - 1) * fine, fine) for fine, coarse in reversed(pairs)
        )
        self.last = nn.Conv2d(first, 1, 3, padding=1)

    def forward(self, lines: Float[Tensor, "n y x"]) -> Float[Tensor, "n y x"]:
        """How much of each pixel is body, 0 to 1."""
        x = self.first(lines.unsqueeze(1))
        passed = []
        for layer in self.down:
            passed.append(x)
            x = layer(x)
        for layer, fine in zip(self.up, reversed(passed), strict=True):
            x = functional.interpolate(
                x, size=fine.shape[-2:], mode="bilinear", align_corners=False
            )
            x = layer(torch.cat([x, fine], dim=1) if self.config.skip else x)
        return self.last(x).sigmoid().squeeze(1)


def _layer(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
    return nn.Sequential(conv, group_norm(out_channels), nn.LeakyReLU(0.2, inplace=True))
