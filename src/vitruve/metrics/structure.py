"""Whether a predicted body holds together: symmetric limbs, true and constant lengths. Percent.

LSE, LLE and BSLE are those of SCoTL-pose, section 4.2; each is a mean over segments and poses, and
depends on which segments: report the set with the number. Lengths know no rotation or translation,
so that nothing needs to be aligned. Segments of zero length that would be divided by are left out.

Axes: *b any leading axes, t frames, j joints, n segments.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.metrics.masked import masked_mean

Segment = tuple[int, int]


def lse(
    predicted: Float[Tensor, "*b j 3"],
    limbs: Sequence[tuple[Segment, Segment]],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> Float[Tensor, ""]:
    """Limb symmetry error: difference of left and right length over their mean, percent.

    Args:
        predicted: Joints in any unit.
        limbs: Left and right segment of each limb, as in ``Skeleton.limbs``.
        valid: False where a joint is missing.
    """
    left, left_valid = _lengths(predicted, [pair[0] for pair in limbs], valid)
    right, right_valid = _lengths(predicted, [pair[1] for pair in limbs], valid)
    mean = (left + right) / 2
    usable = left_valid & right_valid & (mean > 0)
    return 100 * masked_mean((left - right).abs() / mean, usable)


def lle(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    limbs: Sequence[tuple[Segment, Segment]],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> Float[Tensor, ""]:
    """Limb length error: ``bsle`` on the limbs of both sides only, percent."""
    return _length_error(predicted, target, [side for pair in limbs for side in pair], valid)


def bsle(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    parents: Sequence[int],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> Float[Tensor, ""]:
    """Body segment length error: |1 - predicted length / true length| over every bone, percent."""
    return _length_error(predicted, target, _bones(parents), valid)


def bone_length_variation(
    joints: Float[Tensor, "*b t j 3"],
    parents: Sequence[int],
    valid: Bool[Tensor, "*b t j"] | None = None,
) -> Float[Tensor, ""]:
    """How much bones change length over a clip: standard deviation over mean, percent.

    The population's deviation over ``t`` of each bone, then the mean over bones and clips; bones
    seen in fewer than two frames are left out. Needs no target.
    """
    length, usable = _lengths(joints, _bones(parents), valid)
    mean = masked_mean(length, usable, (-2,))
    variance = masked_mean((length - mean[..., None, :]).square(), usable, (-2,))
    return 100 * masked_mean(variance.sqrt() / mean, (usable.sum(-2) >= 2) & (mean > 0))


def _length_error(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    segments: Sequence[Segment],
    valid: Bool[Tensor, "*b j"] | None,
) -> Float[Tensor, ""]:
    length, usable = _lengths(predicted, segments, valid)
    true_length, _ = _lengths(target, segments, valid)
    return 100 * masked_mean((1 - length / true_length).abs(), usable & (true_length > 0))


def _bones(parents: Sequence[int]) -> list[Segment]:
    return [(parent, j) for j, parent in enumerate(parents) if parent >= 0]


def _lengths(
    joints: Float[Tensor, "*b j 3"],
    segments: Sequence[Segment],
    valid: Bool[Tensor, "*b j"] | None,
) -> tuple[Float[Tensor, "*b n"], Bool[Tensor, "*b n"]]:
    """Length of each segment and whether both ends are there."""
    ends = torch.tensor(segments, dtype=torch.long, device=joints.device).reshape(-1, 2)
    start, end = ends.unbind(-1)
    length = (joints[..., start, :].double() - joints[..., end, :].double()).norm(dim=-1)
    if valid is None:
        return length, torch.ones_like(length, dtype=torch.bool)
    return length, valid[..., start] & valid[..., end]
