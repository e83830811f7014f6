"""VideoPose3D lifter: temporal convolutions whose view widens with every block.

Pavllo, Feichtenhofer, Grangier, Auli, "3D human pose estimation in video with temporal
convolutions and semi-supervised training", CVPR 2019, https://arxiv.org/abs/1811.11742, Figure 2.

All convolutions are valid: t frames give t' = t - receptive_field + 1. Padding a clip is the
caller's choice; ``padding`` says how many frames each side needs.

Axes: b batch, t frames, k keypoints, j joints, c channels.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from vitruve.nets.precision import exactly
from vitruve.nets.renaming import Rules, rename_keys, split_features
from vitruve.nets.ring import Ring

_SLOTS = {"conv": "0", "bn": "1"}
_RULES: Rules = {
    r"expand_(conv|bn)\.": lambda m: f"expand.{_SLOTS[m[1]]}.",
    r"layers_(conv|bn)\.(\d+)\.": lambda m: (
        f"blocks.{int(m[2]) // 2}.{'point' if int(m[2]) % 2 else 'wide'}.{_SLOTS[m[1]]}."
    ),
    r"shrink\.": "shrink.",
}


@dataclass(frozen=True)
class VideoPose3DConfig:
    """Settings of VideoPose3D; the defaults are the published 243-frame net."""

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence."""
    widths: tuple[int, ...] = (3, 3, 3, 3, 3)
    """Odd filter widths; their product is the receptive field in frames (all 1: frame by frame)."""
    channels: int = 1024
    """Features of every hidden layer."""
    dropout: float = 0.25
    """Share of hidden features dropped in training, 0 to 1."""
    causal: bool = False
    """Output belongs to the last frame seen, so that nothing comes from the future."""
    dense: bool = False
    """Full-width filters in place of dilated ones (the paper's ablation; other weights)."""
    strided: bool = False
    """Strides in place of dilation: takes exactly one receptive field and gives one frame. Same
    weights and, in eval mode, same output as the dilated form; much cheaper to train."""

    def __post_init__(self) -> None:
        """Check the widths."""
        if not self.widths or any(w < 1 or w % 2 == 0 for w in self.widths):
            raise ValueError(
                f"widths must be odd and positive, such as (3, 3, 3); got {self.widths}"
            )
        if self.dense and self.strided:
            raise ValueError("dense and strided exclude each other: set one of them to False")


class VideoPose3D(nn.Module):
    """Temporal convolution net, dilated or strided."""

    def __init__(self, config: VideoPose3DConfig) -> None:
        super().__init__()
        self.config = config
        first, *rest = config.widths
        features = config.in_channels * config.num_keypoints
        stride = first if config.strided else 1
        self.expand = _ConvBlock(
            config, nn.Conv1d(features, config.channels, first, stride, bias=False)
        )
        dilations = accumulate(config.widths, mul)
        self.blocks = nn.ModuleList(
            _Residual(config, width, dilation)
            for width, dilation in zip(rest, dilations, strict=False)
        )
        self.shrink = nn.Conv1d(config.channels, 3 * config.num_joints, 1)

    @property
    def receptive_field(self) -> int:
        """Frames that one output frame sees."""
        return math.prod(self.config.widths)

    @property
    def window(self) -> int | None:
        """Frames it takes, no more and no fewer; None for any number from its view on."""
        return self.receptive_field if self.config.strided else None

    @property
    def padding(self) -> tuple[int, int]:
        """Frames to add before and after a clip so that every frame gets an output."""
        missing = self.receptive_field - 1
        return (missing, 0) if self.config.causal else (missing // 2, missing // 2)

    def forward(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b tout j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for.

        Returns:
            Joints of the ``t - receptive_field + 1`` frames with a full view: the centre of each
            window, or its last frame when causal.

        Raises:
            ValueError: The clip is shorter than the receptive field, or (strided) longer.
        """
        t = keypoints.shape[1]
        if t < self.receptive_field or (self.config.strided and t > self.receptive_field):
            extent = "exactly" if self.config.strided else "at least"
            raise ValueError(
                f"VideoPose3D with widths {self.config.widths} takes {extent} "
                f"{self.receptive_field} frames, got {t}; pad or cut the clip first"
            )
        x = self.expand(keypoints.flatten(2).transpose(1, 2))
        for block in self.blocks:
            x = block(x)
        joints = exactly(self.shrink, x).transpose(1, 2)
        return joints.unflatten(2, (self.config.num_joints, 3))

    def start(self) -> list[Ring]:
        """Memory of a stream that has seen nothing yet: the past inputs of each wide convolution.

        Raises:
            ValueError: The net is not causal.
        """
        if not self.config.causal:
            raise ValueError(
                f"this VideoPose3D looks {self.padding[1]} frames ahead; only one trained with "
                "causal=True can answer frame by frame"
            )
        spacings = [1, *accumulate(self.config.widths, mul)]
        reaches = [(w - 1) * s for w, s in zip(self.config.widths, spacings, strict=False)]
        return [Ring(reach + 1) for reach in reaches]

    @torch.no_grad()
    def step(self, memory: list[Ring], frame: Float[Tensor, "b k c"]) -> Float[Tensor, "b j 3"]:
        """Lift one more frame of a stream at the cost of one output column.

        Equal to ``forward`` on the clip so far, padded in front with its first frame.
        """
        first, *pasts = memory
        blocks: Any = self.blocks
        x = self.expand.newest(frame.flatten(1), first)
        for block, past in zip(blocks, pasts, strict=True):
            x = x + block.point.newest(block.wide.newest(x, past))
        shrunk = functional.linear(x, self.shrink.weight.flatten(1), self.shrink.bias)
        return shrunk.unflatten(1, (self.config.num_joints, 3))

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published nets (dilated and single-frame alike) to ours.

        Raises:
            KeyError: A key has no rule.
        """
        return rename_keys(state, _RULES)

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> VideoPose3DConfig | None:
        """Read the sizes off a published state dict; None when it is another net's.

        Causal or not and strided or not leave no trace in the shapes: both come out False.
        Dense filters are told from dilated ones when all widths are equal.
        """
        if not {"expand_conv.weight", "shrink.weight"} <= state.keys():
            return None
        channels, features, first = state["expand_conv.weight"].shape
        num_joints = state["shrink.weight"].shape[0] // 3
        num_keypoints, in_channels = split_features(features, num_joints)
        depth = sum(key.startswith("layers_conv.") for key in state) // 2
        kernels = (first, *(state[f"layers_conv.{2 * i}.weight"].shape[2] for i in range(depth)))
        dense_kernels = tuple((first - 1) * first**i + 1 for i in range(depth + 1))
        dense = kernels == dense_kernels and len(set(kernels)) > 1
        widths = (first,) * (depth + 1) if dense else kernels
        return VideoPose3DConfig(
            num_keypoints, num_joints, in_channels, widths=widths, channels=channels, dense=dense
        )


class _ConvBlock(nn.Sequential):
    def __init__(self, config: VideoPose3DConfig, conv: nn.Conv1d) -> None:
        super().__init__(
            conv, nn.BatchNorm1d(config.channels), nn.ReLU(), nn.Dropout(config.dropout)
        )

    def newest(self, x: Float[Tensor, "b c"], past: Ring | None = None) -> Float[Tensor, "b d"]:
        """The output column of one more input column; ``past`` holds those before."""
        conv, *rest = self
        weight: Any = conv.weight
        columns = x.unsqueeze(1)
        if past is not None:
            past.push(x)
            spacing = (past.size - 1) // max(1, weight.shape[2] - 1)
            columns = past.ago(range(past.size - 1, -1, -max(1, spacing)))
        y = functional.linear(columns.transpose(1, 2).flatten(1), weight.flatten(1))
        for layer in rest:
            y = layer(y)
        return y


class _Residual(nn.Module):
    """A wide convolution over time, then a pointwise one; the skip is cropped to match."""

    def __init__(self, config: VideoPose3DConfig, width: int, dilation: int) -> None:
        super().__init__()
        c = config.channels
        self.step = width if config.strided else 1
        reach = (width - 1) * (1 if config.strided else dilation)
        self.start = reach if config.causal else reach // 2
        if config.strided:
            wide = nn.Conv1d(c, c, width, stride=width, bias=False)
        elif config.dense:
            wide = nn.Conv1d(c, c, reach + 1, bias=False)
        else:
            wide = nn.Conv1d(c, c, width, dilation=dilation, bias=False)
        self.wide = _ConvBlock(config, wide)
        self.point = _ConvBlock(config, nn.Conv1d(c, c, 1, bias=False))

    def forward(self, x: Float[Tensor, "b c t"]) -> Float[Tensor, "b c tout"]:
        y = self.point(self.wide(x))
        return x[:, :, self.start :: self.step][:, :, : y.shape[2]] + y
