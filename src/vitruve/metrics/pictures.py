"""Metrics of 2D joints in pictures, as those who learn without labels report them.

Axes: *b samples, v views, j joints.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.metrics.masked import masked_mean


def keypoint_error(
    predicted_px: Float[Tensor, "*b j 2"],
    target_px: Float[Tensor, "*b j 2"],
    side_px: Float[Tensor, "*b"],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> Float[Tensor, ""]:
    """The "2D MSE-%" of unsupervised landmarks: mean distance, percent of the picture's side.

    Zhang et al., "Unsupervised Discovery of Object Landmarks as Structural Representations", CVPR
    2018, https://arxiv.org/abs/1804.04412. It is no squared error in spite of its name. Published
    ones are often of joints regressed from landmarks with labels; here nothing is regressed.

    Args:
        predicted_px: 2D joints.
        target_px: The truth.
        side_px: Side of the crop, the longer one.
        valid: Joints that are known; None for all.
    """
    error = torch.linalg.vector_norm(predicted_px - target_px, dim=-1)
    return masked_mean(100 * error / side_px.unsqueeze(-1), valid)


def ambiguity_ratio(
    predicted: Float[Tensor, "*b v j c"],
    target: Float[Tensor, "*b v j c"],
    mirror_index: Sequence[int],
) -> Float[Tensor, ""]:
    """How much the views of a person disagree about left and right, percent, 50 at most.

    Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, Eq. (11), whose
    1/N is missing: of N views, f show a joint nearer to its twin's truth than to its own;
    min(f, N - f) / N is averaged over samples and all joints that have a twin. Exchanged in all
    views counts as none.
    """
    twin = list(mirror_index)
    sided = [j for j, other in enumerate(twin) if j != other]
    own, other = (
        torch.linalg.vector_norm(predicted - truth, dim=-1)
        for truth in (target, target[..., twin, :])
    )
    share = (other < own)[..., sided].double().mean(-2)
    return 100 * torch.minimum(share, 1 - share).mean().to(predicted.dtype)
