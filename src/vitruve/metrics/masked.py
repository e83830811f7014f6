"""The one reduction of every metric: a mean over what is valid, NaN where nothing is."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

MM_PER_M = 1000.0


def masked_mean(
    values: Float[Tensor, "..."],
    valid: Bool[Tensor, "..."] | None = None,
    dims: tuple[int, ...] = (),
) -> Float[Tensor, "..."]:
    """Mean of ``values`` where ``valid``, in float64.

    Args:
        values: Any shape; what stands where ``valid`` is False has no influence, NaN included.
        valid: Of the same shape; None counts everything.
        dims: Axes to average over; none named means all of them.

    Returns:
        The mean, NaN where nothing is valid.
    """
    dims = dims or tuple(range(values.ndim))
    if valid is None:
        valid = torch.ones_like(values, dtype=torch.bool)
    total = torch.where(valid, values.double(), 0).sum(dims)
    return total / valid.sum(dims)
