"""An estimator's answer to a benchmark's batch, whatever skeletons it reads and speaks.

Axes: b examples, t frames, k keypoints, j joints.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.estimators import Estimator, predict_flipped
from vitruve.poses import PoseBatch
from vitruve.skeletons import Skeleton, conversion

_SHOWN = 8
"""Joints that a message names."""


def check_joints(estimator: Estimator, wanted: Skeleton) -> None:
    """Refuse an estimator that cannot say where every wanted joint is.

    Raises:
        ValueError: Some joints cannot be derived from its own.
    """
    absent = conversion(estimator.skeleton, wanted).joints_of("absent")
    if absent:
        shown = ", ".join(absent[:_SHOWN])
        more = f" and {len(absent) - _SHOWN} more" if len(absent) > _SHOWN else ""
        raise ValueError(
            f"the benchmark scores {wanted.name!r}; the estimator's {estimator.skeleton.name!r} "
            f"has nothing to say about {shown}{more}"
        )


def lift_view(
    estimator: Estimator, batch: PoseBatch, wanted: Skeleton, *, flip: bool
) -> Float[Tensor, "b t j 3"]:
    """Joints of ``wanted``, root-relative metres, mean over hypotheses.

    Keypoints and joints of other formats are converted by the house's rules, whose error counts as
    the estimator's; keypoints that it wants and the benchmark lacks are given as not seen.
    """
    _, joints = own_answer(estimator, batch, flip=flip)
    seen = torch.ones(joints.shape[:-1], dtype=torch.bool)
    return conversion(estimator.skeleton, wanted).apply(joints, seen)[0]


@torch.no_grad()
def own_answer(
    estimator: Estimator, batch: PoseBatch, *, flip: bool
) -> tuple[PoseBatch, Float[Tensor, "b t j 3"]]:
    """What the estimator read, on its device, and what it says in its own joints, on the CPU."""
    estimator.eval()
    batch = as_read(batch, estimator.keypoint_skeleton)
    batch = batch.to(next(estimator.parameters()).device)
    answer = predict_flipped(estimator, batch) if flip else estimator(batch)
    return batch, answer.joints_cam.mean(-4).float().cpu()


def as_read(batch: PoseBatch, wanted: Skeleton) -> PoseBatch:
    """The batch with the keypoints that an estimator reads."""
    if batch.keypoint_skeleton.names == wanted.names:
        return batch
    between = conversion(batch.keypoint_skeleton, wanted)
    pixels, valid = between.apply(batch.keypoints_px, batch.keypoints_valid)
    confidence, _ = between.apply(batch.confidence[..., None], batch.keypoints_valid)
    return replace(
        batch,
        keypoint_skeleton=wanted,
        keypoints_px=pixels,
        keypoints_valid=valid,
        confidence=torch.where(valid, confidence[..., 0].clamp(0, 1), 0.0),
        # Labels of the benchmark's joints would not match; estimators do not read them.
        skeleton=None,
        joints_cam=None,
        valid=None,
    )
