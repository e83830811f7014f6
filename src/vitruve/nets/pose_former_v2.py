"""PoseFormerV2 lifter: a few frames near the centre and the low frequencies of the whole clip.

Zhao, Zheng, Liu, Wang, Chen, "PoseFormerV2: exploring frequency domain for efficient and robust 3D
human pose estimation", CVPR 2023, https://arxiv.org/abs/2303.17472, Figure 3.

Axes: b batch, t frames, k keypoints, j joints, c channels, f tokens (frequencies, then frames), w
channels of a token.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.layers import Attention, Block, DropPath, Mlp
from vitruve.nets.precision import exactly
from vitruve.nets.renaming import Rules, rename_keys

_PUBLISHED_FRAMES = {(9, 9): 81, (27, 27): 243}
"""Frames by kept frames and coefficients, where only one such net was published."""
_RULES: Rules = {
    r"Joint_embedding\.": "embed.",
    r"Freq_embedding\.": "embed_frequency.",
    r"Spatial_pos_embed$": "joint_position",
    r"Temporal_pos_embed$": "frame_position",
    r"Temporal_pos_embed_$": "frequency_position",
    r"Spatial_blocks\.": "joint_blocks.",
    r"Spatial_norm\.": "joint_norm.",
    r"blocks\.": "blocks.",
    r"Temporal_norm\.": "norm.",
    r"weighted_mean\.": "frequency_mean.",
    r"weighted_mean_\.": "frame_mean.",
    r"head\.": "head.",
}


@dataclass(frozen=True)
class PoseFormerV2Config:
    """Settings of PoseFormerV2; the defaults are the published 243-frame net."""

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence."""
    num_frames: int | None = 243
    """Frames of the clips it takes; None where weights were read that do not tell, no net then."""
    kept_frames: int = 27
    """Frames around the centre that get a token each; odd."""
    kept_coefficients: int = 27
    """Lowest frequencies of the clip that get a token each."""
    channels: int = 32
    """Features of a joint; a frame or frequency has as many for every keypoint."""
    depth: int = 4
    """Blocks over the joints of a frame, and again over frames and frequencies."""
    num_heads: int = 8
    """Attention heads."""
    mlp_ratio: float = 2.0
    """Hidden over outer features of the MLPs."""
    drop_path: float = 0.1
    """Share of residual branches dropped in training at the last block; grows from 0."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        if self.kept_frames < 1 or self.kept_frames % 2 == 0:
            raise ValueError(
                f"PoseFormerV2Config: kept_frames must be odd and positive, got {self.kept_frames}"
            )
        most = max(self.kept_frames, self.kept_coefficients)
        if self.kept_coefficients < 1 or most > (self.num_frames or most):
            raise ValueError(
                f"PoseFormerV2Config: {self.kept_frames} kept frames and {self.kept_coefficients} "
                f"coefficients do not fit {self.num_frames} frames; each is 1 to num_frames"
            )
        if self.channels % self.num_heads:
            raise ValueError(
                f"PoseFormerV2Config: {self.channels} channels do not divide among "
                f"{self.num_heads} heads"
            )


class PoseFormerV2(nn.Module):
    """Attention over frame and frequency tokens together; the centre frame is answered."""

    window: int
    """Frames of the clips it takes, no more and no fewer."""
    coefficients: Tensor

    def __init__(self, config: PoseFormerV2Config) -> None:
        super().__init__()
        if config.num_frames is None:
            raise ValueError(
                f"pose_former_v2: weights with {config.kept_frames} kept frames and "
                f"{config.kept_coefficients} coefficients do not tell how many frames a clip has "
                "(27 and 81 are published); give num_frames"
            )
        self.config = config
        self.window = config.num_frames
        k, c = config.num_keypoints, config.channels
        wide = k * c
        self.embed = nn.Linear(config.in_channels, c)
        self.joint_position = nn.Parameter(torch.zeros(1, k, c))
        drops = [config.drop_path * i / max(1, config.depth - 1) for i in range(config.depth)]
        self.joint_blocks = nn.ModuleList(
            Block(c, config.num_heads, config.mlp_ratio, drop_path=drop) for drop in drops
        )
        self.joint_norm = nn.LayerNorm(c, eps=1e-6)
        self.frame_position = nn.Parameter(torch.zeros(1, config.kept_frames, wide))
        self.embed_frequency = nn.Linear(k * config.in_channels, wide)
        self.frequency_position = nn.Parameter(torch.zeros(1, config.kept_coefficients, wide))
        self.blocks = nn.ModuleList(_MixedBlock(config, drop) for drop in drops)
        self.norm = nn.LayerNorm(wide, eps=1e-6)
        self.frequency_mean = nn.Conv1d(config.kept_coefficients, 1, 1)
        self.frame_mean = nn.Conv1d(config.kept_frames, 1, 1)
        self.head = nn.Sequential(
            nn.LayerNorm(2 * wide), nn.Linear(2 * wide, 3 * config.num_joints)
        )
        transform = cosine_transform(self.window)[: config.kept_coefficients]
        self.register_buffer("coefficients", transform, persistent=False)

    @property
    def receptive_field(self) -> int:
        """Frames that one output frame sees."""
        return self.window

    @property
    def padding(self) -> tuple[int, int]:
        """Frames to add before and after a clip so that every frame gets an output."""
        return (self.window - 1) // 2, self.window // 2

    def forward(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b 1 j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for."""
        return self._answer(keypoints, self.embed_frames(self._kept(keypoints)))

    def embed_frames(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b t w"]:
        """One token for each frame, from attention over its joints; for windows that overlap."""
        x = self.embed(keypoints) + self.joint_position
        for block in self.joint_blocks:
            x = block(x)
        return self.joint_norm(x).flatten(2)

    def answer(
        self, keypoints: Float[Tensor, "b t k c"], embedded: Float[Tensor, "b t w"]
    ) -> Float[Tensor, "b 1 j 3"]:
        """What ``forward`` says of windows whose frames are embedded."""
        return self._answer(keypoints, self._kept(embedded))

    def _kept(self, x: Float[Tensor, "b t *c"]) -> Float[Tensor, "b f *c"]:
        """The frames around the middle that get a token each."""
        first = self.padding[0] - self.config.kept_frames // 2
        return x[:, first : first + self.config.kept_frames]

    def _answer(
        self, keypoints: Float[Tensor, "b t k c"], kept: Float[Tensor, "b f w"]
    ) -> Float[Tensor, "b 1 j 3"]:
        frames = self.frame_position + kept
        frequencies = self.coefficients @ keypoints.flatten(2)
        frequencies = self.frequency_position + self.embed_frequency(frequencies)
        x = torch.cat([frequencies, frames], dim=1)
        for block in self.blocks:
            x = block(x)
        parts = self.norm(x).split([frequencies.shape[1], frames.shape[1]], dim=1)
        means = [self.frequency_mean(parts[0]), self.frame_mean(parts[1])]
        joints = exactly(self.head, torch.cat(means, dim=-1))
        return joints.unflatten(-1, (self.config.num_joints, 3))

    @staticmethod
    def from_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Rename the keys of the published nets (Human3.6M and 3DHP alike) to ours.

        Raises:
            KeyError: A key has no rule.
        """
        return rename_keys(state, _RULES)

    @staticmethod
    def config_from_official(state: Mapping[str, Tensor]) -> PoseFormerV2Config | None:
        """Read the sizes off a published state dict; None when it is another net's.

        The number of frames leaves no trace in the shapes: it comes out None, and is the hint
        ``num_frames``, unless one published net alone has these kept frames and coefficients. The
        number of heads is 8 in every published net.
        """
        if not {"Freq_embedding.weight", "Joint_embedding.weight"} <= state.keys():
            return None
        channels, in_channels = state["Joint_embedding.weight"].shape
        kept = state["Temporal_pos_embed"].shape[1], state["Temporal_pos_embed_"].shape[1]
        return PoseFormerV2Config(
            state["Spatial_pos_embed"].shape[1],
            state["head.1.weight"].shape[0] // 3,
            in_channels,
            num_frames=_PUBLISHED_FRAMES.get(kept),
            kept_frames=kept[0],
            kept_coefficients=kept[1],
            channels=channels,
            depth=len({key.split(".")[1] for key in state if key.startswith("blocks.")}),
            mlp_ratio=state["Spatial_blocks.0.mlp.fc1.weight"].shape[0] / channels,
        )


class _MixedBlock(nn.Module):
    """Attention over all tokens; then half of them by an MLP, half by one in the frequencies.

    The published halves are halves of the tokens: with more frames than frequencies, or fewer,
    they are not the frequencies and the frames.
    """

    def __init__(self, config: PoseFormerV2Config, drop_path: float) -> None:
        super().__init__()
        c = config.channels * config.num_keypoints
        tokens = config.kept_coefficients + config.kept_frames
        hidden = int(c * config.mlp_ratio)
        self.norm1 = nn.LayerNorm(c, eps=1e-6)
        self.attn = Attention(c, config.num_heads)
        self.norm2 = nn.LayerNorm(c, eps=1e-6)
        self.mlp1 = Mlp(c, hidden)
        self.norm3 = nn.LayerNorm(c, eps=1e-6)
        self.mlp2 = _FrequencyMlp(c, hidden, tokens - tokens // 2)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Float[Tensor, "b f w"]) -> Float[Tensor, "b f w"]:
        x = x + self.drop_path(self.attn(self.norm1(x)))
        half = x.shape[1] // 2
        first, second = x[:, :half], x[:, half:]
        first = first + self.drop_path(self.mlp1(self.norm2(first)))
        second = second + self.drop_path(self.mlp2(self.norm3(second)))
        return torch.cat([first, second], dim=1)


class _FrequencyMlp(Mlp):
    """An MLP on the cosine transform of the tokens, transformed back."""

    transform: Tensor
    back: Tensor

    def __init__(self, channels: int, hidden: int, num_tokens: int) -> None:
        super().__init__(channels, hidden)
        self.register_buffer("transform", cosine_transform(num_tokens), persistent=False)
        self.register_buffer("back", inverse_transform(num_tokens), persistent=False)

    def forward(self, x: Float[Tensor, "b f w"]) -> Float[Tensor, "b f w"]:
        return self.back @ super().forward(self.transform @ x)


def cosine_transform(n: int) -> Float[Tensor, "n n"]:
    """Matrix of the unnormalised DCT-II: row k is ``2 cos(pi k (2 i + 1) / 2 n)`` over i."""
    k, i = torch.arange(n, dtype=torch.float64)[:, None], torch.arange(n, dtype=torch.float64)
    return (2 * torch.cos(math.pi * k * (2 * i + 1) / (2 * n))).float()


def inverse_transform(n: int) -> Float[Tensor, "n n"]:
    """Inverse of ``cosine_transform``: its transpose over 2 n, the column of the mean halved."""
    back = cosine_transform(n).T / (2 * n)
    back[:, 0] /= 2
    return back
