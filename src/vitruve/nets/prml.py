"""PrML lifter: 2D pose and depth are separate tasks with a branch each.

"PrML: progressive multi-task learning for monocular 3D human pose estimation", anonymous
submission under double-blind review, Figure 4 and section 4.

The paper does not say the number of layers, the MLP's ratio or the heads' width; the defaults are
those that give its 13.0 M parameters and 49.3 G multiply-adds at 243 frames. Position embeddings
are a code by joint plus a code by frame for each task, none before the shared bottom. A branch
that is left out (its Table 4) hands its task the embedded shared features.

Axes: b batch, t frames, j joints (one token each), c channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.detail import Detail
from vitruve.nets.dstformer import DualStreamBlock
from vitruve.nets.layers import Block, check_tokens
from vitruve.nets.prml_decoder import Bias, TaskAwareDecoder
from vitruve.nets.renaming import rename_keys

Order = Literal["S", "T", "S-T", "S->T", "T->S"]
"""Encoders of a layer: over joints (S), over frames (T), side by side, or one after the other."""


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
    """Frames of the clips it takes and answers."""
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
        c = config.channels
        self.embed = nn.Linear(config.in_channels, c)
        self.bottom = DualStreamBlock(c, config.num_heads, config.mlp_ratio, qkv_bias=False)
        self.position_2d = _Position(config)
        self.position_depth = _Position(config)
        self.branch_2d = _branch(config, config.branches in ("both", "2d"))
        self.branch_depth = _branch(config, config.branches in ("both", "depth"))
        self.decoder = TaskAwareDecoder(config) if config.decoder else None
        self.head_2d = _head(config, 2)
        self.head_depth = _head(config, 1)

    @property
    def window(self) -> int:
        """Frames of the clips it takes, no more and no fewer."""
        return self.config.num_frames

    @property
    def receptive_field(self) -> int:
        """Frames that one output frame sees."""
        return self.config.num_frames

    def forward(self, keypoints: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for."""
        return self._lift(keypoints)[0]

    def detailed(self, keypoints: Float[Tensor, "b t j c"]) -> Detail:
        """Lift and keep the support features of both tasks; None without a decoder."""
        joints, supports = self._lift(keypoints)
        return Detail(joints, torch.stack(supports, dim=1) if supports else None)

    def _lift(self, keypoints: Float[Tensor, "b t j c"]) -> tuple[Tensor, list[Tensor]]:
        shared = self.bottom(self.embed(keypoints))
        pose_2d = self.branch_2d(self.position_2d(shared))
        depth = self.branch_depth(self.position_depth(shared))
        supports: list[Tensor] = []
        if self.decoder is not None:
            pose_2d, depth, supports = self.decoder(pose_2d, depth)
        return torch.cat([self.head_2d(pose_2d), self.head_depth(depth)], dim=-1), supports

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


class _Position(nn.Module):
    """Adds a task's learnable position embedding."""

    def __init__(self, config: PrMLConfig) -> None:
        super().__init__()
        self.joint = nn.Parameter(0.02 * torch.randn(config.num_joints, config.channels))
        self.frame = nn.Parameter(0.02 * torch.randn(config.num_frames, 1, config.channels))

    def forward(self, x: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j c"]:
        return x + self.joint + self.frame


class _Layer(nn.Module):
    """One layer of a branch: a block over frames and one over joints, or one of them."""

    def __init__(self, config: PrMLConfig) -> None:
        super().__init__()
        self.order: Order = config.order
        self.frames = None if config.order == "S" else _block(config)
        self.joints = None if config.order == "T" else _block(config)

    def forward(self, x: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j c"]:
        match self.order:
            case "S":
                return self._over_joints(x)
            case "T":
                return self._over_frames(x)
            case "S-T":
                return (self._over_joints(x) + self._over_frames(x)) / 2
            case "S->T":
                return self._over_frames(self._over_joints(x))
            case "T->S":
                return self._over_joints(self._over_frames(x))  # Eq. (1)
            case _:
                assert_never(self.order)

    def _over_joints(self, x: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j c"]:
        assert self.joints is not None
        return self.joints(x)

    def _over_frames(self, x: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j c"]:
        assert self.frames is not None
        return self.frames(x.transpose(1, 2)).transpose(1, 2)


def _branch(config: PrMLConfig, there: bool) -> nn.Sequential:
    return nn.Sequential(*(_Layer(config) for _ in range(config.depth if there else 0)))


def _block(config: PrMLConfig) -> Block:
    return Block(config.channels, config.num_heads, config.mlp_ratio, qkv_bias=False)


def _head(config: PrMLConfig, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(config.channels, eps=1e-6),
        nn.Linear(config.channels, config.head_channels),
        nn.Tanh(),
        nn.Linear(config.head_channels, out),
    )
