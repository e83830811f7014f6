"""Where MeTRAbs places a pose: its two least squares, as published.

Sarandi, Linder, Arras and Leibe, "MeTRAbs: Metric-Scale Truncation-Robust Heatmaps for Absolute 3D
Human Pose Estimation", T-BIOM 2021, https://arxiv.org/abs/2007.07227. A joint (x, y, z) seen at
normalised (u, v) asks of the root r that ``[1 0 -u; 0 1 -v] r = (z u - x, z v - y)``. Their ridge
draws the root towards the camera, which ``placement.place_root`` avoids; but it holds a net that
has learnt nothing yet, of which there is no other sound place.

Axes: *b any leading axes, j joints. Camera frame, metres; pixels are undistorted.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.projection import normalise_points

RIDGE = 1e-2
UNSEEN_WEIGHT = 1e-4
"""Of joints outside the field of view, whose 2D place is a guess."""
_LEAST = 1e-6


def place_by_ridge(
    joints_rel: Float[Tensor, "*b j 3"],
    points_px: Float[Tensor, "*b j 2"],
    intrinsics: Float[Tensor, "*#b 3 3"],
    seen: Bool[Tensor, "*b j"],
) -> Float[Tensor, "*b 3"]:
    """Full perspective ("strong" in the paper), differentiable, solved in float64.

    We deviate: the third column is scaled by the root mean square of the sample's own points; the
    published code takes that of the batch.
    """
    uv = normalise_points(points_px.double(), intrinsics.double())
    rel = joints_rel.double()
    weights = (seen.double() + UNSEEN_WEIGHT).square()
    size = uv.square().mean((-2, -1)).sqrt().clamp(min=_LEAST)
    column = -uv / size[..., None, None]
    right = rel[..., 2:] * uv - rel[..., :2]
    total = weights.sum(-1)
    across = (weights[..., None] * column).sum(-2)
    along = (weights * column.square().sum(-1)).sum(-1)
    normal = torch.zeros(*total.shape, 3, 3, dtype=torch.float64, device=total.device)
    normal[..., 0, 0] = normal[..., 1, 1] = total
    normal[..., :2, 2] = normal[..., 2, :2] = across
    normal[..., 2, 2] = along
    ridge = RIDGE * torch.eye(3, dtype=torch.float64, device=total.device)
    moments = (weights[..., None] * right).sum(-2)
    depth = (weights[..., None] * column * right).sum((-2, -1))
    root = torch.linalg.solve(normal + ridge, torch.cat([moments, depth[..., None]], dim=-1))
    scale = torch.stack([torch.ones_like(size), torch.ones_like(size), size], dim=-1)
    return (root / scale).to(joints_rel.dtype)


def place_by_size(
    joints_rel: Float[Tensor, "*b j 3"],
    points_px: Float[Tensor, "*b j 2"],
    intrinsics: Float[Tensor, "*#b 3 3"],
    seen: Bool[Tensor, "*b j"],
) -> Float[Tensor, "*b 3"]:
    """Weak perspective: the depth at which the pose is as large as it is seen; for first steps."""
    uv = normalise_points(points_px.double(), intrinsics.double())
    rel = joints_rel.double()
    weights = (seen.double() + UNSEEN_WEIGHT)[..., None]
    total = weights.sum(-2)
    middle_uv = (weights * uv).sum(-2) / total
    middle = (weights * rel).sum(-2) / total
    spread_uv = (weights * (uv - middle_uv[..., None, :]).square()).sum((-2, -1))
    offset = (rel - middle[..., None, :])[..., :2]
    spread = (weights * offset.square()).sum((-2, -1))
    depth = (spread / spread_uv.clamp(min=_LEAST**2)).clamp(min=_LEAST).sqrt()[..., None]
    root = torch.cat([middle_uv * depth, depth], dim=-1) - middle
    return root.to(joints_rel.dtype)
