"""Attention over frames that looks back only, over a clip at once or frame by frame.

Axes: n any leading axes, b rows, h heads, t frames, q queries, k keys, c channels of all heads,
d channels of one head.
"""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from vitruve.nets.layers import Attention
from vitruve.nets.ring import Ring


class CausalAttention(Attention):
    """Self-attention of each frame to itself and the ``window - 1`` frames before it.

    A learnt bias by head and age tells how long ago a frame was, so that no code of absolute time
    is needed and clips have any length.
    """

    def __init__(self, channels: int, num_heads: int, qkv_bias: bool, window: int) -> None:
        super().__init__(channels, num_heads, qkv_bias)
        self.window = window
        self.age_bias = nn.Parameter(torch.zeros(num_heads, window))

    def forward(
        self, x: Float[Tensor, "*n t c"], bias: Float[Tensor, "1 #h t t"] | None = None
    ) -> Float[Tensor, "*n t c"]:
        """Let every frame look back; memory grows with the clip, not with its square.

        Raises:
            ValueError: A bias is given, beside its own by age.
        """
        if bias is not None:
            raise ValueError("causal attention has a bias by age and takes no other")
        t, w = x.shape[-2], self.window
        q, k, v = self._project(x)
        first = torch.arange(min(t, w), device=x.device)
        mixed = self._attend(q[:, :, :w], k[:, :, :w], v[:, :, :w], first[:, None] - first)
        if t > w:
            mixed = torch.cat([mixed, self._attend_blockwise(q, k, v)], dim=2)
        return self.proj(mixed.transpose(1, 2).reshape(x.shape))

    def step(self, x: Float[Tensor, "*n c"], past: Ring) -> Float[Tensor, "*n c"]:
        """Answer for one more frame; ``past`` holds this layer's keys and values."""
        q, k, v = self._project(x.unsqueeze(-2))
        past.push(torch.cat([k, v], dim=-1).squeeze(2))
        seen, ages = past.seen()
        k, v = seen.chunk(2, dim=-1)
        # Everything in memory is in the window: no mask, and faster than the fused kernel.
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        mixed = (scores + self.age_bias[:, None, ages]).softmax(dim=-1) @ v
        return self.proj(mixed.reshape(x.shape))

    def _project(self, x: Float[Tensor, "*n t c"]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (b, h, t, d)."""
        t = x.shape[-2]
        qkv = self.qkv(x).reshape(-1, t, 3, self.num_heads, x.shape[-1] // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        return q, k, v

    def _attend_blockwise(
        self, q: Float[Tensor, "b h t d"], k: Float[Tensor, "b h t d"], v: Float[Tensor, "b h t d"]
    ) -> Float[Tensor, "b h q d"]:
        """Frames from ``window`` on, in blocks of as many; a block sees itself and the last."""
        b, _, t, _ = q.shape
        w = self.window
        missing = -t % w
        q, k, v = (functional.pad(y, (0, 0, 0, missing)) for y in (q, k, v))
        q = q[:, :, w:].unflatten(2, (-1, w))
        k, v = (y.unfold(2, 2 * w, w).transpose(-1, -2) for y in (k, v))
        q, k, v = (y.transpose(1, 2).flatten(0, 1) for y in (q, k, v))
        at = torch.arange(2 * w, device=q.device)
        mixed = self._attend(q, k, v, at[w:, None] - at)
        return mixed.unflatten(0, (b, -1)).transpose(1, 2).flatten(2, 3)[:, :, : t - w]

    def _attend(
        self,
        q: Float[Tensor, "b h q d"],
        k: Float[Tensor, "b h k d"],
        v: Float[Tensor, "b h k d"],
        ages: Int64[Tensor, "q k"],
    ) -> Float[Tensor, "b h q d"]:
        """Attend to the keys whose age lies in the window."""
        bias = self.age_bias[:, ages.clamp(0, self.window - 1)]
        bias = bias.where((ages >= 0) & (ages < self.window), -math.inf)
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
