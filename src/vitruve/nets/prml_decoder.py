"""Task-aware decoder of PrML: each task takes what the other has learnt, without mixing with it.

"PrML: progressive multi-task learning for monocular 3D human pose estimation", anonymous
submission, section 4.3, equations 2 and 3.

The paper leaves three things open. Attention is among the joints of a frame; its inner width is
that of the support features (2c), and an MLP follows, which the published number of parameters
asks for. Without coarse alignment the shared features are the plain mean of both tasks. A task
without a bias gets zeros in its place, so that all widths stay.

Axes: b batch, t frames, j joints (one token each), c channels, d support channels (2c).
"""

from typing import Any, Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.layers import Mlp, attend

Bias = Literal["gaussian", "laplace", "none"]
"""Distribution a task bias starts from, of unit variance; or no bias."""


class TaskAwareDecoder(nn.Module):
    """Coarse alignment to shared features, then one cross-attention block for each task."""

    def __init__(self, config: Any) -> None:
        """Build from a ``PrMLConfig``."""
        super().__init__()
        c = config.channels
        self.align = nn.Linear(2 * c, 2) if config.align else None
        frames = () if config.causal else (config.num_frames,)
        shape = (*frames, config.num_joints, c)
        self.bias_2d = _bias(config.bias_2d, shape, config.learn_bias)
        self.bias_depth = _bias(config.bias_depth, shape, config.learn_bias)
        self.complement_2d = _CrossBlock(c, config.num_heads, config.mlp_ratio)
        self.complement_depth = _CrossBlock(c, config.num_heads, config.mlp_ratio)

    def forward(
        self, pose_2d: Float[Tensor, "b t j c"], depth: Float[Tensor, "b t j c"]
    ) -> tuple[Float[Tensor, "b t j c"], Float[Tensor, "b t j c"], list[Tensor]]:
        """Complement the features of both tasks.

        Returns:
            The enhanced 2D pose and depth features; the support features (b t j d) of both.
        """
        if self.align is None:
            shared = (pose_2d + depth) / 2
        else:
            theta = self.align(torch.cat([pose_2d, depth], dim=-1)).softmax(dim=-1)
            shared = theta[..., :1] * pose_2d + theta[..., 1:] * depth  # Eq. (2)
        supports = [
            torch.cat([shared, bias.expand_as(shared)], dim=-1)
            for bias in (self.bias_2d, self.bias_depth)
        ]
        pose_2d = self.complement_2d(pose_2d, supports[0])  # Eq. (3)
        depth = self.complement_depth(depth, supports[1])  # Eq. (3)
        return pose_2d, depth, supports


class _CrossBlock(nn.Module):
    """Pre-norm block whose queries are the task's features, keys and values its support."""

    def __init__(self, channels: int, num_heads: int, mlp_ratio: float) -> None:
        super().__init__()
        inner = 2 * channels
        self.num_heads = num_heads
        self.norm_query = nn.LayerNorm(channels, eps=1e-6)
        self.norm_support = nn.LayerNorm(inner, eps=1e-6)
        self.query = nn.Linear(channels, inner, bias=False)
        self.key_value = nn.Linear(inner, 2 * inner, bias=False)
        self.proj = nn.Linear(inner, channels)
        self.norm_mlp = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = Mlp(channels, int(channels * mlp_ratio))

    def forward(
        self, x: Float[Tensor, "b t j c"], support: Float[Tensor, "b t j d"]
    ) -> Float[Tensor, "b t j c"]:
        support = self.norm_support(support)
        q, k, v = (
            y.flatten(0, 1).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for y in (self.query(self.norm_query(x)), *self.key_value(support).chunk(2, dim=-1))
        )
        mixed = attend(q, k, v)
        x = x + self.proj(mixed.transpose(1, 2).reshape(support.shape))
        return x + self.mlp(self.norm_mlp(x))


def _bias(kind: Bias, shape: tuple[int, ...], learnable: bool) -> Tensor:
    """A parameter, or a buffer's tensor, of the asked distribution."""
    match kind:
        case "none":
            return nn.Buffer(torch.zeros(shape))
        case "gaussian":
            values = torch.randn(shape)
        case "laplace":
            # The difference of two exponentials; its variance of 2 is brought to 1.
            one, other = torch.empty(2, *shape).exponential_().unbind()
            values = (one - other) / 2**0.5
        case _:
            assert_never(kind)
    return nn.Parameter(values) if learnable else nn.Buffer(values)
