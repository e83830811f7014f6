"""Graph loss-net: joints are tokens, a learned token sums them up to the pose's energy.

"SCoTL-pose", appendix A.2.2, after Ying et al., "Do transformers really perform badly for graph
representation?" (Graphormer), NeurIPS 2021, https://arxiv.org/abs/2106.05234. The appendix and the
authors' public code differ; the defaults are the code's: 8 heads and layers share one bias, a slope
over the shortest path and an amount for joints that no edge joins (a joint and itself count as
such). ``path="table"`` is the appendix's bias. Ours are the structural features.

Axes: b poses, j joints, n tokens (the summary, then the joints), h heads, c channels.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.joint_features import JointFeatures
from vitruve.nets.layers import Block
from vitruve.nets.pose_evidence import PoseEvidence
from vitruve.nets.precision import exactly
from vitruve.skeletons import Skeleton
from vitruve.skeletons.skeleton import UNREACHABLE


@dataclass(frozen=True)
class GraphEnergyConfig:
    """Settings of the graph loss-net; the defaults are the published ones."""

    skeleton: Skeleton
    """Joint set of the poses; its bones, and the lines that its source draws beside them, are the
    graph, in one piece or several."""
    channels: int = 256
    """Features of a token."""
    depth: int = 6
    """Transformer blocks."""
    num_heads: int = 8
    """Attention heads."""
    mlp_ratio: float = 1.0
    """Hidden over outer features of the MLPs."""
    identity_channels: int = 32
    """Features of a joint's code."""
    path: Literal["slope", "table", "none"] = "slope"
    """How attention depends on the shortest path: linearly, by one entry for each length, or not.
    """
    apart: bool = True
    """A learned amount for joints that no edge joins."""
    degree: bool = False
    """A learned amount by how many edges meet at both joints."""
    per_head: bool = False
    """Each head learns a bias of its own."""
    structure: bool = False
    """Also read bone vectors, lengths, angles and distances from the camera's rays."""


class GraphEnergy(nn.Module):
    """Low where the pose is plausible for its 2D; only differences mean anything."""

    def __init__(self, config: GraphEnergyConfig) -> None:
        super().__init__()
        self.config = config
        c, j = config.channels, config.skeleton.num_joints
        self.features = JointFeatures(config.skeleton, config.structure)
        self.identity = nn.Parameter(torch.randn(j, config.identity_channels))
        self.embed = nn.Linear(self.features.num_features + config.identity_channels, c)
        self.summary = nn.Parameter(0.02 * torch.randn(c))
        self.bias = _GraphBias(config)
        self.blocks = nn.ModuleList(
            Block(c, config.num_heads, config.mlp_ratio, eps=1e-5) for _ in range(config.depth)
        )
        self.norm = nn.LayerNorm(c)
        self.head = nn.Sequential(nn.Linear(c, c), nn.GELU(), nn.Linear(c, 1))

    def forward(self, joints: Float[Tensor, "b j 3"], evidence: PoseEvidence) -> Float[Tensor, "b"]:
        """Energy of each pose: camera axes, metres, relative to the root."""
        seen = self.features(joints, evidence)
        identity = self.identity.expand(len(seen), -1, -1)
        tokens = self.embed(torch.cat([seen, identity], dim=-1))
        summary = self.summary.expand(len(seen), 1, -1)
        x, bias = torch.cat([summary, tokens], dim=1), self.bias()
        for block in self.blocks:
            x = block(x, bias)
        return exactly(self.head, self.norm(x[:, 0])).squeeze(-1)


class _GraphBias(nn.Module):
    """What is added to the logits of attention, the same in every block."""

    distance: Tensor
    apart: Tensor
    degree: Tensor

    def __init__(self, config: GraphEnergyConfig) -> None:
        super().__init__()
        self.config = config
        heads = config.num_heads if config.per_head else 1
        paths = config.skeleton.distances
        longest = max(map(max, paths))
        edges = torch.tensor(paths) == 1
        # Joints that no path joins are one farther than any that one does.
        distance = torch.tensor(
            [[longest + 1 if n == UNREACHABLE else n for n in row] for row in paths]
        )
        degree = edges.sum(-1) / edges.sum(-1).max().clamp(min=1)
        self.register_buffer("distance", distance, persistent=False)
        self.register_buffer("apart", ~edges, persistent=False)
        self.register_buffer("degree", degree[:, None] + degree, persistent=False)
        start = {"slope": torch.full((heads,), 0.8), "table": torch.zeros(heads, longest + 2)}
        self.by_path = nn.Parameter(start[config.path]) if config.path in start else None
        self.by_apart = nn.Parameter(torch.full((heads,), -2.0)) if config.apart else None
        self.by_degree = nn.Parameter(torch.full((heads,), 0.2)) if config.degree else None
        self.of_summary = nn.Parameter(torch.zeros(3, heads))
        """Logits of the summary for joints, of joints for the summary, of it for itself."""

    def forward(self) -> Float[Tensor, "1 h n n"]:
        among = torch.zeros_like(self.degree)
        if self.by_path is not None:
            match self.config.path:
                case "slope":
                    among = among - self.by_path[:, None, None] * self.distance
                case "table":
                    among = among + self.by_path[:, self.distance]
                case "none":
                    pass
                case _:
                    assert_never(self.config.path)
        for amount, where in ((self.by_apart, self.apart), (self.by_degree, self.degree)):
            if amount is not None:
                among = among + amount[:, None, None] * where
        heads, j = self.of_summary.shape[1], self.distance.shape[0]
        among = among.expand(heads, j, j)
        for_joints, for_it, for_itself = self.of_summary[:, :, None, None]
        top = torch.cat([for_itself, for_joints.expand(heads, 1, j)], dim=2)
        below = torch.cat([for_it.expand(heads, j, 1), among], dim=2)
        return torch.cat([top, below], dim=1).unsqueeze(0)
