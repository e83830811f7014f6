"""Stacked hourglass backbone with group normalisation.

Newell, Yang and Deng, "Stacked Hourglass Networks for Human Pose Estimation", ECCV 2016,
https://arxiv.org/abs/1603.06937; the backbone of Mask as Supervision. Each hourglass hands its
features on to the next; only the last one's are answered with, where the original also supervises
heatmaps of each.

Axes: n pictures, c channels, y x pixels or cells.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from vitruve.nets.group_norm import conv_norm
from vitruve.nets.res_net import ResidualBlock


@dataclass(frozen=True)
class HourglassConfig:
    """Size of the backbone; the defaults are the original's."""

    num_stacks: int = 2
    """Hourglasses in a row; the original has 8 at most."""
    depth: int = 4
    """Times that an hourglass halves the resolution."""
    width: int = 256
    """Channels, a multiple of 4."""


class StackedHourglass(nn.Module):
    """RGB pictures, 0 to 1, to one map of a quarter of their resolution.

    Sides of pictures are multiples of ``4 * 2**depth``.
    """

    def __init__(self, config: HourglassConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.stem = nn.Sequential(
            conv_norm(3, width // 4, 7, 2), _residual(width // 4, width // 2), nn.MaxPool2d(2)
        )
        self.widen = _residual(width // 2, width)
        self.glasses = nn.ModuleList(
            _Hourglass(config.depth, width) for _ in range(config.num_stacks)
        )
        self.after = nn.ModuleList(
            nn.Sequential(_residual(width, width), conv_norm(width, width, 1))
            for _ in range(config.num_stacks)
        )
        self.channels = (width,)

    def forward(self, images: Float[Tensor, "n 3 y x"]) -> list[Float[Tensor, "n _ _ _"]]:
        """The last hourglass' features, as a list of one.

        Raises:
            ValueError: The pictures' sides cannot be halved often enough.
        """
        step = 4 * 2**self.config.depth
        if images.shape[-1] % step or images.shape[-2] % step:
            raise ValueError(
                f"this hourglass needs pictures whose sides are multiples of {step}, got "
                f"{images.shape[-1]} x {images.shape[-2]}; resize them or lower depth"
            )
        x = self.widen(self.stem(2 * images - 1))
        for glass, after in zip(self.glasses, self.after, strict=True):
            x = x + after(glass(x))
        return [x]


class _Hourglass(nn.Module):
    """Down and up again, with a residual block beside every resolution."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        self.beside = _residual(width, width)
        self.down = nn.Sequential(nn.MaxPool2d(2), _residual(width, width))
        self.inner = _Hourglass(depth - 1, width) if depth > 1 else _residual(width, width)
        self.up = _residual(width, width)

    def forward(self, x: Float[Tensor, "n c y x"]) -> Float[Tensor, "n c y x"]:
        deep = self.up(self.inner(self.down(x)))
        return self.beside(x) + functional.interpolate(deep, scale_factor=2.0, mode="nearest")


def _residual(in_channels: int, out_channels: int) -> ResidualBlock:
    return ResidualBlock(in_channels, out_channels // 4, 1, "bottleneck")
