"""Residual backbone for pictures, with group normalisation.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
https://arxiv.org/abs/1512.03385. The defaults are a small net for pictures of 64 to 128 pixels;
``ResNetConfig(block="bottleneck", depths=(3, 4, 6, 3), channels=(64, 128, 256, 512), stem=7)`` is
ResNet-50 with its stride of 32.

Axes: n pictures, c channels, y x pixels or cells.
"""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.group_norm import conv_norm

_EXPANSION = {"basic": 1, "bottleneck": 4}


@dataclass(frozen=True)
class ResNetConfig:
    """Size of the backbone."""

    block: Literal["basic", "bottleneck"] = "basic"
    """Two convolutions of 3, or one of 3 between two of 1 with four times the channels."""
    depths: tuple[int, ...] = (1, 1, 1)
    """Blocks of each stage; every stage but the first halves the resolution."""
    channels: tuple[int, ...] = (32, 64, 128)
    """Channels of the blocks of each stage, before expansion."""
    stem: Literal[3, 7] = 3
    """First convolution: 3, which halves the resolution; or 7 and pooling, which quarter it."""

    def __post_init__(self) -> None:
        """Refuse stages that do not pair up."""
        if len(self.depths) != len(self.channels) or not self.depths:
            raise ValueError(f"depths {self.depths} and channels {self.channels}: one per stage")


class ResNet(nn.Module):
    """RGB pictures, 0 to 1, to one map of features."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        self.config = config
        width = config.channels[0]
        pool = (nn.MaxPool2d(3, 2, 1),) if config.stem == 7 else ()
        self.stem = nn.Sequential(conv_norm(3, width, config.stem, 2), *pool)
        blocks, coming = [], width
        for stage, (depth, channels) in enumerate(zip(config.depths, config.channels, strict=True)):
            for number in range(depth):
                stride = 2 if stage and not number else 1
                blocks.append(ResidualBlock(coming, channels, stride, config.block))
                coming = channels * _EXPANSION[config.block]
        self.blocks = nn.Sequential(*blocks)
        self.channels = (coming,)

    def forward(self, images: Float[Tensor, "n 3 y x"]) -> list[Float[Tensor, "n _ _ _"]]:
        """The last stage's map, as a list of one as other backbones give several."""
        return [self.blocks(self.stem(2 * images - 1))]


class ResidualBlock(nn.Module):
    """Convolutions beside a shortcut."""

    def __init__(
        self, in_channels: int, channels: int, stride: int, kind: Literal["basic", "bottleneck"]
    ) -> None:
        super().__init__()
        out = channels * _EXPANSION[kind]
        if kind == "basic":
            layers = (conv_norm(in_channels, out, 3, stride), conv_norm(out, out, act=False))
        else:
            layers = (
                conv_norm(in_channels, channels, 1),
                conv_norm(channels, channels, 3, stride),
                conv_norm(channels, out, 1, act=False),
            )
        self.layers = nn.Sequential(*layers)
        plain = stride == 1 and in_channels == out
        shortcut = nn.Identity() if plain else conv_norm(in_channels, out, 1, stride, act=False)
        self.shortcut = shortcut
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Float[Tensor, "n c y x"]) -> Float[Tensor, "n _ _ _"]:
        """Sum of both, rectified."""
        return self.act(self.layers(x) + self.shortcut(x))
