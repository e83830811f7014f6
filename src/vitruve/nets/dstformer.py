"""DSTFormer lifter, the backbone of MotionBERT: two streams of attention, fused token by token.

Zhu, Ma, Liu, Liu, Wu, Wang, "MotionBERT: a unified perspective on learning human motion
representations", ICCV 2023, https://arxiv.org/abs/2210.06551, Figure 2.

Axes: b batch, t frames, j joints (one token each), c channels, r channels of the representation.
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

_AXES = {"s": "spatial", "t": "temporal"}
_RULES: Rules = {
    r"joints_embed\.": "embed.",
    r"pos_embed$": "spatial_position",
    r"temp_embed$": "temporal_position",
    r"blocks_(st|ts)\.(\d+)\.(norm1|attn|norm2|mlp)_([st])\.": lambda m: (
        f"blocks.{m[2]}.{m[1]}_{_AXES[m[4]]}.{m[3]}."
    ),
    r"ts_attn\.(\d+)\.": r"blocks.\1.fusion.",
    r"norm\.": "norm.",
    r"pre_logits\.fc\.": "to_representation.",
    r"head\.": "head.",
}
_LANDMARKS = (
    "joints_embed.weight",
    "pos_embed",
    "temp_embed",
    "blocks_st.0.mlp_s.fc1.weight",
    "pre_logits.fc.weight",
)


@dataclass(frozen=True)
class DSTFormerConfig:
    """Settings of DSTFormer; the defaults are the published base net."""

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output; as many as keypoints."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence (as published)."""
    num_frames: int = 243
    """Frames of the longest clip it takes."""
    channels: int = 512
    """Features of a token; the published lite net has 256."""
    representation_channels: int = 512
    """Features of the motion representation that the head reads."""
    depth: int = 5
    """Blocks of two streams."""
    num_heads: int = 8
    """Attention heads."""
    mlp_ratio: float = 2.0
    """Hidden over outer features of the MLPs; the published lite net has 4."""
    drop_path: float = 0.0
    """Share of residual branches dropped in training at the last block; grows from 0."""
    heads: Heads = "joint"
    """One last layer for x, y, z ("joint", as published), or one for x, y and one for the depth."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        check_tokens(self)


class DualStreamBlock(nn.Module):
    """Attention over joints then frames, beside frames then joints; their weighted sum.

    Every token has its own two weights, a softmax of what both streams say of it.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int = 8,
        mlp_ratio: float = 2.0,
        *,
        qkv_bias: bool = True,
        drop_path: float = 0.0,
        eps: float = 1e-6,
    ) -> None:
        super().__init__()

        def block() -> Block:
            return Block(
                channels, num_heads, mlp_ratio, qkv_bias=qkv_bias, drop_path=drop_path, eps=eps
            )

        self.st_spatial, self.st_temporal = block(), block()
        self.ts_temporal, self.ts_spatial = block(), block()
        self.fusion = nn.Linear(2 * channels, 2)
        # The streams start with equal weights.
        nn.init.zeros_(self.fusion.weight)
        nn.init.zeros_(self.fusion.bias)

    def forward(self, x: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j c"]:
        """Let every token look over its frame and over its joint's past and future."""
        st = self.st_temporal(self.st_spatial(x).transpose(1, 2)).transpose(1, 2)
        ts = self.ts_spatial(self.ts_temporal(x.transpose(1, 2)).transpose(1, 2))
        weights = self.fusion(torch.cat([st, ts], dim=-1)).softmax(dim=-1)
        return weights[..., :1] * st + weights[..., 1:] * ts


class DSTFormer(nn.Module):
    """A stack of two-stream blocks; every frame of the clip is answered."""

    padding = (0, 0)
    """Frames to add before and after a clip so that every frame gets an output."""

    def __init__(self, config: DSTFormerConfig) -> None:
        super().__init__()
        self.config = config
        c, r = config.channels, config.representation_channels
        self.embed = nn.Linear(config.in_channels, c)
        self.spatial_position = nn.Parameter(torch.zeros(1, config.num_joints, c))
        self.temporal_position = nn.Parameter(torch.zeros(1, config.num_frames, 1, c))
        drops = [config.drop_path * i / max(1, config.depth - 1) for i in range(config.depth)]
        self.blocks = nn.ModuleList(
            DualStreamBlock(c, config.num_heads, config.mlp_ratio, drop_path=drop) for drop in drops
        )
        self.norm = nn.LayerNorm(c, eps=1e-6)
        self.to_representation = nn.Linear(c, r)
        self.head = make_head(r, config.heads)
        self._initialise()

    def _initialise(self) -> None:
        """Small normal weights as in the published net, but for the fusion and among joints."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear) and not name.endswith("fusion"):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        nn.init.trunc_normal_(self.temporal_position, std=0.02)
        blocks = (module for module in self.blocks if isinstance(module, DualStreamBlock))
        spatial = (block.attn for b in blocks for block in (b.st_spatial, b.ts_spatial))
        tell_joints_apart(self.spatial_position, spatial)

    @property
    def window(self) -> int:
        """Frames of the clips it is run on; it takes shorter ones too."""
        return self.config.num_frames

    @property
    def receptive_field(self) -> int:
        """Frames that one output frame sees."""
        return self.config.num_frames

    def represent(self, keypoints: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j r"]:
        """Encode normalised keypoints to the motion representation, -1 to 1.

        Raises:
            ValueError: The clip is longer than ``num_frames``.
        """
        t = keypoints.shape[1]
        if t > self.config.num_frames:
            raise ValueError(
                f"DSTFormer takes up to {self.config.num_frames} frames, got {t}; cut the clip "
                "first"
            )
        x = self.embed(keypoints) + self.spatial_position + self.temporal_position[:, :t]
        for block in self.blocks:
            x = block(x)
        return self.to_representation(self.norm(x)).tanh()

    def forward(self, keypoints: Float[Tensor, "b t j c"]) -> Float[Tensor, "b t j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for.

        Raises:
            ValueError: The clip is longer than ``num_frames``.
        """
        return exactly(self.head, self.represent(keypoints))

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published net to ours.

        Raises:
            KeyError: A key has no rule.
        """
        return rename_keys(state, _RULES)

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> DSTFormerConfig | None:
        """Read the sizes off a published state dict; None when it is another net's.

        The number of heads leaves no trace in the shapes; it is 8 in every published net.
        """
        if not set(_LANDMARKS) <= state.keys():
            return None
        channels, in_channels = state["joints_embed.weight"].shape
        num_joints = state["pos_embed"].shape[1]
        return DSTFormerConfig(
            num_joints,
            num_joints,
            in_channels,
            num_frames=state["temp_embed"].shape[1],
            channels=channels,
            representation_channels=state["pre_logits.fc.weight"].shape[0],
            depth=len({key.split(".")[1] for key in state if key.startswith("blocks_st.")}),
            mlp_ratio=state["blocks_st.0.mlp_s.fc1.weight"].shape[0] / channels,
        )
