"""3D points from several calibrated views.

Axes: v views, *b any leading axes (frames, joints). Pixels are undistorted.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

MIN_CONDITION = 1e-10
"""Smallest ratio of the normal matrix's eigenvalues: rays 0.001 degrees apart are one ray."""


def triangulate(
    points_px: Float[Tensor, "v *b 2"],
    projections: Float[Tensor, "v 3 4"],
    weights: Float[Tensor, "v *b"] | None = None,
) -> tuple[Float[Tensor, "*b 3"], Bool[Tensor, "*b"]]:
    """Weighted direct linear transform.

    Each view gives two rows, (u P3 - P1) X = 0 and (v P3 - P2) X = 0 (Hartley and Zisserman,
    "Multiple View Geometry", 12.2), scaled to unit length of their normal, so a row's residual is a
    distance in metres. We solve for the finite point by 3 x 3 normal equations in float64 instead
    of taking a singular vector: its gradient blows up where singular values meet, this one does
    not.

    Args:
        points_px: Undistorted pixels; ignored (any value) where the weight is 0.
        projections: World point to homogeneous pixel, ``Camera.projection_matrix``.
        weights: At least 0, for example detector confidences; None weighs all views alike.

    Returns:
        Points in the world frame, metres (0 where not valid), and valid: at least two views with
        positive weight whose rays are not parallel.
    """
    if weights is None:
        weights = torch.ones_like(points_px[..., 0])
    used = (weights > 0) & points_px.isfinite().all(-1)
    pixels = torch.where(used[..., None], points_px, 0).double()
    P = projections.double().reshape(len(projections), *[1] * (pixels.dim() - 2), 3, 4)
    rows = pixels[..., None] * P[..., 2:, :] - P[..., :2, :]
    rows = rows / rows[..., :3].norm(dim=-1, keepdim=True)
    weighted = rows * torch.where(used, weights, 0).double()[..., None, None]
    normal = torch.einsum("v...ri,v...rk->...ik", weighted[..., :3], rows[..., :3])
    right = -torch.einsum("v...ri,v...r->...i", weighted[..., :3], rows[..., 3])
    with torch.no_grad():
        values = torch.linalg.eigvalsh(normal)
        valid = (used.sum(0) >= 2) & (values[..., 0] > MIN_CONDITION * values[..., 2])
    eye = torch.eye(3, dtype=normal.dtype, device=normal.device)
    points = torch.linalg.solve(torch.where(valid[..., None, None], normal, eye), right)
    return torch.where(valid[..., None], points, 0).to(points_px.dtype), valid


def reprojection_error_px(
    points: Float[Tensor, "*b 3"],
    points_px: Float[Tensor, "v *b 2"],
    projections: Float[Tensor, "v 3 4"],
) -> Float[Tensor, "v *b"]:
    """Pixels between each view's point and the 3D point's projection; infinite behind a view."""
    homogeneous = torch.cat([points, torch.ones_like(points[..., :1])], dim=-1)
    seen = torch.einsum("vrc,...c->v...r", projections, homogeneous)
    in_front = seen[..., 2] > 0
    depth = torch.where(in_front, seen[..., 2], 1)
    error = (seen[..., :2] / depth[..., None] - points_px).norm(dim=-1)
    return torch.where(in_front, error, torch.inf)
