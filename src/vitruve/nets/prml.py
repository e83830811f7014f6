"""PrML lifter: 2D pose and depth are separate tasks with a branch each.

"PrML: progressive multi-task learning for monocular 3D human pose estimation", anonymous
submission under double-blind review, Figure 4 and section 4.

The paper does not say the number of layers, the MLP's ratio or the heads' width; the defaults are
those that give its 13.0 M parameters and 49.3 G multiply-adds at 243 frames. Position embeddings
are a code by joint plus a code by frame for each task, none before the shared bottom. A branch
that is left out (its Table 4) hands its task the embedded shared features.

Ours is the causal form, which looks back only and takes clips of any length or one frame after the
other: attention over frames is banded and biased by age, position embeddings and task biases are
by joint.

Axes: b batch, t frames, j joints (one token each), c channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.causal_attention import CausalAttention
from vitruve.nets.detail import Detail
from vitruve.nets.dstformer import DualStreamBlock
from vitruve.nets.layers import Block, check_tokens, tell_joints_apart
from vitruve.nets.precision import exactly
from vitruve.nets.prml_decoder import Bias, TaskAwareDecoder
from vitruve.nets.renaming import rename_keys
from vitruve.nets.ring import Ring

Order = Literal["S", "T", "S-T", "S->T", "T->S"]
"""Encoders of a layer: over joints (S), over frames (T), side by side, or one after the other."""
Memory = dict[nn.Module, Ring]
"""Of a stream: the past keys and values of every attention over frames."""


@dataclass(frozen=True)
class PrMLConfig:
    """Settings of PrML; the defaults are the published 243-frame net."""

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output; as many as keypoints."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence."""
    num_frames: int = 243
    """Frames of the clips it takes and answers; causal: frames that one attention looks at."""
    channels: int = 128
    """Features of a token."""
    depth: int = 13
    """Layers of each branch."""
    num_heads: int = 8
    """Attention heads."""
    mlp_ratio: float = 4.0
    """Hidden over outer features of the MLPs."""
    head_channels: int = 512
    """Hidden features of the two regression heads."""
    branches: Literal["both", "2d", "depth", "none"] = "both"
    """Which tasks have a branch (its Table 4)."""
    order: Order = "T->S"
    """Encoders of a branch's layer (its Table 10)."""
    decoder: bool = True
    """Complement the tasks' features by the task-aware decoder (its Table 4)."""
    align: bool = True
    """Learn the decoder's shared features; otherwise they are the mean of both (its Table 5)."""
    bias_2d: Bias = "gaussian"
    """What the 2D pose bias starts from (its Tables 5, 6 and 9)."""
    bias_depth: Bias = "gaussian"
    """What the depth bias starts from (its Tables 5, 6 and 9)."""
    learn_bias: bool = True
    """Train the biases; otherwise they stay as drawn (its Table 6)."""
    causal: bool = False
    """Look back only, so that nothing comes from the future; takes clips of any length."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        check_tokens(self)


class PrML(nn.Module):
    """Shared bottom, two task branches, task-aware decoder and two heads."""

    padding = (0, 0)
    """Frames to add before and after a clip so that every frame gets an output."""

    def __init__(self, config: PrMLConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Linear(config.in_channels, config.channels)
        self.bottom = _Bottom(config)
        self.position_2d = _Position(config)
        self.position_depth = _Position(config)
        self.branch_2d = _branch(config, config.branches in ("both", "2d"))
        self.branch_depth = _branch(config, config.branches in ("both", "depth"))
        for position, branch in (
            (self.position_2d, self.branch_2d),
            (self.position_depth, self.branch_depth),
        ):
            blocks: list[Any] = [layer.joints for layer in branch if layer.joints is not None]
            tell_joints_apart(position.joint, (block.attn for block in blocks))
        self.decoder = TaskAwareDecoder(config) if config.decoder else None
        self.head_2d = _head(config, 2)
        self.head_depth = _head(config, 1)

    @property
    def window(self) -> int | None:
        """Frames of the clips it takes, no more and no fewer; None for any number (causal)."""
        return None if self.config.causal else self.config.num_frames

    @property
    def receptive_field(self) -> int:
        """Frames that one output frame sees."""
        if not self.config.causal:
            return self.config.num_frames
        in_branches = self.config.branches != "none" and self.config.order != "S"
        looks = 1 + self.config.depth * in_branches
        return 1 + looks * (self.config.num_frames - 1)

    def forward(self, keypoints: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for."""
        return self._lift(keypoints)[0]

    def detailed(self, keypoints: Float[Tensor, "b t j c"]) -> Detail:
        """Lift and keep the support features of both tasks; None without a decoder."""
        joints, supports = self._lift(keypoints)
        return Detail(joints, torch.stack(supports, dim=1) if supports else None)

    def start(self) -> Memory:
        """Memory of a stream that has seen nothing yet.

        Raises:
            ValueError: The net is not causal.
        """
        if not self.config.causal:
            raise ValueError(
                f"this PrML needs all {self.config.num_frames} frames of a clip at once; only one "
                "trained with causal=True can answer frame by frame"
            )
        causal = (m for m in self.modules() if isinstance(m, CausalAttention))
        return {module: Ring(self.config.num_frames) for module in causal}

    @torch.no_grad()
    def step(self, memory: Memory, frame: Float[Tensor, "b j c"]) -> Float[Tensor, "b j 3"]:
        """Lift one more frame of a stream, exactly as ``forward`` would at its place in a clip."""
        return self._lift(frame.unsqueeze(1), memory)[0].squeeze(1)

    def _lift(
        self, keypoints: Float[Tensor, "b t j c"], memory: Memory | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        shared = self.bottom(self.embed(keypoints), memory)
        pose_2d, depth = self.position_2d(shared), self.position_depth(shared)
        for layer in self.branch_2d:
            pose_2d = layer(pose_2d, memory)
        for layer in self.branch_depth:
            depth = layer(depth, memory)
        supports: list[Tensor] = []
        if self.decoder is not None:
            pose_2d, depth, supports = self.decoder(pose_2d, depth)
        plane, depth = exactly(self.head_2d, pose_2d), exactly(self.head_depth, depth)
        return torch.cat([plane, depth], dim=-1), supports

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """No weights of PrML are published, so no key has a rule.

        Raises:
            KeyError: A key has no rule.
        """
        return rename_keys(state, {})

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> PrMLConfig | None:
        """None: no weights of PrML are published."""
        del state


class _Bottom(DualStreamBlock):
    """The shared bottom; its attention over frames can look back only."""

    def __init__(self, config: PrMLConfig) -> None:
        super().__init__(config.channels, config.num_heads, config.mlp_ratio, qkv_bias=False)
        if config.causal:
            self.st_temporal, self.ts_temporal = _frame_block(config), _frame_block(config)

    def forward(
        self, x: Float[Tensor, "b t j c"], memory: Memory | None = None
    ) -> Float[Tensor, "b t j c"]:
        st = _over_frames(self.st_temporal, self.st_spatial(x), memory)
        ts = self.ts_spatial(_over_frames(self.ts_temporal, x, memory))
        weights = self.fusion(torch.cat([st, ts], dim=-1)).softmax(dim=-1)
        return weights[..., :1] * st + weights[..., 1:] * ts


class _Position(nn.Module):
    """Adds a task's learnable position embedding."""

    def __init__(self, config: PrMLConfig) -> None:
        super().__init__()
        j, c = config.num_joints, config.channels
        self.joint = nn.Parameter(0.02 * torch.randn(j, c))
        code = 0.02 * torch.randn(config.num_frames, 1, c)
        self.frame = None if config.causal else nn.Parameter(code)

    def forward(self, x: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j c"]:
        x = x + self.joint
        return x if self.frame is None else x + self.frame


class _Layer(nn.Module):
    """One layer of a branch: a block over frames and one over joints, or one of them."""

    def __init__(self, config: PrMLConfig) -> None:
        super().__init__()
        self.order: Order = config.order
        self.frames = None if config.order == "S" else _frame_block(config)
        self.joints = None if config.order == "T" else _block(config)

    def forward(
        self, x: Float[Tensor, "b t j c"], memory: Memory | None = None
    ) -> Float[Tensor, "b t j c"]:
        def over_joints(y: Tensor) -> Tensor:
            return y if self.joints is None else self.joints(y)

        def over_frames(y: Tensor) -> Tensor:
            return y if self.frames is None else _over_frames(self.frames, y, memory)

        match self.order:
            case "S-T":
                return (over_joints(x) + over_frames(x)) / 2
            case "S" | "S->T":
                return over_frames(over_joints(x))
            case "T" | "T->S":
                return over_joints(over_frames(x))  # Eq. (1)
            case _:
                assert_never(self.order)


def _over_frames(
    block: Block, x: Float[Tensor, "b t j c"], memory: Memory | None
) -> Float[Tensor, "b t j c"]:
    """Attend along each joint's frames; with a memory, ``x`` is the one new frame."""
    if memory is None:
        return block(x.transpose(1, 2)).transpose(1, 2)
    assert isinstance(block.attn, CausalAttention)
    x = x + block.attn.step(block.norm1(x), memory[block.attn])
    return x + block.mlp(block.norm2(x))


def _branch(config: PrMLConfig, there: bool) -> nn.ModuleList:
    return nn.ModuleList(_Layer(config) for _ in range(config.depth if there else 0))


def _block(config: PrMLConfig) -> Block:
    return Block(config.channels, config.num_heads, config.mlp_ratio, qkv_bias=False)


def _frame_block(config: PrMLConfig) -> Block:
    block = _block(config)
    if config.causal:
        c, heads, window = config.channels, config.num_heads, config.num_frames
        block.attn = CausalAttention(c, heads, qkv_bias=False, window=window)
    return block


def _head(config: PrMLConfig, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(config.channels, eps=1e-6),
        nn.Linear(config.channels, config.head_channels),
        nn.Tanh(),
        nn.Linear(config.head_channels, out),
    )
