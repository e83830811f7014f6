"""Flip test-time augmentation: predict the mirrored keypoints too and average.

Axes: b batch, h hypotheses, t frames, k keypoints, j joints.
"""

from dataclasses import replace

from vitruve.estimators.base import Estimator
from vitruve.poses import PoseBatch, Prediction, mirror_batch, mirror_prediction


def predict_both(estimator: Estimator, batch: PoseBatch) -> tuple[Prediction, Prediction]:
    """The prediction, and the un-mirrored prediction of the mirrored batch."""
    plain = estimator(batch)
    return plain, mirror_prediction(estimator(mirror_batch(batch)), batch)


def predict_flipped(estimator: Estimator, batch: PoseBatch) -> Prediction:
    """Mean of the prediction and the un-mirrored prediction of the mirrored batch."""
    plain, flipped = predict_both(estimator, batch)
    root, keypoints = plain.root_cam, plain.keypoints_px
    if root is not None and flipped.root_cam is not None:
        root = (root + flipped.root_cam) / 2
    if keypoints is not None and flipped.keypoints_px is not None:
        keypoints = (keypoints + flipped.keypoints_px) / 2
    joints = (plain.joints_cam + flipped.joints_cam) / 2
    return replace(plain, joints_cam=joints, root_cam=root, keypoints_px=keypoints)
