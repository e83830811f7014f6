"""MixSTE lifter: transformer blocks that look over joints and over frames in turn.

Zhang, Tu, Yang, Chen, Yuan, "MixSTE: seq2seq mixed spatio-temporal encoder for 3D human pose
estimation in video", CVPR 2022, https://arxiv.org/abs/2203.00859, Figure 2.

Axes: b batch, t frames, j joints (one token each), c channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.heads import Heads, make_head
from vitruve.nets.layers import Block, check_tokens, tell_joints_apart
from vitruve.nets.precision import exactly
from vitruve.nets.renaming import Rules, rename_keys

RULES: Rules = {
    r"Spatial_patch_to_embedding\.": "embed.",
    r"Spatial_pos_embed$": "spatial_position",
    r"Temporal_pos_embed$": "temporal_position",
    r"STEblocks\.": "spatial_blocks.",
    r"TTEblocks\.": "temporal_blocks.",
    r"Spatial_norm\.": "spatial_norm.",
    r"Temporal_norm\.": "temporal_norm.",
    r"head\.": "head.",
}
"""Published names of the parts -> ours."""


@dataclass(frozen=True)
class MixSTEConfig:
    """Settings of MixSTE; the defaults are the published 243-frame net."""

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output; as many as keypoints."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence."""
    num_frames: int = 243
    """Frames of the clips it takes and answers."""
    channels: int = 512
    """Features of a token."""
    depth: int = 8
    """Pairs of a block over joints and a block over frames."""
    num_heads: int = 8
    """Attention heads."""
    mlp_ratio: float = 2.0
    """Hidden over outer features of the MLPs."""
    drop_path: float = 0.1
    """Share of residual branches dropped in training at the last block; grows from 0."""
    heads: Heads = "joint"
    """One last layer for x, y, z ("joint", as published), or one for x, y and one for the depth."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        check_tokens(self)


class MixSTE(nn.Module):
    """Alternating attention over joints and frames; every frame of the window is answered."""

    padding = (0, 0)
    """Frames to add before and after a clip so that every frame gets an output."""

    def __init__(self, config: MixSTEConfig) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.embed = nn.Linear(config.in_channels, c)
        self.spatial_position = nn.Parameter(torch.zeros(1, config.num_joints, c))
        self.temporal_position = nn.Parameter(torch.zeros(1, config.num_frames, c))
        drops = [config.drop_path * i / max(1, config.depth - 1) for i in range(config.depth)]
        spatial = [_block(config, drop) for drop in drops]
        tell_joints_apart(self.spatial_position, (block.attn for block in spatial))
        self.spatial_blocks = nn.ModuleList(spatial)
        self.temporal_blocks = nn.ModuleList(_block(config, drop) for drop in drops)
        # The published net has one norm for all blocks over joints, one for all over frames.
        self.spatial_norm = nn.LayerNorm(c, eps=1e-6)
        self.temporal_norm = nn.LayerNorm(c, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(c), make_head(c, config.heads))

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
        return self._attend(self.embed(keypoints) + self.spatial_position)

    def _attend(self, x: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j 3"]:
        """All blocks and the head, from tokens that know their joint."""
        blocks = zip(self.spatial_blocks, self.temporal_blocks, strict=True)
        for i, (spatial, temporal) in enumerate(blocks):
            x = self.spatial_norm(spatial(x)).transpose(1, 2)
            if i == 0:
                x = self._place_in_time(x)
            x = self.temporal_norm(temporal(x)).transpose(1, 2)
        return exactly(self.head, x)

    def _place_in_time(self, x: Float[Tensor, "b j t c"]) -> Float[Tensor, "b j t c"]:
        return x + self.temporal_position

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published net to ours.

        Raises:
            KeyError: A key has no rule.
        """
        return rename_keys(state, RULES)

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> MixSTEConfig | None:
        """Read the sizes off a published state dict; None when it is another net's.

        The number of heads leaves no trace in the shapes; it is 8 in every published net.
        """
        if not {"Spatial_patch_to_embedding.weight", "STEblocks.0.attn.qkv.weight"} <= state.keys():
            return None
        if "time_mlp.1.weight" in state:
            return None  # D3DP's denoiser
        channels, in_channels = state["Spatial_patch_to_embedding.weight"].shape
        num_joints = state["Spatial_pos_embed"].shape[1]
        hidden = state["STEblocks.0.mlp.fc1.weight"].shape[0]
        return MixSTEConfig(
            num_joints,
            num_joints,
            in_channels,
            num_frames=state["Temporal_pos_embed"].shape[1],
            channels=channels,
            depth=len({key.split(".")[1] for key in state if key.startswith("STEblocks.")}),
            mlp_ratio=hidden / channels,
        )


def _block(config: MixSTEConfig, drop_path: float) -> Block:
    return Block(config.channels, config.num_heads, config.mlp_ratio, drop_path=drop_path)
