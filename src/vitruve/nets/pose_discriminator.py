"""Discriminators of poses: is this how a body can stand?

``graph`` is the dual-stream one of Yang et al., "X as Supervision", 2024,
https://arxiv.org/abs/2411.13026, section 3.3.2: one stream over joints and one over bones, each of
GraphSAGE layers with mean aggregation (Hamilton, Ying and Leskovec, NeurIPS 2017,
https://arxiv.org/abs/1706.02216). ``mlp`` is the plain one that it is compared with.

Axes: n poses, v nodes (joints or bones), j joints, c channels.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Size of the discriminator."""

    skeleton: Skeleton
    """Joint set of the poses."""
    kind: Literal["mlp", "graph"] = "graph"
    """What it is made of."""
    channels: int = 128
    """Features of a node."""
    num_units: int = 2
    """Residual units of each stream, of two layers each."""
    position_channels: int = 16
    """Sines and cosines of a node's number that it is told, an even number."""
    hidden: int = 512
    """Width of the last layers; of all layers of the MLP."""
    dropout: float = 0.2
    """Before the last layer."""


class PoseDiscriminator(nn.Module):
    """Poses relative to their root, metres, to a score: 1 for those that can be, 0 for others."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        skeleton = config.skeleton
        bones = [(p, j) for j, p in enumerate(skeleton.parents) if p >= 0]
        self.start, self.end = ([bone[i] for bone in bones] for i in (0, 1))
        touching = [
            (a, b) for a, b in combinations(range(len(bones)), 2) if set(bones[a]) & set(bones[b])
        ]
        if config.kind == "graph":
            self.joints = _Stream(config, skeleton.num_joints, bones)
            self.bones = _Stream(config, len(bones), touching)
            width = config.channels * (skeleton.num_joints + len(bones))
        else:
            self.joints = self.bones = nn.Flatten()
            width = 3 * (skeleton.num_joints + len(bones))
        layers: list[nn.Module] = [nn.Linear(width, config.hidden), nn.ReLU()]
        if config.kind == "mlp":
            for _ in range(config.num_units):
                layers += [nn.Linear(config.hidden, config.hidden), nn.ReLU()]
        self.head = nn.Sequential(*layers, nn.Dropout(config.dropout), nn.Linear(config.hidden, 1))

    def forward(self, joints: Float[Tensor, "n j 3"]) -> Float[Tensor, "n"]:
        """Score of each pose, whatever its root's place."""
        root = self.config.skeleton.root
        joints = joints - joints[:, root : root + 1]
        bones = joints[:, self.end] - joints[:, self.start]
        return self.head(torch.cat([self.joints(joints), self.bones(bones)], dim=1)).squeeze(1)


class _Stream(nn.Module):
    """Residual units over one graph."""

    def __init__(
        self, config: DiscriminatorConfig, num_nodes: int, edges: Iterable[tuple[int, int]]
    ) -> None:
        super().__init__()
        c = config.channels
        self.register_buffer("position", _sinusoid(num_nodes, config.position_channels), False)
        self.first = nn.Linear(3 + config.position_channels, c)
        mean = _mean_of_neighbours(num_nodes, edges)
        self.units = nn.ModuleList(
            nn.Sequential(_Sage(c, mean), nn.LayerNorm(c), nn.ReLU(), _Sage(c, mean))
            for _ in range(config.num_units)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(c) for _ in range(config.num_units))
        self.last = nn.Sequential(_Sage(c, mean), nn.LayerNorm(c), nn.ReLU())

    def forward(self, nodes: Float[Tensor, "n v 3"]) -> Float[Tensor, "n features"]:
        position = self.get_buffer("position").expand(len(nodes), -1, -1)
        x = self.first(torch.cat([nodes, position], dim=-1))
        for unit, norm in zip(self.units, self.norms, strict=True):
            x = (x + norm(unit(x))).relu()
        return self.last(x).flatten(1)


class _Sage(nn.Module):
    """W1 x_i + W2 mean of x over i's neighbours and i itself."""

    def __init__(self, channels: int, mean: Float[Tensor, "v v"]) -> None:
        super().__init__()
        self.own, self.others = nn.Linear(channels, channels), nn.Linear(channels, channels, False)
        self.register_buffer("mean", mean, False)

    def forward(self, x: Float[Tensor, "n v c"]) -> Float[Tensor, "n v c"]:
        return self.own(x) + self.others(self.get_buffer("mean") @ x)


def _mean_of_neighbours(num_nodes: int, edges: Iterable[tuple[int, int]]) -> Float[Tensor, "v v"]:
    linked = torch.eye(num_nodes)
    for a, b in edges:
        linked[a, b] = linked[b, a] = 1
    return linked / linked.sum(1, keepdim=True)


def _sinusoid(num_nodes: int, channels: int) -> Float[Tensor, "v c"]:
    """Sines, then cosines, of the node's number at falling rates (Vaswani et al., 2017)."""
    rates = torch.exp(-math.log(1e4) * torch.arange(0, channels, 2) / channels)
    angles = torch.arange(num_nodes)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
