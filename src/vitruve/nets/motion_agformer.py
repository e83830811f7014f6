"""MotionAGFormer lifter: attention beside graph convolution, over joints and then over frames.

Mehraban, Adeli, Taati, "MotionAGFormer: enhancing 3D human pose estimation with a
transformer-GCNFormer network", WACV 2024, https://arxiv.org/abs/2310.16288, Figure 2. Hierarchical
streams, the chain and the convolutions over time are further options of the published net.

Axes: b batch, t frames, j joints (one token each), c channels.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.graph_mixer import (
    FixedGraph,
    GraphMixer,
    SimilarityGraph,
    TemporalConvolution,
    chain_edges,
    skeleton_edges,
)
from vitruve.nets.layers import Attention, DropPath, Mlp, check_tokens, tell_joints_apart
from vitruve.nets.precision import exactly
from vitruve.nets.renaming import Rules, rename_keys

_NAMES = {"att": "attention", "U": "own", "V": "neighbours", "batch_norm": "norm"}
_BLOCK = r"layers\.(\d+)\.(att|graph)_(spatial|temporal)\."
_FUSION = r"layers\.(\d+)\.fusion\."


def _block_name(m: re.Match[str]) -> str:
    return f"blocks.{m[1]}.{_NAMES.get(m[2], m[2])}.{m[3]}."


_RULES: Rules = {
    r"joints_embed\.": "embed.",
    r"pos_embed$": "spatial_position",
    _BLOCK + r"(norm[12]|mlp|mixer\.qkv|mixer\.proj)\.": lambda m: f"{_block_name(m)}{m[4]}.",
    _BLOCK + r"layer_scale_([12])$": lambda m: f"{_block_name(m)}scale{m[4]}",
    _BLOCK + r"mixer\.(U|V|batch_norm)\.": lambda m: f"{_block_name(m)}mixer.{_NAMES[m[4]]}.",
    _BLOCK + r"mixer\.branches\.(\d)\.(\d)\.(conv\.|bn\.)?": lambda m: (
        f"{_block_name(m)}mixer.branches.{m[4]}.{int(m[5]) + (m[6] == 'bn.')}."
    ),
    _FUSION: r"blocks.\1.fusion.",
    r"norm\.": "norm.",
    r"rep_logit\.fc\.": "to_representation.",
    r"head\.": "head.",
}
_LANDMARKS = (
    "joints_embed.weight",
    "pos_embed",
    "layers.0.att_spatial.layer_scale_1",
    "layers.0.att_spatial.mlp.fc1.weight",
    "rep_logit.fc.weight",
)


@dataclass(frozen=True)
class MotionAGFormerConfig:
    """Settings of MotionAGFormer; the defaults are the published base net.

    The published sizes as (frames, channels, depth): extra small (27, 64, 12), small (81, 64, 26),
    base (243, 128, 16), large (243, 128, 26).
    """

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output; as many as keypoints."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence (as published)."""
    num_frames: int = 243
    """Frames of the clips it takes and answers."""
    channels: int = 128
    """Features of a token."""
    representation_channels: int = 512
    """Features of the motion representation that the head reads."""
    depth: int = 16
    """Blocks of two streams."""
    num_heads: int = 8
    """Attention heads."""
    mlp_ratio: float = 4.0
    """Hidden over outer features of the MLPs."""
    drop_path: float = 0.0
    """Share of residual branches dropped in training at the last block; grows from 0."""
    parents: tuple[int, ...] | None = None
    """Parent of each joint, -1 for none; None is the published graph of Human3.6M's 17 joints."""
    streams: Literal["parallel", "hierarchical"] = "parallel"
    """Streams side by side on all channels and fused, or on one half each, attention's feeding the
    graph's."""
    temporal_mixer: Literal["similarity", "chain", "convolution"] = "similarity"
    """What the graph stream hears over time: the frames most like each frame, the next frames, or
    convolutions in place of a graph."""
    num_neighbours: int = 2
    """Frames that each one hears by similarity, itself among them as a rule."""
    num_ahead: int = 1
    """Frames after each one that it hears in a chain."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        check_tokens(self)
        if self.streams == "hierarchical" and self.channels % (2 * self.num_heads):
            raise ValueError(
                f"MotionAGFormerConfig: half of {self.channels} channels does not divide among "
                f"{self.num_heads} heads"
            )
        if not 1 <= self.num_neighbours <= self.num_frames:
            raise ValueError(
                f"num_neighbours must be 1 to num_frames = {self.num_frames}, got "
                f"{self.num_neighbours}"
            )
        if self.num_ahead < 0:
            raise ValueError(f"num_ahead must be 0 or more, got {self.num_ahead}")


class MotionAGFormer(nn.Module):
    """A stack of attention and graph streams; every frame of the window is answered."""

    padding = (0, 0)
    """Frames to add before and after a clip so that every frame gets an output."""

    def __init__(self, config: MotionAGFormerConfig) -> None:
        super().__init__()
        self.config = config
        c, r = config.channels, config.representation_channels
        self.embed = nn.Linear(config.in_channels, c)
        # Frames get no position, as published: the norms and edges over time tell them apart.
        self.spatial_position = nn.Parameter(torch.zeros(1, config.num_joints, c))
        drops = [config.drop_path * i / max(1, config.depth - 1) for i in range(config.depth)]
        blocks: list[Any] = [_AGFormerBlock(config, drop) for drop in drops]
        tell_joints_apart(
            self.spatial_position, (block.attention.spatial.mixer for block in blocks)
        )
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(c)
        self.to_representation = nn.Linear(c, r)
        self.head = nn.Linear(r, 3)

    @property
    def window(self) -> int:
        """Frames of the clips it takes, no more and no fewer."""
        return self.config.num_frames

    @property
    def receptive_field(self) -> int:
        """Frames that one output frame sees."""
        return self.config.num_frames

    def forward(self, keypoints: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for.

        Raises:
            ValueError: The clip has another number of frames than ``num_frames``.
        """
        if keypoints.shape[1] != self.config.num_frames:
            raise ValueError(
                f"MotionAGFormer takes exactly {self.config.num_frames} frames, got "
                f"{keypoints.shape[1]}; pad or cut the clip first"
            )
        x = self.embed(keypoints) + self.spatial_position
        for block in self.blocks:
            x = block(x)
        return exactly(self.head, self.to_representation(self.norm(x)).tanh())

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published net to ours.

        Raises:
            KeyError: A key has no rule.
        """
        # The hierarchical net saves a fusion that it never uses.
        rules = {**_RULES, _FUSION: None} if _is_hierarchical(state) else _RULES
        renamed = rename_keys(state, rules)
        # Its convolutions over frames are 2D ones of width 1 over joints.
        return {k: v.squeeze(-1) if v.ndim == 4 else v for k, v in renamed.items()}

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> MotionAGFormerConfig | None:
        """Read the sizes off a published state dict; None when it is another net's.

        Shapes do not tell a graph over time by similarity from a chain, nor the number of heads
        (8 in every published net), nor the frames when the graph stream has temporal convolutions:
        these come out as the defaults.
        """
        if not set(_LANDMARKS) <= state.keys():
            return None
        channels, in_channels = state["joints_embed.weight"].shape
        num_joints = state["pos_embed"].shape[1]
        hidden, inner = state["layers.0.att_spatial.mlp.fc1.weight"].shape
        per_frame = state.get("layers.0.graph_temporal.mixer.batch_norm.weight")
        return MotionAGFormerConfig(
            num_joints,
            num_joints,
            in_channels,
            num_frames=243 if per_frame is None else per_frame.shape[0],
            channels=channels,
            representation_channels=state["rep_logit.fc.weight"].shape[0],
            depth=len({key.split(".")[1] for key in state if key.startswith("layers.")}),
            mlp_ratio=hidden / inner,
            streams="hierarchical" if _is_hierarchical(state) else "parallel",
            temporal_mixer="convolution" if per_frame is None else "similarity",
        )


def _is_hierarchical(state: Mapping[str, Tensor]) -> bool:
    inner = state["layers.0.att_spatial.layer_scale_1"].shape[0]
    return state["joints_embed.weight"].shape[0] == 2 * inner


class _AGFormerBlock(nn.Module):
    """An attention and a graph stream, both over joints and then over frames."""

    def __init__(self, config: MotionAGFormerConfig, drop_path: float) -> None:
        super().__init__()
        parallel = config.streams == "parallel"
        c = config.channels if parallel else config.channels // 2
        edges = skeleton_edges(config.num_joints, config.parents)

        def stream(spatial: nn.Module, temporal: nn.Module) -> _Stream:
            blocks = (_ScaledBlock(c, mixer, config, drop_path) for mixer in (spatial, temporal))
            return _Stream(*blocks)

        over_joints, over_frames = (
            Attention(c, config.num_heads, qkv_bias=False) for _ in range(2)
        )
        self.attention = stream(over_joints, over_frames)
        self.graph = stream(
            GraphMixer(c, config.num_joints, FixedGraph(edges)), _temporal_mixer(config, c)
        )
        self.fusion = nn.Linear(2 * c, 2) if parallel else None
        if self.fusion is not None:
            # The streams start with equal weights.
            nn.init.zeros_(self.fusion.weight)
            nn.init.zeros_(self.fusion.bias)

    def forward(self, x: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j c"]:
        if self.fusion is None:
            first, second = x.chunk(2, dim=-1)
            attended = self.attention(first)
            return torch.cat([attended, self.graph(second + attended)], dim=-1)
        attended, gathered = self.attention(x), self.graph(x)
        weights = self.fusion(torch.cat([attended, gathered], dim=-1)).softmax(dim=-1)
        return weights[..., :1] * attended + weights[..., 1:] * gathered


def _temporal_mixer(config: MotionAGFormerConfig, channels: int) -> nn.Module:
    match config.temporal_mixer:
        case "similarity":
            graph = SimilarityGraph(config.num_neighbours)
        case "chain":
            graph = FixedGraph(chain_edges(config.num_frames, config.num_ahead))
        case "convolution":
            return TemporalConvolution(channels)
        case _:
            assert_never(config.temporal_mixer)
    return GraphMixer(channels, config.num_frames, graph)


class _Stream(nn.Module):
    """A block over the joints of each frame, then one over the frames of each joint."""

    def __init__(self, spatial: nn.Module, temporal: nn.Module) -> None:
        super().__init__()
        self.spatial = spatial
        self.temporal = temporal

    def forward(self, x: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j c"]:
        return self.temporal(self.spatial(x).transpose(1, 2)).transpose(1, 2)


class _ScaledBlock(nn.Module):
    """Pre-norm mixer and MLP whose residual branches have a learnable scale, near 0 at first."""

    def __init__(
        self, channels: int, mixer: nn.Module, config: MotionAGFormerConfig, drop_path: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.mixer = mixer
        self.scale1 = nn.Parameter(torch.full((channels,), 1e-5))
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels, int(channels * config.mlp_ratio))
        self.scale2 = nn.Parameter(torch.full((channels,), 1e-5))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Float[Tensor, "b m n c"]) -> Float[Tensor, "b m n c"]:
        x = x + self.drop_path(self.scale1 * self.mixer(self.norm1(x)))
        return x + self.drop_path(self.scale2 * self.mlp(self.norm2(x)))
