"""Convolutions with group normalisation, which means the same in training and in use.

Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, section 4.2: batch
statistics made left and right swap at test time. Wu and He, "Group Normalization", ECCV 2018,
https://arxiv.org/abs/1803.08494.

Axes: n pictures, c channels, y x cells.
"""

import math

from torch import nn

MAX_GROUPS = 32


def group_norm(channels: int) -> nn.GroupNorm:
    """Of 32 groups, or as many as divide both 32 and the channels."""
    return nn.GroupNorm(math.gcd(MAX_GROUPS, channels), channels)


def conv_norm(
    in_channels: int, out_channels: int, size: int = 3, stride: int = 1, *, act: bool = True
) -> nn.Sequential:
    """Convolution of odd ``size`` that keeps the picture's size but for ``stride``; norm; ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, size, stride, size // 2, bias=False)
    last = (nn.ReLU(inplace=True),) if act else ()
    return nn.Sequential(conv, group_norm(out_channels), *last)
