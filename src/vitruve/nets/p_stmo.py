"""P-STMO lifter: a transformer over the window, then one that shortens it to its centre frame.

Shan, Liu, Zhang, Wang, Ma, Gao, "P-STMO: pre-trained spatial temporal many-to-one model for 3D
human pose estimation", ECCV 2022, https://arxiv.org/abs/2203.07628, Figure 2 (stage II). The
strided layers: Li, Liu, Ding, Liu, Wang, IEEE TMM 2022, https://arxiv.org/abs/2103.14304. Its
pre-training is ``nets.masked_pose_model``.

Axes: b batch, t frames, k keypoints, j joints, c channels of the input, w of a token.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.detail import Detail
from vitruve.nets.layers import Attention
from vitruve.nets.p_stmo_layers import (
    ENCODER_RULES,
    HEAD_PARTS,
    FrameEncoder,
    FrameHead,
    StdNorm,
    TemporalEncoder,
    TemporalLayer,
    join_projections,
    layer_rules,
)
from vitruve.nets.precision import exactly
from vitruve.nets.renaming import Rules, rename_keys, split_features

_POSITIONS = 3
"""Strided layers that have positions of their own: the first ones."""
_RULES: Rules = {
    **ENCODER_RULES,
    **layer_rules("Transformer", "encoder.layers"),
    **layer_rules("Transformer_reduce", "strided"),
    r"Transformer_reduce\.model\.pos_embedding_([1-3])$": lambda m: f"positions.{int(m[1]) - 1}",
    r"fcn(_1)?\.([01])\.": lambda m: f"{'coarse_head' if m[1] else 'head'}.{HEAD_PARTS[m[2]]}.",
}


@dataclass(frozen=True)
class PSTMOConfig:
    """Settings of P-STMO; the defaults are the published 243-frame P-STMO-S."""

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence."""
    strides: tuple[int, ...] = (3, 3, 3, 3, 3)
    """By how much each of the last layers shortens; their product is the number of frames."""
    channels: int = 256
    """Features of a frame."""
    hidden: int = 512
    """Hidden features of the transformers' layers."""
    depth: int = 3
    """Layers that see the whole window; 4 in the larger published net."""
    num_heads: int = 8
    """Attention heads."""
    dropout: float = 0.1
    """Share of features dropped in training."""
    time_step: int = 1
    """Of the clip every n-th frame is read, so that the window spans more time."""

    @property
    def num_frames(self) -> int:
        """Frames that are read."""
        return math.prod(self.strides)

    def __post_init__(self) -> None:
        """Check the sizes."""
        if len(self.strides) < _POSITIONS or any(s < 1 for s in self.strides):
            raise ValueError(
                f"PSTMOConfig: strides must be {_POSITIONS} or more positive numbers, such as "
                f"(3, 3, 3) or (1, 3, 3); got {self.strides}"
            )
        if self.time_step < 1:
            raise ValueError(f"PSTMOConfig: time_step must be 1 or more, got {self.time_step}")
        if self.channels % self.num_heads:
            raise ValueError(
                f"PSTMOConfig: {self.channels} channels do not divide among {self.num_heads} heads"
            )


class PSTMO(nn.Module):
    """Many frames to one: the centre frame of the window is answered."""

    def __init__(self, config: PSTMOConfig) -> None:
        super().__init__()
        self.config = config
        c, t = config.channels, config.num_frames
        sizes = (c, config.hidden, config.num_heads, config.dropout)
        self.frames = FrameEncoder(config.num_keypoints * config.in_channels, c, config.dropout)
        self.encoder = TemporalEncoder(t, c, [TemporalLayer(*sizes) for _ in range(config.depth)])
        self.positions = nn.ParameterList(torch.randn(1, t, c) for _ in range(_POSITIONS))
        self.strided = nn.ModuleList(_StridedLayer(*sizes, stride) for stride in config.strides)
        self.coarse_head = FrameHead(c, config.num_joints, 3)
        self.head = FrameHead(c, config.num_joints, 3)

    @property
    def window(self) -> int:
        """Frames of the clips it takes, no more and no fewer."""
        return (self.config.num_frames - 1) * self.config.time_step + 1

    @property
    def receptive_field(self) -> int:
        """Frames from the first to the last that one output frame sees."""
        return self.window

    @property
    def padding(self) -> tuple[int, int]:
        """Frames to add before and after a clip so that every frame gets an output."""
        t, step = self.config.num_frames, self.config.time_step
        return (t - 1) // 2 * step, t // 2 * step

    def forward(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b 1 j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for."""
        return self._centre(self._encode(keypoints))

    def embed_frames(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b t w"]:
        """What is computed of each frame by itself, for windows that overlap."""
        return self.frames(keypoints)

    def answer(
        self, keypoints: Float[Tensor, "b t k c"], embedded: Float[Tensor, "b t w"]
    ) -> Float[Tensor, "b 1 j 3"]:
        """What ``forward`` says of windows whose frames are embedded."""
        del keypoints
        return self._centre(self.encoder(embedded[:, :: self.config.time_step]))

    def detailed(self, keypoints: Float[Tensor, "b t k c"]) -> Detail:
        """The joints, and as coarse answer those of every frame read, from the encoder alone."""
        x = self._encode(keypoints)
        step = self.config.time_step
        return Detail(self._centre(x), coarse=self.coarse_head(x), coarse_step=step)

    def _encode(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b tout w"]:
        return self.encoder(self.frames(keypoints[:, :: self.config.time_step]))

    def _centre(self, x: Float[Tensor, "b t w"]) -> Float[Tensor, "b 1 j 3"]:
        for i, layer in enumerate(self.strided):
            if i < _POSITIONS:
                x = x + self.positions[i][:, : x.shape[1]]
            x = layer(x)
        return exactly(self.head, x)

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published nets (P-STMO and P-STMO-S alike) to ours.

        Raises:
            KeyError: A key has no rule.
        """
        return join_projections(rename_keys(state, _RULES))

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> PSTMOConfig | None:
        """Read the sizes off a published state dict; None when it is another net's.

        The strides leave no trace but their number and product: they come out as the published
        nets have them. Neither does ``time_step``, 1 here; the number of heads is always 8.
        """
        if not {"Transformer_reduce.model.pos_embedding_1", "fcn_1.1.weight"} <= state.keys():
            return None
        _, num_frames, channels = state["Transformer.pos_embedding"].shape
        num_joints = state["fcn.1.weight"].shape[0] // 3
        num_keypoints, in_channels = split_features(
            state["encoder.fc_1.weight"].shape[1], num_joints
        )
        return PSTMOConfig(
            num_keypoints,
            num_joints,
            in_channels,
            strides=_strides(num_frames, _count(state, "Transformer_reduce")),
            channels=channels,
            hidden=state["Transformer.model.layers.0.feed_forward.w_1.weight"].shape[0],
            depth=_count(state, "Transformer"),
        )


class _StridedLayer(nn.Module):
    """Attention along the frames, then a convolution that keeps every ``stride``-th frame."""

    def __init__(
        self, channels: int, hidden: int, num_heads: int, dropout: float, stride: int
    ) -> None:
        super().__init__()
        self.norm1 = StdNorm(channels)
        self.attn = Attention(channels, num_heads, dropout=dropout)
        self.norm2 = StdNorm(channels)
        self.fc1 = nn.Conv1d(channels, hidden, 1)
        self.fc2 = nn.Conv1d(hidden, channels, 3, stride, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.stride = stride

    def forward(self, x: Float[Tensor, "b t w"]) -> Float[Tensor, "b tkept w"]:
        x = x + self.dropout(self.attn(self.norm1(x)))
        y = self.fc1(self.norm2(x).transpose(1, 2)).relu()
        y = self.fc2(self.dropout(y)).transpose(1, 2)
        return x[:, :: self.stride] + self.dropout(y)


def _count(state: Mapping[str, Tensor], transformer: str) -> int:
    prefix = f"{transformer}.model.layers."
    return len({key.split(".")[3] for key in state if key.startswith(prefix)})


def _strides(num_frames: int, count: int) -> tuple[int, ...]:
    """Split into ``count`` factors: primes, the two smallest joined while there are too many."""
    factors, rest = [], num_frames
    for prime in range(2, num_frames + 1):
        while rest % prime == 0:
            factors.append(prime)
            rest //= prime
    while len(factors) > count:
        factors = sorted([factors[0] * factors[1], *factors[2:]])
    return (1,) * (count - len(factors)) + tuple(factors)
