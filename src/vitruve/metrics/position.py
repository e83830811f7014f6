"""Distances between predicted and true joints.

Joints come in metres, results leave in millimetres. Nothing is centred or aligned unless the name
says so: subtract the root with ``root_centred`` first where a protocol asks for it.

Axes: *b any leading axes, j joints.
"""

from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.alignment import procrustes_align, scale_align
from vitruve.metrics.masked import MM_PER_M, masked_mean


def root_centred(joints: Float[Tensor, "*b j 3"], root: int) -> Float[Tensor, "*b j 3"]:
    """Joints relative to joint ``root`` of the same pose."""
    return joints - joints[..., root : root + 1, :]


def joint_error_mm(
    predicted: Float[Tensor, "*b j 3"], target: Float[Tensor, "*b j 3"]
) -> Float[Tensor, "*b j"]:
    """Distance of every joint, millimetres: the map that the means below reduce."""
    return (predicted.double() - target.double()).norm(dim=-1) * MM_PER_M


def mpjpe_mm(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> Float[Tensor, ""]:
    """Mean per-joint position error, millimetres (Ionescu et al., TPAMI 2014, Eq. 8)."""
    return masked_mean(joint_error_mm(predicted, target), valid)


def p_mpjpe_mm(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> Float[Tensor, ""]:
    """MPJPE after the best similarity (no reflection) of each pose onto its target, millimetres.

    Poses with fewer than three valid joints fit by construction and are left out.
    """
    aligned = procrustes_align(predicted.double(), target.double(), valid)
    if valid is not None:
        valid = valid & (valid.sum(-1, keepdim=True) >= 3)
    return mpjpe_mm(aligned, target.double(), valid)


def n_mpjpe_mm(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> Float[Tensor, ""]:
    """MPJPE after the best scale of each pose about the origin, millimetres.

    Rhodin et al., "Unsupervised geometry-aware representation for 3D human pose estimation", ECCV
    2018. The scale is per pose and may come out negative. Give both relative to their root.
    """
    return mpjpe_mm(scale_align(predicted.double(), target.double(), valid), target.double(), valid)


def axis_error_mm(
    predicted: Float[Tensor, "*b j 3"],
    target: Float[Tensor, "*b j 3"],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> dict[str, Float[Tensor, ""]]:
    """Mean absolute error along ``x``, ``y`` and ``z``, and mean length of the ``xy`` error, mm."""
    error = (predicted.double() - target.double()) * MM_PER_M
    by_axis = {axis: masked_mean(error[..., i].abs(), valid) for i, axis in enumerate("xyz")}
    return {**by_axis, "xy": masked_mean(error[..., :2].norm(dim=-1), valid)}
