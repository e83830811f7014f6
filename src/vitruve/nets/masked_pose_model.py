"""Masked pose modelling: recover the 2D joints of frames and joints that were hidden.

Stage I of Shan, Liu, Zhang, Wang, Ma, Gao, "P-STMO: pre-trained spatial temporal many-to-one model
for 3D human pose estimation", ECCV 2022, https://arxiv.org/abs/2203.07628, Figure 2, after the
masked autoencoders of He et al., CVPR 2022, https://arxiv.org/abs/2111.06377. ``frames`` and
``encoder`` are those of ``nets.p_stmo``, which goes on from their weights.

Deviation: the published sampling never hides the last joint (its range is one short); here every
joint may be hidden. With given masks the two agree.

Axes: b batch, t frames, k keypoints, c channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

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
from vitruve.nets.renaming import Rules, rename_keys

_RULES: Rules = {
    **ENCODER_RULES,
    **layer_rules("Transformer", "encoder.layers"),
    **layer_rules("Transformer_dec", "decoder"),
    r"encoder_LN\.a_2$": "norm.weight",
    r"encoder_LN\.b_2$": "norm.bias",
    r"encoder_to_decoder\.": "to_decoder.",
    r"dec_pos_embedding$": "decoder_position",
    r"fcn_dec\.([01])\.": lambda m: f"recover.{HEAD_PARTS[m[1]]}.",
    r"mask_token$": "frame_token",
    r"spatial_mask_token$": "joint_token",
}


@dataclass(frozen=True)
class MaskedPoseModelConfig:
    """Settings of the masked pre-training; the defaults are those published with P-STMO-S."""

    num_keypoints: int
    """Joints of the 2D input and of the recovered 2D."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence."""
    num_frames: int = 243
    """Frames of the clips it takes and recovers."""
    channels: int = 256
    """Features of a frame in the encoder; half as many in the decoder."""
    hidden: int = 512
    """Hidden features of the encoder's layers; half as many in the decoder's."""
    depth: int = 3
    """Layers of the encoder; one less in the decoder."""
    num_heads: int = 8
    """Attention heads."""
    dropout: float = 0.1
    """Share of features dropped in training."""
    masked_frames: float = 0.8
    """Share of the frames that the encoder never sees."""
    masked_joints: int = 2
    """Joints hidden in each frame."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        if not 0 <= self.masked_frames < 1 or not 0 <= self.masked_joints <= self.num_keypoints:
            raise ValueError(
                f"MaskedPoseModelConfig: masked_frames must be in [0, 1) and masked_joints 0 to "
                f"{self.num_keypoints}, got {self.masked_frames} and {self.masked_joints}"
            )
        if self.channels % (2 * self.num_heads):
            raise ValueError(
                f"MaskedPoseModelConfig: {self.channels} channels, halved in the decoder, do not "
                f"divide among {self.num_heads} heads"
            )


@dataclass(frozen=True)
class Masks:
    """What is hidden, in all clips of a batch alike; True is hidden."""

    frames: Bool[Tensor, "t"]
    """Frames that the encoder never sees."""
    joints: Bool[Tensor, "t k"]
    """Joints replaced by a learnt token, in seen frames and others alike."""


class MaskedPoseModel(nn.Module):
    """The encoder of P-STMO with a small decoder that recovers all frames."""

    def __init__(self, config: MaskedPoseModelConfig) -> None:
        super().__init__()
        self.config = config
        c, t, half = config.channels, config.num_frames, config.channels // 2
        heads, drop = config.num_heads, config.dropout
        layers = [TemporalLayer(c, config.hidden, heads, drop) for _ in range(config.depth)]
        self.joint_token = nn.Parameter(torch.randn(1, 1, config.in_channels))
        self.frames = FrameEncoder(config.num_keypoints * config.in_channels, c, drop)
        self.encoder = TemporalEncoder(t, c, layers)
        self.norm = StdNorm(c)
        self.to_decoder = nn.Linear(c, half, bias=False)
        self.frame_token = nn.Parameter(torch.randn(1, 1, half))
        self.decoder_position = nn.Parameter(torch.randn(1, t, half))
        self.decoder = nn.ModuleList(
            TemporalLayer(half, config.hidden // 2, heads, drop) for _ in range(config.depth - 1)
        )
        self.recover = FrameHead(half, config.num_keypoints, 2)

    @property
    def window(self) -> int:
        """Frames of the clips it takes, no more and no fewer."""
        return self.config.num_frames

    def forward(
        self, keypoints: Float[Tensor, "b t k c"], masks: Masks
    ) -> Float[Tensor, "b t k 2"]:
        """Recover the normalised keypoints of all frames, hidden or not, in their order."""
        kept, hidden = (~masks.frames).nonzero()[:, 0], masks.frames.nonzero()[:, 0]
        keypoints = torch.where(masks.joints[:, :, None], self.joint_token, keypoints)
        seen = self.to_decoder(self.norm(self.encoder(self.frames(keypoints), kept)))
        position = self.decoder_position.expand(len(seen), -1, -1)
        # The decoder gets the seen frames first, then the hidden ones.
        x = torch.cat([seen + position[:, kept], self.frame_token + position[:, hidden]], dim=1)
        for layer in self.decoder:
            x = layer(x)
        return self.recover(x)[:, torch.cat([kept, hidden]).argsort()]

    def draw_masks(self, generator: torch.Generator | None = None) -> Masks:
        """Choose what to hide.

        Args:
            generator: Of the draws, on the CPU; None draws from torch's global one.
        """
        config, device = self.config, self.joint_token.device
        t, k = config.num_frames, config.num_keypoints
        order = torch.rand(t, generator=generator).argsort()
        ranks = torch.rand(t, k, generator=generator).argsort(dim=1).argsort(dim=1)
        frames = order < int(t * config.masked_frames)
        return Masks(frames.to(device), (ranks < config.masked_joints).to(device))

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published pre-training files to ours.

        Raises:
            KeyError: A key has no rule.
        """
        return join_projections(rename_keys(state, _RULES))

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> MaskedPoseModelConfig | None:
        """Read the sizes off a published state dict; None when it is another net's.

        What share was masked leaves no trace; the number of heads is 8 in every published net.
        """
        if not {"Transformer_dec.model.norm.a_2", "dec_pos_embedding"} <= state.keys():
            return None
        _, num_frames, channels = state["Transformer.pos_embedding"].shape
        hidden = state["Transformer.model.layers.0.feed_forward.w_1.weight"].shape[0]
        layers = [key for key in state if key.startswith("Transformer.model.layers.")]
        return MaskedPoseModelConfig(
            state["fcn_dec.1.weight"].shape[0] // 2,
            state["spatial_mask_token"].shape[2],
            num_frames=num_frames,
            channels=channels,
            hidden=hidden,
            depth=len({key.split(".")[3] for key in layers}),
        )
