"""How well one number tells two groups apart: shares from 0 to 1, 0.5 where it knows nothing.

Axes: m and n values of either group.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def auroc(low: Float[Tensor, "m"], high: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """Share of all pairs of both groups in which the value of ``high`` is higher; ties are half.

    This is the area under the ROC curve of a threshold between them, counted by ranks (the U of
    Mann and Whitney). NaN where a group is empty or a value is NaN.
    """
    values, place, count = (
        torch.cat([low, high]).double().unique(return_inverse=True, return_counts=True)
    )
    m, n = len(low), len(high)
    if not m or not n or values.isnan().any():
        return torch.tensor(torch.nan, dtype=torch.float64)
    # Equal values share the mean of their ranks.
    ranks = (count.cumsum(0) - (count - 1).double() / 2)[place]
    return (ranks[m:].sum() - n * (n + 1) / 2) / (m * n)


def paired_accuracy(low: Float[Tensor, "n"], high: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """Share of places at which ``high`` is the higher of the two; ties are half.

    NaN where there is none or a value is NaN.
    """
    if low.isnan().any() or high.isnan().any():
        return torch.tensor(torch.nan, dtype=torch.float64)
    return ((high > low).double() + (high == low).double() / 2).mean()
