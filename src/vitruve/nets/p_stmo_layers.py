"""What P-STMO's lifter and its masked pre-training share: the same names, so weights carry over.

Shan, Liu, Zhang, Wang, Ma, Gao, "P-STMO: pre-trained spatial temporal many-to-one model for 3D
human pose estimation", ECCV 2022, https://arxiv.org/abs/2203.07628.

Axes: b batch, t frames, k keypoints, c channels of the input, w of a token.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.layers import Attention
from vitruve.nets.renaming import Rules

_SLOTS = {"w1": "0", "batch_norm1": "1", "w2": "4", "batch_norm2": "5", "fc_1": "0", "bn_1": "1"}
_QKV = ("query", "key", "value", "proj")
ENCODER_RULES: Rules = {
    r"encoder\.(fc_1|bn_1)\.": lambda m: f"frames.embed.{_SLOTS[m[1]]}.",
    r"encoder\.layers\.0\.(w[12]|batch_norm[12])\.": lambda m: f"frames.residual.{_SLOTS[m[1]]}.",
    r"encoder\.fc_2\.": "frames.out.",
    r"Transformer\.pos_embedding$": "encoder.position",
}
"""Rules of the published names for ``FrameEncoder`` and the position of ``TemporalEncoder``."""
HEAD_PARTS = {"0": "norm", "1": "out"}
"""Published slots of ``FrameHead``."""


def layer_rules(published: str, ours: str) -> Rules:
    """Rules for the layers of one published transformer; its last norm is saved and never used."""
    layer = rf"{published}\.model\.layers\.(\d+)\."
    return {
        rf"{layer}self_attn\.linears\.([0-3])\.": lambda m: (
            f"{ours}.{m[1]}.attn.{_QKV[int(m[2])]}."
        ),
        rf"{layer}sublayer\.([01])\.norm\.([ab])_2$": lambda m: (
            f"{ours}.{m[1]}.norm{int(m[2]) + 1}.{'weight' if m[3] == 'a' else 'bias'}"
        ),
        rf"{layer}feed_forward\.w_([12])\.": lambda m: f"{ours}.{m[1]}.fc{m[2]}.",
        rf"{published}\.model\.norm\.": None,
    }


def join_projections(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Stack the query, key and value projections, published apart, into one of ours."""
    joined = dict(state)
    for key in state:
        names = [key.replace(".attn.query.", f".attn.{part}.") for part in _QKV[:3]]
        # With a part missing nothing is stacked, and loading names what does not fit.
        if ".attn.query." in key and all(name in joined for name in names):
            parts = [joined.pop(name) for name in names]
            joined[key.replace(".attn.query.", ".attn.qkv.")] = torch.cat(parts)
    return joined


class StdNorm(nn.Module):
    """Layer norm by the unbiased standard deviation, with the epsilon added to it."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Float[Tensor, "*b c"]) -> Float[Tensor, "*b c"]:
        """Centre and scale each token."""
        std, mean = torch.std_mean(x, dim=-1, keepdim=True)
        return self.weight * (x - mean) / (std + self.eps) + self.bias


class FrameEncoder(nn.Module):
    """One token for each frame, from the coordinates of its keypoints alone."""

    def __init__(self, features: int, channels: int, dropout: float) -> None:
        super().__init__()
        wide = 2 * channels
        self.embed = nn.Sequential(*_conv_block(features, wide, dropout))
        self.residual = nn.Sequential(
            *_conv_block(wide, wide, dropout), *_conv_block(wide, wide, dropout)
        )
        self.out = nn.Conv1d(wide, channels, 1)

    def forward(self, keypoints: Float[Tensor, "b t k c"]) -> Float[Tensor, "b t w"]:
        """Embed each frame by itself."""
        x = self.embed(keypoints.flatten(2).transpose(1, 2))
        return self.out(x + self.residual(x)).transpose(1, 2)


class TemporalLayer(nn.Module):
    """Pre-norm transformer layer with ReLU; ``dropout`` is of every part."""

    def __init__(self, channels: int, hidden: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = StdNorm(channels)
        self.attn = Attention(channels, num_heads, dropout=dropout)
        self.norm2 = StdNorm(channels)
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "b t w"]) -> Float[Tensor, "b t w"]:
        """Attend along the frames, then map each."""
        x = x + self.dropout(self.attn(self.norm1(x)))
        y = self.fc2(self.dropout(self.fc1(self.norm2(x)).relu()))
        return x + self.dropout(y)


class TemporalEncoder(nn.Module):
    """Attention over all frames of the window, or over those that are not masked."""

    def __init__(self, num_frames: int, channels: int, layers: list[TemporalLayer]) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(1, num_frames, channels))
        self.layers = nn.ModuleList(layers)

    def forward(
        self, x: Float[Tensor, "b t w"], kept: Tensor | None = None
    ) -> Float[Tensor, "b tkept w"]:
        """Add the positions, take the frames of indices ``kept``, let them attend."""
        x = x + self.position
        if kept is not None:
            x = x[:, kept]
        for layer in self.layers:
            x = layer(x)
        return x


class FrameHead(nn.Module):
    """Batch norm and a linear map: ``size`` numbers for each of some points, frame by frame."""

    def __init__(self, channels: int, num_points: int, size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.out = nn.Conv1d(channels, num_points * size, 1)
        self.size = size

    def forward(self, x: Float[Tensor, "b t w"]) -> Float[Tensor, "b t points size"]:
        """Read the points off each token."""
        x = self.out(self.norm(x.transpose(1, 2)))
        return x.transpose(1, 2).unflatten(2, (-1, self.size))


def _conv_block(in_channels: int, out_channels: int, dropout: float) -> list[nn.Module]:
    return [
        nn.Conv1d(in_channels, out_channels, 1),
        nn.BatchNorm1d(out_channels),
        nn.LeakyReLU(0.2),
        nn.Dropout(dropout),
    ]
