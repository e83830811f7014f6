"""Context-aware PoseFormer: a lifter that also looks at the picture around each 2D joint.

Zhao, Zheng, Liu, Chen, "A single 2D pose with context is worth hundreds for 3D human pose
estimation", NeurIPS 2023, https://arxiv.org/abs/2311.03312, Figure 3: the joint's coordinates and
its features from every level are tokens that attend to each other; then joints attend to joints.

Written from the paper, not to load its weights: offsets are counted in cells of each level, and a
clip of several frames adds blocks over time after each block over joints.

Axes: b batch, t frames, j joints, l levels of feature maps, c channels, w = (l + 1) c.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.image_context import AttentionContext, DeformableContext, Pictures
from vitruve.nets.layers import Block, check_tokens
from vitruve.nets.precision import exactly


@dataclass(frozen=True)
class ContextPoseFormerConfig:
    """Settings of the context-aware PoseFormer; the defaults are sized for HRNet-W32's maps."""

    num_keypoints: int
    """Joints of the 2D input."""
    num_joints: int
    """Joints of the 3D output; as many as keypoints."""
    in_channels: int = 2
    """Numbers per keypoint: 2 for x and y, 3 with the detector's confidence."""
    level_channels: tuple[int, ...] = (128, 256, 512, 1024)
    """Channels of each feature map; none makes a lifter without pictures."""
    num_frames: int = 1
    """Frames of the clips it takes and answers; 1 lifts each frame of any clip by itself."""
    channels: int = 128
    """Features of a token: one for a joint's coordinates and one for each level."""
    context: Literal["deformable", "attention"] = "deformable"
    """How a joint reads a map: samples around it that it chooses, or attention over all cells."""
    context_heads: int = 4
    """Heads of that reading."""
    num_samples: int = 4
    """Samples of each head, where deformable."""
    fuse_depth: int = 2
    """Blocks over the tokens of one joint."""
    depth: int = 4
    """Blocks over joints; as many over frames for clips."""
    num_heads: int = 8
    """Attention heads of all blocks."""
    mlp_ratio: float = 2.0
    """Hidden over outer features of the MLPs."""
    drop_path: float = 0.1
    """Share of residual branches dropped in training at the last block; grows from 0."""

    def __post_init__(self) -> None:
        """Check the sizes."""
        check_tokens(self)
        if self.channels % (4 * self.context_heads):
            raise ValueError(
                f"{self.channels} channels must be a multiple of 4 x {self.context_heads} context "
                "heads"
            )
        if self.num_frames < 1:
            raise ValueError(f"num_frames must be 1 or more, got {self.num_frames}")


class ContextPoseFormer(nn.Module):
    """Tokens of every joint from its coordinates and the picture, then a transformer over them."""

    def __init__(self, config: ContextPoseFormerConfig) -> None:
        super().__init__()
        self.config = config
        c, num_levels = config.channels, len(config.level_channels)
        self.embed = nn.Linear(config.in_channels, c)
        self.joint_position = nn.Parameter(0.02 * torch.randn(config.num_joints, c))
        self.level_position = nn.Parameter(0.02 * torch.randn(num_levels, c))
        self.absent = nn.Parameter(0.02 * torch.randn(num_levels, c))
        self.context = _context(config)
        self.fuse_blocks = nn.ModuleList(
            Block(c, config.num_heads, config.mlp_ratio) for _ in range(config.fuse_depth)
        )
        self.mixer = PoseMixer(config)

    def forward(
        self, keypoints: Float[Tensor, "b t j c"], pictures: Pictures | None = None
    ) -> Float[Tensor, "b t j 3"]:
        """Lift normalised keypoints to joints in the unit the weights were trained for.

        Frames without a picture, and joints that were not seen in theirs, have a learnt token in
        place of what the picture says.
        """
        return self.mixer(self.tokens(keypoints, pictures))

    def tokens(
        self, keypoints: Float[Tensor, "b t j c"], pictures: Pictures | None = None
    ) -> Float[Tensor, "b t j w"]:
        """All that each joint of each frame is known by, looking at no other joint or frame."""
        pose = self.embed(keypoints) + self.joint_position
        found = self.absent.expand(*pose.shape[:-1], -1, -1)
        if pictures is not None and len(self.absent):
            found = self._place(pose, pictures, found)
        x = torch.cat([pose.unsqueeze(-2), found + self.level_position], dim=-2)
        for block in self.fuse_blocks:
            x = block(x)
        return x.flatten(-2)

    def _place(
        self,
        pose: Float[Tensor, "b t j c"],
        pictures: Pictures,
        absent: Float[Tensor, "b t j l c"],
    ) -> Float[Tensor, "b t j l c"]:
        """What the pictures say, at their frames."""
        b, i = pictures.frames.shape
        at = pictures.frames[..., None, None]
        query = pose.take_along_dim(at.expand(-1, -1, *pose.shape[2:]), dim=1).flatten(0, 1)
        maps = [level.flatten(0, 1) for level in pictures.levels]
        said = self.context(query, maps, pictures.points.flatten(0, 1)).unflatten(0, (b, i))
        said = said.where(pictures.seen[..., None, None], self.absent)
        at = at.unsqueeze(-1).expand_as(said)
        return absent.scatter(1, at, said.to(absent.dtype))


class PoseMixer(nn.Module):
    """Blocks over joints, and over frames where there are several; then the joints themselves."""

    padding = (0, 0)
    """Frames to add before and after a clip so that every frame gets an output."""

    def __init__(self, config: ContextPoseFormerConfig) -> None:
        super().__init__()
        self.num_frames = config.num_frames
        width = config.channels * (len(config.level_channels) + 1)
        drops = [config.drop_path * i / max(1, config.depth - 1) for i in range(config.depth)]

        def blocks() -> nn.ModuleList:
            return nn.ModuleList(
                Block(width, config.num_heads, config.mlp_ratio, drop_path=drop) for drop in drops
            )

        self.spatial_blocks = blocks()
        self.temporal_blocks = blocks() if config.num_frames > 1 else None
        self.temporal_position = (
            nn.Parameter(0.02 * torch.randn(config.num_frames, 1, width))
            if config.num_frames > 1
            else None
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 3))

    @property
    def window(self) -> int | None:
        """Frames it takes, no more and no fewer; None for any number, each by itself."""
        return self.num_frames if self.num_frames > 1 else None

    def forward(self, tokens: Float[Tensor, "b t j w"]) -> Float[Tensor, "b t j 3"]:
        """Joints from tokens of ``ContextPoseFormer.tokens``."""
        if self.temporal_blocks is None or self.temporal_position is None:
            for spatial in self.spatial_blocks:
                tokens = spatial(tokens)
            return exactly(self.head, tokens)
        x = tokens + self.temporal_position
        for spatial, temporal in zip(self.spatial_blocks, self.temporal_blocks, strict=True):
            x = temporal(spatial(x).transpose(1, 2)).transpose(1, 2)
        return exactly(self.head, x)


def _context(config: ContextPoseFormerConfig) -> nn.Module:
    match config.context:
        case "deformable":
            return DeformableContext(
                config.channels, config.level_channels, config.context_heads, config.num_samples
            )
        case "attention":
            return AttentionContext(config.channels, config.level_channels, config.context_heads)
    assert_never(config.context)
