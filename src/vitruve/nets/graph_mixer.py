"""Mixers of MotionAGFormer's graph stream: graph convolutions, and temporal convolutions.

Mehraban, Adeli, Taati, "MotionAGFormer: enhancing 3D human pose estimation with a
transformer-GCNFormer network", WACV 2024, https://arxiv.org/abs/2310.16288. The temporal
convolutions are those of Liu et al., "Disentangling and unifying graph convolutions for
skeleton-based action recognition", CVPR 2020, https://arxiv.org/abs/2003.14111.

Axes: b any leading axes, n nodes (joints, or frames), c channels.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.precision import unrounded

_PUBLISHED_PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
_PUBLISHED_GAPS = ((0, 4), (8, 11), (8, 14))
"""(joint, neighbour) where the published graph lets the neighbour hear the joint but not back."""


def skeleton_edges(num_joints: int, parents: tuple[int, ...] | None) -> Float[Tensor, "n n"]:
    """Tell which joint (row) hears which (column): 1 along bones, 0 elsewhere.

    Args:
        num_joints: Joints of the skeleton.
        parents: Parent of each joint, -1 for none. None is the published graph: the 17 joints of
            Human3.6M, where the pelvis does not hear the left hip and the thorax not the shoulders.

    Raises:
        ValueError: The parents are not one for every joint, each a joint or -1.
    """
    tree = _PUBLISHED_PARENTS if parents is None else parents
    if len(tree) != num_joints:
        which = "the published graph has" if parents is None else "got"
        raise ValueError(
            f"{which} {len(tree)} parents for {num_joints} joints; set `parents` to the "
            "skeleton's own"
        )
    edges = torch.zeros(num_joints, num_joints)
    for joint, parent in enumerate(tree):
        if not -1 <= parent < num_joints:
            raise ValueError(f"joint {joint} has parent {parent}; allowed: -1 to {num_joints - 1}")
        if parent >= 0:
            edges[joint, parent] = edges[parent, joint] = 1.0
    if parents is None:
        for joint, neighbour in _PUBLISHED_GAPS:
            edges[joint, neighbour] = 0.0
    return edges


def chain_edges(num_frames: int, num_ahead: int) -> Float[Tensor, "n n"]:
    """Let each frame (row) hear itself and the next ``num_ahead`` frames (columns)."""
    ones = torch.ones(num_frames, num_frames)
    return ones.triu() * ones.tril(num_ahead)


class FixedGraph(nn.Module):
    """The same edges for every input; they are no weights and are not saved."""

    edges: Tensor

    def __init__(self, edges: Float[Tensor, "n n"]) -> None:
        super().__init__()
        self.register_buffer("edges", edges, persistent=False)

    def forward(self, x: Float[Tensor, "*b n c"]) -> Float[Tensor, "n n"]:
        """Return the edges."""
        return self.edges


class SimilarityGraph(nn.Module):
    """Each node hears those of the largest dot product with it; ties admit more."""

    def __init__(self, num_neighbours: int) -> None:
        super().__init__()
        self.num_neighbours = num_neighbours

    def forward(self, x: Float[Tensor, "*b n c"]) -> Float[Tensor, "*b n n"]:
        """Find the edges of each graph."""
        # In 16 bits nearly all frames of a slow motion would tie.
        exact = x.detach().to(torch.promote_types(x.dtype, torch.float32))
        with unrounded(x.device):
            similarity = exact @ exact.mT
        least = similarity.topk(self.num_neighbours, dim=-1).values[..., -1:]
        return (similarity >= least).to(x.dtype)


class GraphMixer(nn.Module):
    """Graph convolution with a residual: each node adds what its neighbours say to its own."""

    def __init__(self, channels: int, num_nodes: int, graph: nn.Module) -> None:
        super().__init__()
        self.graph = graph
        self.own = nn.Linear(channels, channels)
        self.neighbours = nn.Linear(channels, channels)
        self.norm = nn.BatchNorm1d(num_nodes)
        for linear in (self.own, self.neighbours):
            nn.init.normal_(linear.weight, std=math.sqrt(2 / channels))

    def forward(self, x: Float[Tensor, "*b n c"]) -> Float[Tensor, "*b n c"]:
        """Mix the nodes of each graph; edges are scaled by the rows' degrees on both sides."""
        edges = self.graph(x)
        scale = edges.sum(dim=-1, keepdim=True).clamp(min=1).rsqrt()
        heard = scale * (edges @ (scale * self.neighbours(x)))
        mixed = (heard + self.own(x)).flatten(end_dim=-3)
        return (x + self.norm(mixed).view_as(x)).relu()


class TemporalConvolution(nn.Module):
    """Convolutions over the nodes in order: four views of a quarter of the channels each."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels % 4:
            raise ValueError(f"{channels} channels do not divide among 4 branches")
        c = channels // 4
        self.branches = nn.ModuleList(
            [
                nn.Sequential(*_squeeze(channels, c), nn.ReLU(), *_wide(c, dilation=1)),
                nn.Sequential(*_squeeze(channels, c), nn.ReLU(), *_wide(c, dilation=2)),
                nn.Sequential(
                    *_squeeze(channels, c),
                    nn.ReLU(),
                    nn.MaxPool1d(3, stride=1, padding=1),
                    nn.BatchNorm1d(c),
                ),
                nn.Sequential(*_squeeze(channels, c)),
            ]
        )

    def forward(self, x: Float[Tensor, "*b n c"]) -> Float[Tensor, "*b n c"]:
        """Look two to four nodes to each side."""
        rows = x.flatten(end_dim=-3).mT
        mixed = torch.cat([branch(rows) for branch in self.branches], dim=1)
        return x + mixed.mT.reshape(x.shape)


def _squeeze(channels: int, narrow: int) -> tuple[nn.Module, ...]:
    return nn.Conv1d(channels, narrow, 1), nn.BatchNorm1d(narrow)


def _wide(channels: int, dilation: int) -> tuple[nn.Module, ...]:
    conv = nn.Conv1d(channels, channels, 5, dilation=dilation, padding=2 * dilation)
    return conv, nn.BatchNorm1d(channels)
