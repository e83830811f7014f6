"""Flip test-time augmentation: predict the mirrored keypoints too and average.

Axes: b batch, h hypotheses, t frames, k keypoints, j joints.
"""

from dataclasses import replace

import torch

from vitruve.estimators.base import Estimator
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton


def mirror_batch(batch: PoseBatch) -> PoseBatch:
    """The batch as a mirror would show it: x runs from the right edge and sides swap names.

    Distorted keypoints are only mirrored exactly when the principal point is the image centre.
    """
    swap = _order(batch.keypoint_skeleton)
    width = batch.image_size_px[..., None, None, 0]
    x, y = batch.keypoints_px[..., swap, :].unbind(-1)
    mirrored = replace(
        batch,
        keypoints_px=torch.stack([width - x, y], dim=-1),
        keypoints_valid=batch.keypoints_valid[..., swap],
        confidence=batch.confidence[..., swap],
    )
    if batch.intrinsics is not None:
        intrinsics = batch.intrinsics.clone()
        intrinsics[..., 0, 2] = batch.image_size_px[..., 0] - intrinsics[..., 0, 2]
        intrinsics[..., 0, 1] = -intrinsics[..., 0, 1]
        mirrored = replace(mirrored, intrinsics=intrinsics)
    if batch.distortion is not None:
        mirrored = replace(mirrored, distortion=_mirror_distortion(batch.distortion))
    if batch.joints_cam is not None and batch.skeleton is not None:
        twin = _order(batch.skeleton)
        joints = batch.joints_cam[..., twin, :] * batch.joints_cam.new_tensor([-1.0, 1.0, 1.0])
        valid = None if batch.valid is None else batch.valid[..., twin]
        mirrored = replace(mirrored, joints_cam=joints, valid=valid)
    return mirrored


def mirror_prediction(prediction: Prediction) -> Prediction:
    """The prediction as a mirror would show it."""
    swap = _order(prediction.skeleton)
    sign = prediction.joints_cam.new_tensor([-1.0, 1.0, 1.0])
    root, spread = prediction.root_cam, prediction.spread
    return replace(
        prediction,
        joints_cam=prediction.joints_cam[..., swap, :] * sign,
        root_cam=None if root is None else root * sign,
        spread=None if spread is None else spread[..., swap],
    )


def predict_flipped(estimator: Estimator, batch: PoseBatch) -> Prediction:
    """Mean of the prediction and the un-mirrored prediction of the mirrored batch."""
    plain = estimator(batch)
    flipped = mirror_prediction(estimator(mirror_batch(batch)))
    root = plain.root_cam
    if root is not None and flipped.root_cam is not None:
        root = (root + flipped.root_cam) / 2
    return replace(plain, joints_cam=(plain.joints_cam + flipped.joints_cam) / 2, root_cam=root)


def _order(skeleton: Skeleton) -> list[int]:
    return list(skeleton.mirror_index)


def _mirror_distortion(distortion: torch.Tensor) -> torch.Tensor:
    """Odd terms in x change sign: p2, and the thin prism's s1 and s2 (OpenCV order)."""
    mirrored = distortion.clone()
    odd = [i for i in (3, 8, 9) if i < distortion.shape[-1]]
    mirrored[..., odd] = -mirrored[..., odd]
    return mirrored
