"""Last layers of the lifters: one for x, y, z, or one for x, y and another for the depth.

Two heads make a lifter a multi-task net in which only the last layer is each task's own: "PrML:
progressive multi-task learning for monocular 3D human pose estimation" (under review, authors
unnamed), Table 7.

Axes: b any leading axes, c channels.
"""

from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

Heads = Literal["joint", "split"]
"""One last layer for x, y, z ("joint"), or one for x, y and one for the depth ("split")."""


class SplitHead(nn.Module):
    """Two layers side by side: x and y from one, the depth z from the other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.plane = nn.Linear(channels, 2)
        self.depth = nn.Linear(channels, 1)

    def forward(self, x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b 3"]:
        """Map each token to (x, y, z)."""
        return torch.cat([self.plane(x), self.depth(x)], dim=-1)


def make_head(channels: int, heads: Heads) -> nn.Module:
    """Build the last layer of a lifter; either gives (x, y, z)."""
    match heads:
        case "joint":
            return nn.Linear(channels, 3)
        case "split":
            return SplitHead(channels)
    assert_never(heads)
