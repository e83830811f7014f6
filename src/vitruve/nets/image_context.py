"""What feature maps of a picture say about joints that were found in it.

Zhao, Zheng, Liu, Chen, "A single 2D pose with context is worth hundreds for 3D human pose
estimation", NeurIPS 2023, https://arxiv.org/abs/2311.03312: maps of several resolutions are sampled
around each 2D joint. Plain cross-attention over a map's cells is what Dai et al., "PrML", appendix
C.6, tries instead.

Axes: n pictures, j joints, l levels (maps), s samples, h heads, c channels, y x cells of a map.
Positions are (x, y) in the picture, -1 and 1 at the outer edges of its border pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Pictures:
    """Feature maps of some frames of a clip, and where its joints are in them."""

    levels: tuple[Float[Tensor, "b i _ _ _"], ...]
    """Maps (c y x) of each picture, one entry per level."""
    points: Float[Tensor, "b i j 2"]
    """Positions of the 2D joints."""
    seen: Bool[Tensor, "b i j"]
    """False where a joint's position is arbitrary."""
    frames: Int64[Tensor, "b i"]
    """Frame of the clip that each picture shows."""


def sample_at(
    maps: Float[Tensor, "n c y x"], points: Float[Tensor, "n *p 2"]
) -> Float[Tensor, "n *p c"]:
    """Bilinear value of the maps at positions; 0 beyond the edges.

    The middle of cell i of x is at ``(2 i + 1) / x - 1``.
    """
    grid = points.flatten(1, -2).unsqueeze(2)
    values = functional.grid_sample(maps, grid.to(maps.dtype), align_corners=False)
    return values[..., 0].transpose(1, 2).unflatten(1, points.shape[1:-1])


class _LevelByLevel(nn.Module):
    """Asks every level of a feature pyramid by itself."""

    levels: nn.ModuleList

    def forward(
        self,
        query: Float[Tensor, "n j c"],
        levels: Sequence[Float[Tensor, "n _ _ _"]],
        points: Float[Tensor, "n j 2"],
    ) -> Float[Tensor, "n j l c"]:
        """Features of every joint from every level."""
        each = zip(self.levels, levels, strict=True)
        return torch.stack([level(query, maps, points) for level, maps in each], dim=2)


class DeformableContext(_LevelByLevel):
    """Each joint chooses where around it to look, and how much to believe each sample."""

    def __init__(
        self, channels: int, level_channels: Sequence[int], num_heads: int = 4, num_samples: int = 4
    ) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            _DeformableLevel(channels, own, num_heads, num_samples) for own in level_channels
        )


class AttentionContext(_LevelByLevel):
    """Each joint attends to all cells of a map; codes of their positions tell it what is near."""

    def __init__(self, channels: int, level_channels: Sequence[int], num_heads: int = 4) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            _AttentionLevel(channels, own, num_heads) for own in level_channels
        )


def position_code(points: Float[Tensor, "*b 2"], channels: int) -> Float[Tensor, "*b {channels}"]:
    """Sines and cosines of x and y at ``channels / 4`` frequencies; near positions are alike.

    Periods go from 4, twice the picture, down to a 16th of it.
    """
    count = channels // 4
    octaves = torch.linspace(0, 5, count, device=points.device, dtype=points.dtype)
    # Frequency by frequency, so that every head of an attention gets both x and y.
    angles = points[..., None, :] * (math.pi / 2 * 2**octaves)[:, None]
    return torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(-2)


class _DeformableLevel(nn.Module):
    def __init__(self, channels: int, own: int, num_heads: int, num_samples: int) -> None:
        super().__init__()
        self.heads_by_samples = num_heads, num_samples
        self.at_joint = nn.Linear(own, channels)
        self.offsets = nn.Linear(channels, num_heads * num_samples * 2)
        self.weights = nn.Linear(channels, num_heads * num_samples)
        self.values = nn.Linear(own, channels)
        self.proj = nn.Linear(channels, channels)
        # Untrained, every head looks in its own direction, 1, 2, ... cells away, at equal weights.
        angles = torch.arange(num_heads) * (2 * math.pi / num_heads)
        steps = torch.stack([angles.cos(), angles.sin()], dim=-1)[:, None]
        steps = steps * torch.arange(1, num_samples + 1)[:, None]
        nn.init.zeros_(self.offsets.weight)
        nn.init.zeros_(self.weights.weight)
        nn.init.zeros_(self.weights.bias)
        with torch.no_grad():
            self.offsets.bias.copy_(steps.flatten())

    def forward(
        self,
        query: Float[Tensor, "n j c"],
        maps: Float[Tensor, "n own y x"],
        points: Float[Tensor, "n j 2"],
    ) -> Float[Tensor, "n j c"]:
        there = self.at_joint(sample_at(maps, points))
        asks = query + there
        cell = 2 / maps.new_tensor([maps.shape[-1], maps.shape[-2]])
        offsets = self.offsets(asks).unflatten(-1, (*self.heads_by_samples, 2)) * cell
        weights = self.weights(asks).unflatten(-1, self.heads_by_samples).softmax(dim=-1)
        samples = sample_at(maps, points[:, :, None, None] + offsets)
        mixed = (weights[..., None] * samples).sum(dim=-2)
        # Linear maps and sampling commute: only what is sampled is mapped, each head to its share.
        by_head = self.values.weight.unflatten(0, (self.heads_by_samples[0], -1))
        values = torch.einsum("njho,hco->njhc", mixed, by_head).flatten(-2) + self.values.bias
        return there + self.proj(values)


class _AttentionLevel(nn.Module):
    def __init__(self, channels: int, own: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(channels, channels)
        # A bias would add the same to all cells, which softmax does not see.
        self.key = nn.Linear(own, channels, bias=False)
        self.values = nn.Linear(own, channels)
        self.proj = nn.Linear(channels, channels)
        # What the code adds to the logit of the cell that the joint is in.
        self.nearness = nn.Parameter(torch.tensor(8.0))

    def forward(
        self,
        query: Float[Tensor, "n j c"],
        maps: Float[Tensor, "n own y x"],
        points: Float[Tensor, "n j 2"],
    ) -> Float[Tensor, "n j c"]:
        c = query.shape[-1]
        cells = maps.flatten(2).transpose(1, 2)
        # A head's code times itself is half its channels, over whose root attention divides.
        here = self.nearness * 2 / math.sqrt(c / self.num_heads)
        q = self.query(query) + here * position_code(points, c)
        k = self.key(cells) + position_code(_centres(maps), c)
        q, k, v = (
            x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for x in (q, k, self.values(cells))
        )
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).flatten(2))


def _centres(maps: Float[Tensor, "n own y x"]) -> Float[Tensor, "cells 2"]:
    """Positions of the middles of a map's cells, row by row."""
    y, x = ((torch.arange(size).to(maps) * 2 + 1) / size - 1 for size in maps.shape[-2:])
    return torch.cartesian_prod(y, x).flip(-1)
