"""Rigid and similarity alignment of point sets.

Axes: *b any leading axes, j points. Any unit, the same for both sets.
"""

from typing import cast

import roma
import torch
from jaxtyping import Bool, Float
from torch import Tensor

DEGENERATE = 1e-12
"""Mean squared distance from the centre, in squared units, below which a set is a single point."""


def similarity(
    source: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    weights: Float[Tensor, "*b j"] | None = None,
    *,
    scale: bool = True,
) -> tuple[Float[Tensor, "*b"], Float[Tensor, "*b 3 3"], Float[Tensor, "*b 3"]]:
    """Scale, rotation and translation with least weighted square error ``s R source + t - target``.

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    TPAMI 1991. Reflections are excluded. Solved in float64, differentiable. A set that is a single
    point, or has no weight, has no orientation: the answer then is scale 1, no rotation, centre
    onto centre (no weight: no translation either).

    Returns:
        Scale (1 unless ``scale``), rotation, translation.
    """
    x, y = source.double(), target.double()
    w = torch.ones_like(x[..., 0]) if weights is None else weights.double()
    share = (w / w.sum(-1, keepdim=True).clamp(min=torch.finfo(w.dtype).tiny))[..., None]
    keep = share > 0
    x, y = torch.where(keep, x, 0), torch.where(keep, y, 0)
    x_centre, y_centre = (share * x).sum(-2), (share * y).sum(-2)
    x = torch.where(keep, x - x_centre[..., None, :], 0)
    y = torch.where(keep, y - y_centre[..., None, :], 0)
    x_spread, y_spread = (share * x * x).sum((-2, -1)), (share * y * y).sum((-2, -1))
    point = (x_spread < DEGENERATE) | (y_spread < DEGENERATE)
    eye = torch.eye(3, dtype=x.dtype, device=x.device)
    # Unit spreads keep roma's damping of ill-posed gradients independent of the unit.
    unit = torch.where(point, 1, x_spread * y_spread).sqrt()
    moment = torch.where(point[..., None, None], eye, (share * y).mT @ x / unit[..., None, None])
    rotation = cast(Tensor, roma.special_procrustes(moment))
    factor = torch.ones_like(x_spread)
    if scale:
        overlap = (rotation * moment).sum((-2, -1)) * unit
        factor = torch.where(point, 1, overlap / torch.where(point, 1, x_spread))
    moved = (rotation @ x_centre[..., None])[..., 0] * factor[..., None]
    translation = y_centre - moved
    return factor.to(source.dtype), rotation.to(source.dtype), translation.to(source.dtype)


def procrustes_align(
    source: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    valid: Bool[Tensor, "*b j"] | None = None,
    *,
    scale: bool = True,
) -> Float[Tensor, "*b j 3"]:
    """``source`` after the similarity (or rigid motion) that fits valid points of ``target``."""
    weights = None if valid is None else valid.to(source.dtype)
    factor, rotation, translation = similarity(source, target, weights, scale=scale)
    return factor[..., None, None] * (source @ rotation.mT) + translation[..., None, :]


def scale_align(
    source: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> Float[Tensor, "*b j 3"]:
    """``source`` times the one factor per pose, about the origin, that fits ``target`` best.

    The optimum is <source, target> / <source, source>; give both relative to their root. A source
    that is all zero is returned as it came.
    """
    x, y = source.double(), target.double()
    if valid is not None:
        x, y = (torch.where(valid[..., None], v, 0) for v in (x, y))
    energy = (x * x).sum((-2, -1), keepdim=True)
    factor = (x * y).sum((-2, -1), keepdim=True) / torch.where(energy > 0, energy, 1)
    return source * torch.where(energy > 0, factor, 1).to(source.dtype)
