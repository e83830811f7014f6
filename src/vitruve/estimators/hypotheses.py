"""One pose out of several hypotheses, without the truth.

Shan et al., "Diffusion-based 3D human pose estimation with multi-hypothesis aggregation", ICCV
2023, https://arxiv.org/abs/2303.11579, which calls these two P-Agg and J-Agg (or JPMA). Its others,
P-Best and J-Best, choose with the truth: ``metrics.sample_best`` and ``metrics.joint_best``. The
published projection also bounds rays to 45 degrees off the view; ours goes as far as the lens.

Axes: *b samples, h hypotheses, t frames, j joints.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.geometry.projection import project
from vitruve.metrics import pick_hypothesis
from vitruve.poses import PoseBatch, Prediction


def average_hypotheses(prediction: Prediction) -> Prediction:
    """P-Agg: the mean of all hypotheses, as the only one."""
    joints, root = prediction.joints_cam.mean(-4, keepdim=True), prediction.root_cam
    root = None if root is None else root.mean(-3, keepdim=True)
    return Prediction(prediction.skeleton, joints, root, prediction.spread)


def select_by_reprojection(
    prediction: Prediction, batch: PoseBatch, root_cam: Float[Tensor, "*b t 3"] | None = None
) -> Prediction:
    """J-Agg: for each joint of each frame the hypothesis that lands nearest to its keypoint.

    Where the keypoint was not seen there is nothing to choose by, and the mean is taken. So it is
    for the root's place, if the hypotheses have any.

    Args:
        prediction: The hypotheses.
        batch: What they were predicted from, with its camera.
        root_cam: The root in the camera frame, metres, for hypotheses that are not placed; the
            published evaluation takes that of the label.

    Raises:
        ValueError: As ``nearest_to_keypoints``.
    """
    chosen = pick_hypothesis(
        prediction.joints_cam, nearest_to_keypoints(prediction, batch, root_cam)
    )
    mean = average_hypotheses(prediction)
    seen = batch.keypoints_valid[..., None, :, :, None]
    joints = chosen.unsqueeze(-4).where(seen, mean.joints_cam)
    return Prediction(prediction.skeleton, joints, mean.root_cam, mean.spread)


def nearest_to_keypoints(
    prediction: Prediction, batch: PoseBatch, root_cam: Float[Tensor, "*b t 3"] | None = None
) -> Int64[Tensor, "*b t j"]:
    """Which hypothesis of each joint lands nearest to its keypoint; any where that is unseen.

    For errors after Procrustes alignment: choose by this, then pick among aligned hypotheses.

    Args:
        prediction: The hypotheses.
        batch: What they were predicted from, with its camera.
        root_cam: The root in the camera frame, metres; None takes ``prediction.root_cam``.

    Raises:
        ValueError: There is no camera or no root, or the keypoints are other joints.
    """
    if batch.intrinsics is None:
        raise ValueError("hypotheses are reprojected by PoseBatch.intrinsics; the batch has none")
    if batch.keypoint_skeleton.names != prediction.skeleton.names:
        raise ValueError(
            f"joints {prediction.skeleton.name!r} are compared with keypoints "
            f"{batch.keypoint_skeleton.name!r}, which are others; take average_hypotheses"
        )
    root = prediction.root_cam if root_cam is None else root_cam.unsqueeze(-3)
    if root is None:
        raise ValueError("the hypotheses are not placed: give root_cam, where the root stands")
    distortion = batch.distortion
    points_px = project(
        prediction.joints_cam + root.unsqueeze(-2),
        batch.intrinsics[..., None, None, :, :],
        None if distortion is None else distortion[..., None, None, :],
    )
    away = torch.linalg.vector_norm(points_px - batch.keypoints_px.unsqueeze(-4), dim=-1)
    return away.argmin(dim=-3)
