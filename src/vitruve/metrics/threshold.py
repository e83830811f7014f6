"""Shares of joints or poses whose error stays under a threshold, percent.

Joints come in metres, root-relative or not as the protocol asks; pick its joints before calling.

Axes: *b any leading axes, j joints, k keypoints.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.metrics.masked import masked_mean
from vitruve.metrics.position import joint_error_mm


def pck(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    valid: Bool[Tensor, "*b j"] | None = None,
    *,
    threshold_mm: float = 150.0,
) -> Float[Tensor, ""]:
    """Percentage of joints strictly nearer than the threshold (Mehta et al., 3DV 2017)."""
    near = joint_error_mm(predicted, target) < threshold_mm
    return 100 * masked_mean(near.double(), valid)


def auc(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    valid: Bool[Tensor, "*b j"] | None = None,
    *,
    max_mm: float = 150.0,
    steps: int = 31,
) -> Float[Tensor, ""]:
    """Mean PCK over ``steps`` thresholds from 0 to ``max_mm``, percent.

    The published thresholds 0, 5, ... 150 mm hold the impossible one, 0, so that a perfect
    prediction scores 30/31 = 96.77.
    """
    error = joint_error_mm(predicted, target)
    thresholds = torch.linspace(0, max_mm, steps, dtype=error.dtype, device=error.device)
    near = error[..., None] < thresholds
    return 100 * masked_mean(near.double().mean(-1), valid)


def cps(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    valid: Bool[Tensor, "*b j"] | None = None,
    *,
    threshold_mm: float = 200.0,
) -> Float[Tensor, ""]:
    """Correct poses score: percentage of poses with all valid joints strictly nearer than that.

    Wandt et al., "CanonPose", CVPR 2021, there as an area under the curve; here at one threshold,
    as in Sárándi et al., WACV 2023. Poses without a valid joint are left out.
    """
    near = joint_error_mm(predicted, target) < threshold_mm
    if valid is None:
        return 100 * masked_mean(near.all(-1).double())
    return 100 * masked_mean((near | ~valid).all(-1).double(), valid.any(-1))


def pckh(
    predicted_px: Float[Tensor, "*b k 2"],
    target_px: Float[Tensor, "*b k 2"],
    head_px: Float[Tensor, "*b"],
    valid: Bool[Tensor, "*b k"] | None = None,
    *,
    fraction: float = 0.5,
) -> Float[Tensor, ""]:
    """Percentage of 2D keypoints within ``fraction`` of the head size, the border included.

    Andriluka et al., CVPR 2014 (MPII), where the head size is 0.6 of the head box's diagonal.
    """
    error = (predicted_px.double() - target_px.double()).norm(dim=-1)
    near = error <= fraction * head_px.double()[..., None]
    return 100 * masked_mean(near.double(), valid)
