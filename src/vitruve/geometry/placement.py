"""Where a root-relative pose stands in front of the camera.

Axes: *b any leading axes, t frames, j joints. Camera frame, metres; pixels are undistorted.
"""

from dataclasses import astuple, dataclass

import torch
from jaxtyping import Bool, Float, Float64
from scipy.linalg import solveh_banded
from torch import Tensor

from vitruve.geometry.projection import normalise_points

RIDGE = 1e-9
"""Relative to unit-norm columns: it only keeps a pose without evidence solvable."""
MIN_DEPTH_M = 0.1
CORRELATION_S = 0.1
"""How long acceleration stays alike; makes the smoothing independent of the frame rate."""
SPEED_STD_M_S = 10.0
REWEIGHTINGS = 3
BLOCK_FRAMES = 8192
"""Frames whose evidence is held in float64 at a time."""


def place_root(
    joints_rel: Float[Tensor, "*b j 3"],
    keypoints_px: Float[Tensor, "*b j 2"],
    intrinsics: Float[Tensor, "*#b 3 3"],
    weights: Float[Tensor, "*b j"],
) -> Float[Tensor, "*b 3"]:
    """Root position by the full-perspective least squares of MeTRAbs.

    Sarandi, Linder, Arras and Leibe, "MeTRAbs: Metric-Scale Truncation-Robust Heatmaps for Absolute
    3D Human Pose Estimation", T-BIOM 2021, https://arxiv.org/abs/2007.07227. A joint (x, y, z) seen
    at normalised (u, v) asks of the root r that ``[1 0 -u; 0 1 -v] r = (z u - x, z v - y)``.

    We deviate: columns are scaled per sample instead of over the batch, and the ridge is 1e-9
    instead of 1e-2, which would pull every depth towards the camera. Solved in float64,
    differentiable.

    Args:
        joints_rel: Camera axes, metres, relative to the root.
        keypoints_px: Where the joints are seen; any value where the weight is 0.
        intrinsics: Pinhole camera matrix, pixels; broadcasts.
        weights: At least 0. With fewer than two joints of positive weight the result means nothing.

    Returns:
        Root in the camera frame, metres. Bad evidence can put it behind the camera: check z > 0.
    """
    image, rel, w = _evidence(joints_rel, keypoints_px, intrinsics, weights)
    normal, right = _normal_equations(image, rel, w)
    total = w.sum(-1).clamp(min=torch.finfo(w.dtype).tiny)[..., None]
    normal, right = normal / total[..., None], right / total
    size = normal.diagonal(dim1=-2, dim2=-1).clamp(min=1e-12).sqrt()
    eye = torch.eye(3, dtype=normal.dtype, device=normal.device)
    scaled = normal / (size[..., None] * size[..., None, :]) + RIDGE * eye
    return (torch.linalg.solve(scaled, right / size) / size).to(joints_rel.dtype)


@dataclass(frozen=True)
class MotionNoise:
    """What ``place_root_smoothly`` holds against keypoints and motion: standard deviations."""

    keypoint_px: float = 3.0
    """Error of a keypoint of weight 1; the pose's own error, seen in the picture, counts too."""
    acceleration_m_s2: float = 5.0
    """Acceleration across the view, over times of 0.1 s."""
    depth_acceleration_m_s2: float = 3.0
    """Acceleration along the view, over times of 0.1 s."""


def place_root_smoothly(
    joints_rel: Float[Tensor, "t j 3"],
    keypoints_px: Float[Tensor, "t j 2"],
    intrinsics: Float[Tensor, "*#t 3 3"],
    weights: Float[Tensor, "t j"],
    fps: float,
    noise: MotionNoise = MotionNoise(),
    *,
    axes: Float[Tensor, "3 3"] | None = None,
) -> tuple[Float[Tensor, "t 3"], Bool[Tensor, "t"]]:
    """Root trajectory of a clip: ``place_root`` with a prior on how bodies move.

    Frames keep the equations of ``place_root``, weighed by pixel noise; second differences cost
    what Gaussian acceleration would. Depth, of which a frame knows least, is smoothed most. One
    banded float64 system, linear in t, uniformly sampled at ``fps``; not differentiable. Rows of
    ``axes`` (x, y, z if None): across, across and along, so that a fall is no change of depth.

    Returns:
        Root in the camera frame, metres, and valid: False on frames with fewer than two weighted
        joints, which are bridged from their neighbours (zero if there is no evidence at all).

    Raises:
        ValueError: ``fps`` or a standard deviation is not positive.
    """
    if fps <= 0 or min(astuple(noise)) <= 0:
        raise ValueError(f"fps {fps} and every standard deviation of {noise} must be positive")
    valid = (weights > 0).sum(-1) >= 2
    if not valid.any():
        return joints_rel.new_zeros(len(valid), 3), valid
    prior = _motion_prior(len(valid), fps, noise, axes)
    matrices = intrinsics.expand(len(valid), 3, 3)
    evidence = (joints_rel, keypoints_px, matrices, torch.where(valid[:, None], weights, 0))
    blocks = list(zip(*(x.split(BLOCK_FRAMES) for x in evidence), strict=True))
    root = torch.cat([place_root(*block) for block in blocks]).double()
    for _ in range(REWEIGHTINGS):
        parts = zip(root.split(BLOCK_FRAMES), blocks, strict=True)
        equations = [_weighed(now, block, noise) for now, block in parts]
        root = _solve_banded(prior, *(torch.cat(x) for x in zip(*equations, strict=True)))
    return root.to(joints_rel.dtype), valid


def _weighed(
    root: Float64[Tensor, "t 3"], block: tuple[Tensor, Tensor, Tensor, Tensor], noise: MotionNoise
) -> tuple[Float64[Tensor, "t 3 3"], Float64[Tensor, "t 3"]]:
    """Normal equations of some frames; a pixel spans more metres the farther the joint stands."""
    image, rel, w = _evidence(*block)
    focal_px = block[2].diagonal(dim1=-2, dim2=-1)[..., :2].mean(-1, keepdim=True).double()
    depth = (root[:, 2:] + rel[..., 2]).clamp(min=MIN_DEPTH_M)
    return _normal_equations(image, rel, w * (focal_px / noise.keypoint_px / depth) ** 2)


def _evidence(
    joints_rel: Float[Tensor, "*b j 3"],
    keypoints_px: Float[Tensor, "*b j 2"],
    intrinsics: Float[Tensor, "*#b 3 3"],
    weights: Float[Tensor, "*b j"],
) -> tuple[Float64[Tensor, "*b j 2"], Float64[Tensor, "*b j 3"], Float64[Tensor, "*b j"]]:
    """Normalised image points, relative joints and weights in float64; unused entries are 0."""
    used = (weights > 0)[..., None]
    image = normalise_points(torch.where(used, keypoints_px, 0).double(), intrinsics.double())
    rel = torch.where(used, joints_rel, 0).double()
    return torch.where(used, image, 0), rel, torch.where(used[..., 0], weights, 0).double()


def _normal_equations(
    image: Float64[Tensor, "*b j 2"], rel: Float64[Tensor, "*b j 3"], w: Float64[Tensor, "*b j"]
) -> tuple[Float64[Tensor, "*b 3 3"], Float64[Tensor, "*b 3"]]:
    """A^T W A and A^T W b of the rows [1 0 -u], [0 1 -v]."""
    offset = rel[..., 2:] * image - rel[..., :2]
    total, first = w.sum(-1), (w[..., None] * image).sum(-2)
    second = (w * (image * image).sum(-1)).sum(-1)
    nil = torch.zeros_like(total)
    u, v = first.unbind(-1)
    rows = [total, nil, -u, nil, total, -v, -u, -v, second]
    normal = torch.stack(rows, dim=-1).unflatten(-1, (3, 3))
    across = (w[..., None] * offset).sum(-2)
    along = -(w * (image * offset).sum(-1)).sum(-1, keepdim=True)
    return normal, torch.cat([across, along], dim=-1)


def _motion_prior(
    num_frames: int, fps: float, noise: MotionNoise, axes: Float[Tensor, "3 3"] | None
) -> Float64[Tensor, "t 3 3 3"]:
    """Precision of the prior between frames 0, 1 and 2 apart: (frame, frames apart, 3 x 3)."""
    across, along = noise.acceleration_m_s2, noise.depth_acceleration_m_s2
    acceleration = torch.tensor([across, across, along], dtype=torch.float64)
    rows = torch.eye(3, dtype=torch.float64) if axes is None else axes.double()
    bend = fps**3 / CORRELATION_S * rows.T @ torch.diag(acceleration**-2) @ rows
    drift = fps / (CORRELATION_S * SPEED_STD_M_S**2) * torch.eye(3, dtype=torch.float64)
    bands = torch.zeros(num_frames, 3, 3, 3, dtype=torch.float64)
    for weight, stencil in ((bend, (1.0, -2.0, 1.0)), (drift, (1.0, -1.0))):
        count = num_frames - len(stencil) + 1
        for i in range(len(stencil) if count > 0 else 0):
            for k in range(i, len(stencil)):
                bands[i : i + count, k - i] += weight * stencil[i] * stencil[k]
    return bands


def _solve_banded(
    prior: Float64[Tensor, "t 3 3 3"],
    normal: Float64[Tensor, "t 3 3"],
    right: Float64[Tensor, "t 3"],
) -> Float64[Tensor, "t 3"]:
    num_frames = len(right)
    lower = torch.zeros(9, num_frames, 3, dtype=torch.float64)
    for apart in range(3):
        for row in range(3):
            for column in range(3):
                if (below := 3 * apart + row - column) >= 0:
                    lower[below, :, column] += prior[:, apart, row, column]
                    lower[below, :, column] += normal[:, row, column] * (apart == 0)
    bands = min(9, 3 * num_frames)
    solved = solveh_banded(
        lower.flatten(1)[:bands].numpy(), right.flatten().numpy(), lower=True, check_finite=False
    )
    return torch.from_numpy(solved).unflatten(0, (num_frames, 3))
