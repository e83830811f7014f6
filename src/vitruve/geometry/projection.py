"""Perspective projection with OpenCV lens distortion, and its inverse.

Axes: *b any leading axes (they broadcast), j points, ``terms`` 5, 8 or 12 distortion terms in
OpenCV order k1 k2 p1 p2 k3 [k4 k5 k6 [s1 s2 s3 s4]]. Camera frame x right, y down, z forward,
metres; pixel centres at .5. "Normalised" points are (x / z, y / z): the image plane at distance 1.

Source of the model: OpenCV documentation, "Camera Calibration and 3D Reconstruction".
"""

import torch
from jaxtyping import Float
from torch import Tensor

MIN_DEPTH_M = 1e-2
"""Points nearer than this, or behind the camera, are projected as if they stood at this depth."""
NEWTON_STEPS = 30
CONVERGED = 1e-13


def project(
    points_cam: Float[Tensor, "*#b j 3"],
    intrinsics: Float[Tensor, "*#b 3 3"],
    distortion: Float[Tensor, "*#b terms"] | None = None,
) -> Float[Tensor, "*b j 2"]:
    """Pixels of camera-frame points.

    Depth is clamped to ``MIN_DEPTH_M``, so points behind the camera stay finite and land far
    outside the picture on their own side of it; they are no image points, mask them by depth.

    Raises:
        ValueError: The distortion has not 5, 8 or 12 terms.
    """
    depth = points_cam[..., 2:].clamp(min=MIN_DEPTH_M)
    normalised = points_cam[..., :2] / depth
    if distortion is not None:
        normalised = distort(normalised, distortion)
    return _pixels(normalised, intrinsics)


def normalise_points(
    points_px: Float[Tensor, "*#b j 2"],
    intrinsics: Float[Tensor, "*#b 3 3"],
    distortion: Float[Tensor, "*#b terms"] | None = None,
) -> Float[Tensor, "*b j 2"]:
    """Normalised, undistorted points of pixels: K^-1 and the inverse lens.

    Raises:
        ValueError: The distortion has not 5, 8 or 12 terms.
    """
    K = intrinsics
    offset = points_px - K[..., None, :2, 2]
    y = offset[..., 1] / K[..., 1, 1, None]
    x = (offset[..., 0] - K[..., 0, 1, None] * y) / K[..., 0, 0, None]
    normalised = torch.stack([x, y], dim=-1)
    return normalised if distortion is None else undistort(normalised, distortion)


def back_project(
    points_px: Float[Tensor, "*#b j 2"],
    depth: Float[Tensor, "*#b j"],
    intrinsics: Float[Tensor, "*#b 3 3"],
    distortion: Float[Tensor, "*#b terms"] | None = None,
) -> Float[Tensor, "*b j 3"]:
    """Camera-frame points, metres, that stand at ``depth`` (z, metres) behind pixels.

    Raises:
        ValueError: The distortion has not 5, 8 or 12 terms.
    """
    normalised = normalise_points(points_px, intrinsics, distortion)
    return torch.cat([normalised, torch.ones_like(normalised[..., :1])], dim=-1) * depth[..., None]


def undistort_px(
    points_px: Float[Tensor, "*#b j 2"],
    intrinsics: Float[Tensor, "*#b 3 3"],
    distortion: Float[Tensor, "*#b terms"],
) -> Float[Tensor, "*b j 2"]:
    """Pixels that the same camera without lens distortion would have seen.

    Raises:
        ValueError: The distortion has not 5, 8 or 12 terms.
    """
    normalised = normalise_points(points_px, intrinsics, distortion)
    return _pixels(normalised, intrinsics)


def _pixels(
    normalised: Float[Tensor, "*#b j 2"], intrinsics: Float[Tensor, "*#b 3 3"]
) -> Float[Tensor, "*b j 2"]:
    """K of a point, written out: autocast would round a matrix product by whole pixels."""
    turned = intrinsics[..., None, :2, :2] * normalised[..., None, :]
    return turned.sum(-1) + intrinsics[..., None, :2, 2]


def distort(
    points: Float[Tensor, "*#b j 2"], distortion: Float[Tensor, "*#b terms"]
) -> Float[Tensor, "*b j 2"]:
    """Bend normalised points as the lens does.

    Raises:
        ValueError: The distortion has not 5, 8 or 12 terms.
    """
    k1, k2, p1, p2, k3, *more = _terms(distortion)
    x, y = points.unbind(-1)
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    if more:
        k4, k5, k6 = more[:3]
        radial = radial / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    bent_x = x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    bent_y = y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    if len(more) > 3:
        s1, s2, s3, s4 = more[3:]
        bent_x, bent_y = bent_x + r2 * (s1 + r2 * s2), bent_y + r2 * (s3 + r2 * s4)
    return torch.stack([bent_x, bent_y], dim=-1)


def undistort(
    points: Float[Tensor, "*#b j 2"], distortion: Float[Tensor, "*#b terms"]
) -> Float[Tensor, "*b j 2"]:
    """Normalised points that ``distort`` takes to ``points``.

    Damped Newton steps in float64 reach 1e-9 wherever the lens model is invertible, which is the
    calibrated range of a sane lens. Beyond it (a bent radius no straight ray reaches) the result is
    the finite point that came closest. Differentiable by the implicit function theorem.

    Raises:
        ValueError: The distortion has not 5, 8 or 12 terms.
    """
    bent, terms = points.double(), distortion.double()
    with torch.no_grad():
        straight = _newton(bent, terms)
        jacobian = _jacobian(straight, terms)
    # At the solution this step is zero in value and carries the exact first derivative.
    step = _solve(jacobian, bent - distort(straight, terms))
    return (straight + step).to(points.dtype)


def _terms(distortion: Float[Tensor, "*b terms"]) -> list[Float[Tensor, "*b 1"]]:
    num_terms = distortion.shape[-1]
    if num_terms not in {5, 8, 12}:
        raise ValueError(
            f"distortion has {num_terms} terms; OpenCV's k1 k2 p1 p2 k3 [k4 k5 k6 [s1 s2 s3 s4]] "
            "are 5, 8 or 12: pad with zeros"
        )
    return list(distortion[..., None, :].unbind(-1))


def _jacobian(
    points: Float[Tensor, "*b j 2"], terms: Float[Tensor, "*#b terms"]
) -> Float[Tensor, "*b j 2 2"]:
    """Derivative of ``distort`` by central differences: 1e-10 exact, which is all Newton needs."""
    step = 1e-5
    axes = step * torch.eye(2, dtype=points.dtype, device=points.device)
    shifts = torch.cat([axes, -axes]).view(4, *[1] * (points.ndim - 1), 2)
    # One call for all shifts: on few points calls cost more than arithmetic.
    right, left = distort(points + shifts, terms).split(2)
    return ((right - left) / (2 * step)).movedim(0, -1)


def _solve(
    matrix: Float[Tensor, "*b j 2 2"], right: Float[Tensor, "*b j 2"]
) -> Float[Tensor, "*b j 2"]:
    """Cramer's rule, zero where the matrix is singular."""
    det = _determinant(matrix)
    x = right[..., 0] * matrix[..., 1, 1] - right[..., 1] * matrix[..., 0, 1]
    y = right[..., 1] * matrix[..., 0, 0] - right[..., 0] * matrix[..., 1, 0]
    return torch.stack([x, y], dim=-1) * torch.where(det == 0, 0, 1 / det)[..., None]


def _determinant(matrix: Float[Tensor, "*b j 2 2"]) -> Float[Tensor, "*b j"]:
    """Written out: a factorisation of each matrix takes many times as long."""
    return matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]


def _newton(
    bent: Float[Tensor, "*#b j 2"], terms: Float[Tensor, "*#b terms"]
) -> Float[Tensor, "*b j 2"]:
    point = bent.expand_as(distort(bent, terms))
    residual, jacobian = distort(point, terms) - bent, _jacobian(point, terms)
    damping = torch.ones_like(point[..., :1])
    for _ in range(NEWTON_STEPS):
        trial = point - damping * _solve(jacobian, residual)
        trial_residual, trial_jacobian = distort(trial, terms) - bent, _jacobian(trial, terms)
        closer = trial_residual.norm(dim=-1) < residual.norm(dim=-1)
        # A folded lens (negative determinant) maps two rays to one pixel: stay on the inner branch.
        better = (closer & (_determinant(trial_jacobian) > 0))[..., None]
        point = torch.where(better, trial, point)
        residual = torch.where(better, trial_residual, residual)
        jacobian = torch.where(better[..., None], trial_jacobian, jacobian)
        damping = torch.where(better, (2 * damping).clamp(max=1), damping / 2)
        if residual.abs().max() < CONVERGED:
            break
    return point
