"""Bounds of the mutual information I(Y; S) of a label Y and features S, learnt from samples.

Minimising what a bound returns raises a lower bound of I(Y; S), in nats.

Barber-Agakov: I(Y; S) >= H(Y) + E log q(Y | S) for any density q; H(Y) is a constant of the data.
Barber, Agakov, "The IM algorithm", NeurIPS 2003,
https://papers.nips.cc/paper/2003/hash/a6ea8471c120fe8cc35a2954c9b9c595-Abstract.html.

InfoNCE: I(Y; S) >= log n - E[cross entropy of finding Y among n candidates, given S].
van den Oord, Li, Vinyals, "Representation learning with contrastive predictive coding", 2018,
https://arxiv.org/abs/1807.03748.

Axes: b batch, t frames, j joints, c channels of the features, n numbers of the label.
"""

import math
from typing import Literal, assert_never

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

Family = Literal["gaussian", "laplace"]
"""Density of the label around its mean, with one scale for all of its numbers."""
LOG_SCALE = (-5.0, 2.0)
"""Bounds of the logarithm of a density's scale, metres."""
INFO_NCE_CHANNELS = 64
"""Features that InfoNCE compares label and features in."""
TEMPERATURE = 0.1
"""InfoNCE divides cosines by it."""


class BarberAgakov(nn.Module):
    """Negative log likelihood of the label under a density whose mean and scale are learnt."""

    def __init__(self, channels: int, size: int, hidden: int, family: Family) -> None:
        super().__init__()
        self.size = size
        self.family: Family = family
        self.density = _mlp(channels, hidden, size + 1)

    def forward(
        self,
        features: Float[Tensor, "b t j c"],
        label: Float[Tensor, "b t j n"],
        valid: Bool[Tensor, "b t j"],
    ) -> Float[Tensor, "b t j"]:
        """-log q(Y | S) of every label."""
        del valid
        mean, log_scale = self.density(features).split([self.size, 1], dim=-1)
        log_scale = log_scale.clamp(*LOG_SCALE)
        distance = (label - mean) / log_scale.exp()
        match self.family:
            case "gaussian":
                surprise = distance.square() / 2 + log_scale + math.log(2 * math.pi) / 2
            case "laplace":
                surprise = distance.abs() + log_scale + math.log(2)
            case _:
                assert_never(self.family)
        return surprise.sum(dim=-1)


class InfoNCE(nn.Module):
    """Cross entropy of finding the label of a joint among those of the other sequences.

    Candidates are the labels of the same frame and joint in the whole batch, so the bound cannot
    exceed the logarithm of the batch size.
    """

    def __init__(self, channels: int, size: int, hidden: int) -> None:
        super().__init__()
        self.of_features = _mlp(channels, hidden, INFO_NCE_CHANNELS)
        self.of_label = _mlp(size, hidden, INFO_NCE_CHANNELS)

    def forward(
        self,
        features: Float[Tensor, "b t j c"],
        label: Float[Tensor, "b t j n"],
        valid: Bool[Tensor, "b t j"],
    ) -> Float[Tensor, "b t j"]:
        """Cross entropy of every label; an invalid one is no candidate of others."""
        s = functional.normalize(self.of_features(features), dim=-1)
        y = functional.normalize(self.of_label(label), dim=-1)
        alike = torch.einsum("btjc,ktjc->btjk", s, y) / TEMPERATURE
        candidate = valid.permute(1, 2, 0) | torch.eye(len(valid)).to(valid)[:, None, None]
        own = alike.diagonal(dim1=0, dim2=3).permute(2, 0, 1)
        return alike.where(candidate, -math.inf).logsumexp(dim=-1) - own


def _mlp(channels: int, hidden: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, out))
