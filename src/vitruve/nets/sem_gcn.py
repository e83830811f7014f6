"""SemGCN lifter: graph convolutions whose edges have learnt weights, one frame at a time.

Zhao, Peng, Tian, Kapadia, Metaxas, "Semantic graph convolutional networks for 3D human pose
regression", CVPR 2019, https://arxiv.org/abs/1904.03345, Figure 3. Its non-local blocks: Wang,
Girshick, Gupta, He, CVPR 2018, https://arxiv.org/abs/1711.07971, in the concatenation form.

Axes: n frames of the whole batch, j joints (nodes of the graph), c channels.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.precision import exactly
from vitruve.nets.renaming import Rules, rename_keys
from vitruve.skeletons import skeleton

_TREES = {16: "h36m_16", 17: "h36m_17"}
"""Skeleton that a number of joints stands for when no tree is given."""
_PAIRS = {
    16: ((2, 3), (5, 6), (1, 4), (0, 7), (8, 9), (14, 15), (11, 12), (10, 13)),
}
"""The published pairs by number of joints."""
_Slots = list[list[int]]
_PARAMETERS = {"W": "weight", "e": "edges", "bias": "bias"}
_NON_LOCAL = {
    "theta": "query",
    "phi.0": "key",
    "g.0": "value",
    "concat_project.0": "affinity",
    "W.0": "out",
    "W.1": "norm",
}


def _inside(match: re.Match[str]) -> str:
    """Name inside one of the two lists of layers."""
    layers, index, rest = match[1], match[2], match[3]
    place = f"{'embed' if layers == 'input' else 'blocks'}.{index}."
    if inner := re.fullmatch(r"nonlocal\.(\w+(?:\.\d)?)\.(\w+)", rest):
        return f"{place}{_NON_LOCAL.get(inner[1], inner[1])}.{inner[2]}"
    if inner := re.fullmatch(r"(gconv[12]\.)?gconv\.(\w+)", rest):
        return f"{place}{inner[1] or ''}conv.{_PARAMETERS.get(inner[2], inner[2])}"
    return place + rest


_RULES: Rules = {
    r"gconv_(input|layers)\.(\d+)\.(.*)$": _inside,
    r"gconv_output\.(W|e|bias)$": lambda m: f"head.{_PARAMETERS[m[1]]}",
}


@dataclass(frozen=True)
class SemGCNConfig:
    """Settings of SemGCN; the defaults are the published net without non-local blocks."""

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output; as many as keypoints."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence."""
    channels: int = 128
    """Features of a joint."""
    num_blocks: int = 4
    """Residual blocks of two graph convolutions each."""
    dropout: float = 0.0
    """Share of hidden features dropped in training, 0 to 1."""
    parents: tuple[int, ...] | None = None
    """Index of each joint's parent, -1 for the root; None: h36m_16 or h36m_17 by their number."""
    non_local: bool = False
    """Let every joint look at all others after the first layer and after each block."""
    pairs: tuple[tuple[int, int], ...] | None = None
    """Joints that non-local blocks pool before they are looked at; a joint without partner pairs
    with itself. None: the published pairs of 16 joints, else no pooling; () for none."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        if self.num_keypoints != self.num_joints:
            raise ValueError(
                f"SemGCNConfig: one graph needs as many keypoints as joints, got "
                f"{self.num_keypoints} and {self.num_joints}; convert the keypoints first"
            )
        j = self.num_joints
        known = self.parents is None or set(self.parents) <= set(range(-1, j))
        if not known or len(self.parents or range(j)) != j:
            raise ValueError(
                f"SemGCNConfig: parents must hold one index per joint, -1 to {j - 1} and -1 for a "
                f"root, got {self.parents} for {j} joints"
            )
        used = {joint for pair in self.pairs or () for joint in pair}
        if used and used != set(range(j)):
            raise ValueError(
                f"SemGCNConfig: pairs must hold every joint from 0 to {j - 1}, got {self.pairs}"
            )


class SemGCN(nn.Module):
    """Lifts each frame by itself; ``t`` is folded into the batch."""

    receptive_field = 1
    """Frames that one output frame sees."""
    padding = (0, 0)
    """Frames to add before and after a clip so that every frame gets an output."""
    window = None
    """Takes clips of any length."""

    def __init__(self, config: SemGCNConfig) -> None:
        super().__init__()
        self.config = config
        slots, pairs = _edge_slots(_parents(config)), _pairs(config)
        c = config.channels
        embed: list[nn.Module] = [_GraphLayer(config.in_channels, config, slots)]
        blocks: list[nn.Module] = []
        if config.non_local:
            embed.append(_NonLocal(c, pairs))
        for _ in range(config.num_blocks):
            blocks.append(_Residual(config, slots))
            if config.non_local:
                blocks.append(_NonLocal(c, pairs))
        self.embed = nn.Sequential(*embed)
        self.blocks = nn.Sequential(*blocks)
        self.head = _GraphConv(c, 3, slots)

    def forward(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b t j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for."""
        b, t, _, _ = keypoints.shape
        joints = exactly(self.head, self.blocks(self.embed(keypoints.flatten(0, 1))))
        return joints.view(b, t, self.config.num_joints, 3)

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published nets (plain and non-local) to ours.

        Raises:
            KeyError: A key has no rule.
        """
        renamed = rename_keys(state, _RULES)
        # Their convolutions of width 1 are linear layers here.
        square = re.compile(r".*\.(query|key|value|affinity|out)\.weight$")
        return {k: v.flatten(1) if square.match(k) else v for k, v in renamed.items()}

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> SemGCNConfig | None:
        """Read the sizes off a published state dict; None when it is another net's.

        The number of joints is that of a tree with as many edges. Which tree and which pairs leave
        no trace: 16 and 17 joints are taken for Human3.6M's, others need the hint ``parents``.
        """
        if not {"gconv_input.0.gconv.W", "gconv_output.e"} <= state.keys():
            return None
        _, in_channels, channels = state["gconv_input.0.gconv.W"].shape
        num_joints = (state["gconv_output.e"].numel() + 2) // 3
        return SemGCNConfig(
            num_joints,
            num_joints,
            in_channels,
            channels=channels,
            num_blocks=sum(key.endswith(".gconv1.gconv.W") for key in state),
            non_local=any(".nonlocal." in key for key in state),
        )


class _GraphConv(nn.Module):
    """Own features by one matrix, the neighbours' by another, mixed by a softmax over edges."""

    slots: Tensor

    def __init__(self, in_channels: int, out_channels: int, slots: _Slots) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(2, in_channels, out_channels))
        for matrix in self.weight:
            nn.init.xavier_uniform_(matrix, gain=math.sqrt(2))
        self.edges = nn.Parameter(torch.ones(1, 1 + max(max(row) for row in slots)))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("slots", torch.tensor(slots), persistent=False)

    def forward(self, x: Float[Tensor, "n j cin"]) -> Float[Tensor, "n j cout"]:
        none = self.edges.new_full((1, 1), -math.inf)
        mixing = torch.cat([self.edges, none], dim=1)[0, self.slots].softmax(dim=1)
        own = mixing.diagonal()
        others = mixing - own.diag()
        return own[:, None] * (x @ self.weight[0]) + others @ (x @ self.weight[1]) + self.bias


class _GraphLayer(nn.Module):
    """Graph convolution, batch norm over joints and frames, ReLU, dropout."""

    def __init__(self, in_channels: int, config: SemGCNConfig, slots: _Slots) -> None:
        super().__init__()
        self.conv = _GraphConv(in_channels, config.channels, slots)
        self.bn = nn.BatchNorm1d(config.channels)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "n j cin"]) -> Float[Tensor, "n j cout"]:
        x = self.conv(x)
        return self.dropout(self.bn(x.flatten(0, 1)).view_as(x).relu())


class _Residual(nn.Module):
    def __init__(self, config: SemGCNConfig, slots: _Slots) -> None:
        super().__init__()
        self.gconv1 = _GraphLayer(config.channels, config, slots)
        self.gconv2 = _GraphLayer(config.channels, config, slots)

    def forward(self, x: Float[Tensor, "n j c"]) -> Float[Tensor, "n j c"]:
        return x + self.gconv2(self.gconv1(x))


class _NonLocal(nn.Module):
    """Every joint adds up what all (pairs of) joints say, by how much they concern each other."""

    pairs: Tensor

    def __init__(self, channels: int, pairs: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        inner = channels // 2
        self.query = nn.Linear(channels, inner)
        self.key = nn.Linear(channels, inner)
        self.value = nn.Linear(channels, inner)
        self.affinity = nn.Linear(2 * inner, 1, bias=False)
        self.out = nn.Linear(inner, channels)
        self.norm = nn.BatchNorm1d(channels)
        # Wang et al., section 4.1: the block starts as the identity.
        nn.init.zeros_(self.norm.weight)
        self.register_buffer("pairs", torch.tensor(pairs), persistent=False)

    def forward(self, x: Float[Tensor, "n j c"]) -> Float[Tensor, "n j c"]:
        key, value = self._pooled(self.key(x)), self._pooled(self.value(x))
        # Concatenated features times one row of weights is the sum of two products.
        ours, theirs = self.affinity.weight[0].chunk(2)
        scores = (self.query(x) @ ours)[:, :, None] + (key @ theirs)[:, None, :]
        said = scores.relu() @ value / key.shape[1]
        y = self.out(said)
        return x + self.norm(y.flatten(0, 1)).view_as(y)

    def _pooled(self, x: Float[Tensor, "n j c"]) -> Float[Tensor, "n p c"]:
        return x[:, self.pairs].amax(dim=2) if len(self.pairs) else x


def _parents(config: SemGCNConfig) -> tuple[int, ...]:
    if config.parents is not None:
        return config.parents
    if config.num_joints in _TREES:
        return skeleton(_TREES[config.num_joints]).parents
    raise ValueError(
        f"SemGCN knows the trees of {sorted(_TREES)} joints ({', '.join(_TREES.values())}); for "
        f"{config.num_joints} joints set parents"
    )


def _edge_slots(parents: tuple[int, ...]) -> _Slots:
    """Which learnt number each (joint, joint) has, row by row; -1 where there is no edge."""
    edges = {(j, p) for j, p in enumerate(parents) if p >= 0}
    edges |= {(p, j) for j, p in edges} | {(j, j) for j in range(len(parents))}
    number = {edge: i for i, edge in enumerate(sorted(edges))}
    joints = range(len(parents))
    return [[number.get((row, column), -1) for column in joints] for row in joints]


def _pairs(config: SemGCNConfig) -> tuple[tuple[int, int], ...]:
    return _PAIRS.get(config.num_joints, ()) if config.pairs is None else config.pairs
