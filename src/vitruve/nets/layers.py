"""Blocks that the transformer lifters share, with the names their published weights use.

Vaswani et al., "Attention is all you need", NeurIPS 2017, https://arxiv.org/abs/1706.03762, in the
pre-norm order of Dosovitskiy et al., ICLR 2021, https://arxiv.org/abs/2010.11929.

Axes: b any leading axes, n tokens that attend to each other, c channels.
"""

from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

_CODE_STD = 0.25
_SHARPNESS = 2.3
_FEW_TOKENS = 48
"""Joints of a frame, frames of a short clip."""


class Attention(nn.Module):
    """Multi-head self-attention over the second last axis; softmax(q k' / sqrt(d)) v."""

    def __init__(
        self, channels: int, num_heads: int, qkv_bias: bool = True, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f"{channels} channels do not divide among {num_heads} heads")
        self.num_heads = num_heads
        self.dropout = dropout
        """Share of the softmax's weights dropped in training."""
        self.qkv = nn.Linear(channels, 3 * channels, bias=qkv_bias)
        self.proj = nn.Linear(channels, channels)

    def forward(
        self, x: Float[Tensor, "*b n c"], bias: Float[Tensor, "1 #h n n"] | None = None
    ) -> Float[Tensor, "*b n c"]:
        """Let every token look at every other of its row; ``bias`` is added to the logits."""
        *_, n, c = x.shape
        qkv = self.qkv(x).reshape(-1, n, 3, self.num_heads, c // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = attend(q, k, v, self.dropout if self.training else 0.0, bias)
        return self.proj(mixed.transpose(1, 2).reshape(x.shape))


def attend(
    q: Float[Tensor, "*b h n d"],
    k: Float[Tensor, "*b h m d"],
    v: Float[Tensor, "*b h m d"],
    dropout: float = 0.0,
    bias: Float[Tensor, "1 #h n m"] | None = None,
) -> Float[Tensor, "*b h n d"]:
    """Softmax(q k' / sqrt(d) + bias) v: what ``n`` tokens take from ``m`` others, in every head.

    ``dropout`` is the share of the softmax's weights that is dropped at random.
    The fused kernel is the faster one everywhere but on CPUs among few tokens, in bfloat16, with
    dropout or under a bias that learns, where two plain products are, and by far in training.
    """
    learns = bias is not None and bias.requires_grad
    plain = k.shape[-2] <= _FEW_TOKENS or q.dtype == torch.bfloat16 or dropout > 0 or learns
    if q.device.type == "cpu" and plain:
        logits = q @ k.mT * q.shape[-1] ** -0.5
        weights = (logits if bias is None else logits + bias.to(q)).softmax(dim=-1)
        return functional.dropout(weights, dropout) @ v
    mask = None if bias is None else bias.to(q)
    return functional.scaled_dot_product_attention(q, k, v, mask, dropout)


@torch.no_grad()
def tell_joints_apart(codes: nn.Parameter, over_joints: Iterable[Any]) -> None:
    """Start a net so that every joint looks at joints of its own from the first step on.

    Ours. Published nets start joint codes at zero or nearly so, and attention about uniform: every
    joint is then told the mean of all of them. As depth asks which joint is where, training waits,
    with the depth at its mean, for codes to grow. Here codes are as large as what a keypoint is
    embedded to, and queries and keys are drawn so that each head starts with few joints of each
    joint's own (softmax of logits with a standard deviation of about ``_SHARPNESS`` squared).

    Args:
        codes: What is added to the token of each joint.
        over_joints: The attentions among the joints of a frame; each reads normalised tokens.
    """
    nn.init.normal_(codes, std=_CODE_STD)
    for attention in over_joints:
        channels = attention.qkv.in_features
        nn.init.normal_(attention.qkv.weight[: 2 * channels], std=_SHARPNESS / channels**0.5)


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between them."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)

    def forward(self, x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
        """Map each token by itself."""
        return self.fc2(functional.gelu(self.fc1(x)))


class DropPath(nn.Module):
    """Drops a residual branch for whole samples in training (Huang et al., ECCV 2016)."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Float[Tensor, "b *n c"]) -> Float[Tensor, "b *n c"]:
        """Zero the branch of some samples and scale up the others; nothing in evaluation."""
        if not self.training or self.probability == 0.0:
            return x
        keep = 1.0 - self.probability
        shape = (x.shape[0],) + (1,) * (x.ndim - 1)
        return x * torch.empty(shape, dtype=x.dtype, device=x.device).bernoulli_(keep) / keep


class Block(nn.Module):
    """Pre-norm transformer encoder: x + attention(norm(x)), then x + mlp(norm(x))."""

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
        self.norm1 = nn.LayerNorm(channels, eps=eps)
        self.attn = Attention(channels, num_heads, qkv_bias)
        self.norm2 = nn.LayerNorm(channels, eps=eps)
        self.mlp = Mlp(channels, int(channels * mlp_ratio))
        self.drop_path = DropPath(drop_path)

    def forward(
        self, x: Float[Tensor, "b *n c"], bias: Float[Tensor, "1 #h m m"] | None = None
    ) -> Float[Tensor, "b *n c"]:
        """Attend along the second last axis, then map each token."""
        # Callers hand over transposed views: one copy here spares one in every norm and sum.
        x = x.contiguous()
        x = x + self.drop_path(self.attn(self.norm1(x), bias))
        return x + self.drop_path(self.mlp(self.norm2(x)))


def check_tokens(config: Any) -> None:
    """Refuse sizes that a net with one token per joint cannot have.

    Args:
        config: With ``num_keypoints``, ``num_joints``, ``channels`` and ``num_heads``.

    Raises:
        ValueError: Keypoints and joints differ in number, or heads do not divide the channels.
    """
    name = type(config).__name__
    if config.num_keypoints != config.num_joints:
        raise ValueError(
            f"{name}: one token per joint needs as many keypoints as joints, got "
            f"{config.num_keypoints} and {config.num_joints}; convert the keypoints first"
        )
    if config.channels % config.num_heads:
        raise ValueError(
            f"{name}: {config.channels} channels do not divide among {config.num_heads} heads"
        )
