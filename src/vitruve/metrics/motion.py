"""How joints move: velocity, acceleration, jitter, sliding feet.

Axes: *b any leading axes, t frames of one clip (never a border between clips), j joints.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.metrics.masked import MM_PER_M, masked_mean


def mpjve_mm(
    predicted: Float[Tensor, "*b t j 3"],
    target: Float[Tensor, "*b t j 3"],
    valid: Bool[Tensor, "*b t j"] | None = None,
) -> Float[Tensor, ""]:
    """Mean per-joint velocity error, mm per frame (Pavllo et al., CVPR 2019)."""
    return _difference_error_mm(predicted, target, valid, order=1)


def acceleration_mm(
    predicted: Float[Tensor, "*b t j 3"],
    target: Float[Tensor, "*b t j 3"],
    valid: Bool[Tensor, "*b t j"] | None = None,
) -> Float[Tensor, ""]:
    """Mean acceleration error, mm per frame squared (Kanazawa et al., CVPR 2019).

    Times ``fps**2`` it is mm/s^2.
    """
    return _difference_error_mm(predicted, target, valid, order=2)


def jitter(
    joints: Float[Tensor, "*b t j 3"],
    fps: float,
    valid: Bool[Tensor, "*b t j"] | None = None,
) -> Float[Tensor, ""]:
    """Mean length of the jerk (third derivative of position), m/s^3; needs no target.

    Flash and Hogan, J. Neuroscience 1985. Papers print it in their own powers of ten: TransPose (Yi
    et al., SIGGRAPH 2021) in 10^2 m/s^3, WHAM (Shin et al., CVPR 2024) in 10 m/s^3.
    """
    jerk = joints.double().diff(n=3, dim=-3).norm(dim=-1) * fps**3
    return masked_mean(jerk, _all_valid(valid, order=3))


def foot_contact(
    feet_world: Float[Tensor, "*b t j 3"],
    fps: float,
    *,
    max_height: float = 0.12,
    max_speed: float = 0.2,
) -> Bool[Tensor, "*b t j"]:
    """Where a foot joint rests on the floor: below ``max_height`` and slower than ``max_speed``.

    Args:
        feet_world: Foot joints only, of the reference motion; world frame (z up, floor at 0).
        fps: Frames per second.
        max_height: Metres; the default suits ankles, toes want about 0.05.
        max_speed: Metres per second, towards the next frame (the last frame: from the one before).
            Infinite for a motion that has no reference.

    Raises:
        ValueError: A single frame has no speed.
    """
    if feet_world.shape[-3] < 2:
        raise ValueError("foot_contact needs at least 2 frames to know speeds, got 1")
    speed = feet_world.double().diff(dim=-3).norm(dim=-1) * fps
    speed = torch.cat([speed, speed[..., -1:, :]], dim=-2)
    return (feet_world[..., 2] < max_height) & (speed < max_speed)


def foot_slide_mm(
    feet_world: Float[Tensor, "*b t j 3"], contact: Bool[Tensor, "*b t j"]
) -> Float[Tensor, ""]:
    """Mean horizontal way of a foot between consecutive frames in contact, mm per frame.

    Args:
        feet_world: Foot joints only; world frame (z up, floor at 0).
        contact: From ``foot_contact`` of the reference, or annotated.
    """
    way = feet_world[..., :2].double().diff(dim=-3).norm(dim=-1) * MM_PER_M
    return masked_mean(way, _all_valid(contact, order=1))


def _difference_error_mm(
    predicted: Float[Tensor, "*b t j 3"],
    target: Float[Tensor, "*b t j 3"],
    valid: Bool[Tensor, "*b t j"] | None,
    order: int,
) -> Float[Tensor, ""]:
    error = (predicted.double() - target.double()).diff(n=order, dim=-3)
    return masked_mean(error.norm(dim=-1) * MM_PER_M, _all_valid(valid, order))


def _all_valid(
    valid: Bool[Tensor, "*b t j"] | None, order: int
) -> Bool[Tensor, "*b tout j"] | None:
    """Valid in each of the ``order + 1`` frames that a difference takes."""
    if valid is None:
        return None
    for _ in range(order):
        valid = valid[..., 1:, :] & valid[..., :-1, :]
    return valid
