"""One pose out of several: published errors of D3DP's four aggregations, and what is refused.

Errors, metres, of paTRICK-swk/D3DP@afcdd05 on clips, hypotheses and keypoints that follow a rule,
seen by a camera of Human3.6M; two draws of five hypotheses each.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vitruve.estimators import average_hypotheses, nearest_to_keypoints, select_by_reprojection
from vitruve.geometry.alignment import procrustes_align
from vitruve.geometry.projection import project
from vitruve.metrics import joint_best, mpjpe_mm, p_mpjpe_mm, pick_hypothesis, sample_best
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons import skeleton

H36M = skeleton("h36m_17")
ROOT_M = (0.2, 0.0, 4.5)
FOCAL, CENTRE = (2.2900989, 2.2875624), (0.0250831, 0.0288731)
RADIAL, TANGENTIAL = (-0.2070989, 0.24777518, -0.00307515), (-0.0009757, -0.00142447)
"""Of width 2: the screen runs from -1 to 1."""
PUBLISHED = {
    "joint_best": (0.04074023291, 0.03996769711),
    "sample_best_of_all_clips": (0.07431220263, 0.07172536850),
    "sample_best": (0.07305580378, 0.07052694261),
    "average": (0.03434001282, 0.03282837942),
    "by_reprojection": (0.04959446192, 0.04999129847),
}
PUBLISHED_ALIGNED = {
    "joint_best": (0.03756951912, 0.03756065294),
    "sample_best_of_all_clips": (0.06926335394, 0.06616801023),
    "average": (0.03208557889, 0.03094182722),
    "by_reprojection": (0.05145138502, 0.05118550360),
}

REPROJECTED = {
    (0, 0, 0, 0, 1): (-0.00235685334, 0.18000230193),
    (1, 0, 2, 5, 7): (-0.08579392731, 0.07389414310),
    (2, 1, 3, 8, 13): (0.00442080759, -0.11394678056),
    (3, 1, 4, 11, 16): (0.02814352885, 0.24664376676),
}
"""Screen of a hypothesis: clip, draw, hypothesis, frame, joint."""


def draw(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def camera(size_px=1000.0):
    """The lens in pixels and OpenCV's terms.

    The published lens bends tangentially by x (p1 x + p2 y) + p1 r2, which is OpenCV's with half of
    p1, p2 in swapped places and the other half as thin prism.
    """
    half = size_px / 2
    K = torch.tensor(
        [[FOCAL[0], 0, CENTRE[0] + 1], [0, FOCAL[1], CENTRE[1] + 1], [0, 0, 1 / half]],
        dtype=torch.float64,
    )
    (k1, k2, k3), (p1, p2) = RADIAL, TANGENTIAL
    lens = [k1, k2, p2 / 2, p1 / 2, k3, 0, 0, 0, p1 / 2, 0, p2 / 2, 0]
    return half * K, torch.tensor(lens, dtype=torch.float64)


def sample(which):
    """Hypotheses of one of the two draws, the batch they belong to, and the root."""
    target = 0.3 * draw(31, 4, 12, 17, 3)
    target[..., 0, :] = 0
    joints = target[:, None, None] + 0.05 * draw(35, 4, 2, 5, 12, 17, 3)
    joints[..., 0, :] = 0
    root = torch.tensor(ROOT_M, dtype=torch.float64).expand(4, 12, 3)
    K, lens = camera()
    points = target + root[:, :, None]
    keypoints = project(points, K, lens) + 500 * 0.002 * draw(36, 4, 12, 17, 2)
    seen = torch.ones(4, 12, 17, dtype=torch.bool)
    batch = PoseBatch(
        keypoint_skeleton=H36M,
        keypoints_px=keypoints,
        keypoints_valid=seen,
        confidence=seen.double(),
        image_size_px=torch.full((4, 2), 1000.0),
        intrinsics=K.expand(4, 3, 3),
        distortion=lens.expand(4, 12),
        skeleton=H36M,
        joints_cam=points,
    )
    return Prediction(H36M, joints[:, which]), batch, root


def test_hypotheses_are_projected_as_published():
    K, lens = camera()
    for (clip, which, *rest), expected in REPROJECTED.items():
        prediction, _, root = sample(which)
        joint = prediction.joints_cam[(clip, *rest)] + root[0, 0]
        found = project(joint[None], K, lens)[0] / 500 - 1
        assert found.tolist() == pytest.approx(expected, abs=3e-7)


@pytest.mark.parametrize("which", [0, 1])
def test_errors_agree_with_the_published_code(which):
    prediction, batch, root = sample(which)
    joints, target = prediction.joints_cam, batch.joints_cam - root[:, :, None]
    together = joints.transpose(0, 1).flatten(1, 2)[None]
    found = {
        "joint_best": joint_best(joints, target),
        "sample_best_of_all_clips": sample_best(together, target.flatten(0, 1)[None]),
        "sample_best": sample_best(joints, target),
        "average": average_hypotheses(prediction).joints_cam[:, 0],
        "by_reprojection": select_by_reprojection(prediction, batch, root).joints_cam[:, 0],
    }
    for name, chosen in found.items():
        error = mpjpe_mm(chosen.reshape(4, 12, 17, 3), target).item()
        assert error == pytest.approx(1000 * PUBLISHED[name][which], rel=1e-6), name


@pytest.mark.parametrize("which", [0, 1])
def test_aligned_errors_agree_with_the_published_code(which):
    prediction, batch, root = sample(which)
    joints, target = prediction.joints_cam, batch.joints_cam - root[:, :, None]
    aligned = procrustes_align(joints, target[:, None].expand_as(joints))
    together = aligned.transpose(0, 1).flatten(1, 2)[None]
    found = {
        "joint_best": joint_best(aligned, target),
        "sample_best_of_all_clips": sample_best(together, target.flatten(0, 1)[None]),
        "by_reprojection": pick_hypothesis(aligned, nearest_to_keypoints(prediction, batch, root)),
    }
    errors = {k: mpjpe_mm(v.reshape(4, 12, 17, 3), target).item() for k, v in found.items()}
    average = average_hypotheses(prediction).joints_cam[:, 0]
    errors["average"] = p_mpjpe_mm(average, target).item()
    for name, error in errors.items():
        assert error == pytest.approx(1000 * PUBLISHED_ALIGNED[name][which], rel=1e-6), name


def test_an_unseen_keypoint_takes_the_mean():
    prediction, batch, root = sample(0)
    seen = batch.keypoints_valid.clone()
    seen[0, 3, 2] = False
    chosen = select_by_reprojection(prediction, replace(batch, keypoints_valid=seen), root)
    plain = select_by_reprojection(prediction, batch, root)
    mean = average_hypotheses(prediction)
    assert torch.equal(chosen.joints_cam[0, 0, 3, 2], mean.joints_cam[0, 0, 3, 2])
    changed = (chosen.joints_cam != plain.joints_cam).any(dim=-1)
    assert changed.sum() == 1


def test_placed_hypotheses_need_no_root():
    prediction, batch, root = sample(0)
    placed = replace(prediction, root_cam=root[:, None].expand(4, 5, 12, 3))
    chosen = select_by_reprojection(placed, batch)
    assert torch.equal(
        chosen.joints_cam, select_by_reprojection(prediction, batch, root).joints_cam
    )
    torch.testing.assert_close(chosen.root_cam, root[:, None])
    single = placed.map(lambda x: x[1]), batch.map(lambda x: x[1])
    assert torch.equal(select_by_reprojection(*single).joints_cam, chosen.joints_cam[1])


def test_what_cannot_be_compared_is_refused():
    prediction, batch, root = sample(0)
    with pytest.raises(ValueError, match=r"reprojected by PoseBatch\.intrinsics"):
        select_by_reprojection(prediction, replace(batch, intrinsics=None), root)
    with pytest.raises(ValueError, match="give root_cam"):
        select_by_reprojection(prediction, batch)
    coco = skeleton("coco_17")
    with pytest.raises(ValueError, match="'h36m_17' are compared with keypoints 'coco_17'"):
        select_by_reprojection(prediction, replace(batch, keypoint_skeleton=coco), root)
