"""The three losses of MeTRAbs: shape, picture, place."""

from dataclasses import replace

import pytest
import torch

from vitruve.objectives.absolute import AbsoluteConfig, AbsoluteObjective
from vitruve.objectives.mean_relative import MeanRelativeConfig, MeanRelativeObjective
from vitruve.objectives.projection import ProjectionConfig, ProjectionObjective
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

PAIR = Skeleton("pair", ("root", "tip"), (-1, 0))
INTRINSICS = torch.tensor([[[500.0, 0.0, 128.0], [0.0, 500.0, 128.0], [0.0, 0.0, 1.0]]])


def batch_of(joints, valid=None):
    seen = torch.ones(joints.shape[:-1], dtype=torch.bool)
    return PoseBatch(
        keypoint_skeleton=PAIR,
        keypoints_px=joints[..., :2],
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=torch.tensor([[256.0, 256.0]]),
        intrinsics=INTRINSICS,
        skeleton=PAIR,
        joints_cam=joints,
        valid=seen if valid is None else valid,
    )


def one_frame(*joints):
    return torch.tensor([[list(joints)]])


def says(joints, root=(0.0, 0.0, 0.0)):
    return Prediction(PAIR, joints.unsqueeze(1), torch.tensor(root).expand(1, 1, 1, 3))


def test_shape_ignores_where_the_pose_is():
    truth = one_frame((0.0, 0.0, 5.0), (0.0, 1.0, 5.0))
    objective = MeanRelativeObjective(MeanRelativeConfig())
    moved = says(truth + torch.tensor([3.0, -1.0, 9.0]))
    assert objective.loss(moved, batch_of(truth)).item() == pytest.approx(0.0, abs=1e-6)
    # The tip is 0.6 m off; about the mean, each of both joints is 0.3 m off in one of three axes.
    bent = says(one_frame((0.0, 0.0, 5.0), (0.6, 1.0, 5.0)))
    assert objective.loss(bent, batch_of(truth)).item() == pytest.approx(0.1)


def test_shape_is_about_the_mean_of_what_is_labelled():
    truth = one_frame((0.0, 0.0, 5.0), (0.0, 1.0, 5.0))
    valid = torch.tensor([[[True, False]]])
    wild = says(one_frame((0.0, 0.0, 5.0), (9.0, 9.0, 9.0)))
    objective = MeanRelativeObjective(MeanRelativeConfig())
    assert objective.loss(wild, batch_of(truth, valid)).item() == 0
    assert objective.loss(wild, batch_of(truth, valid & False)).item() == 0


def test_picture_by_hand():
    truth = one_frame((0.0, 0.0, 5.0), (0.0, 1.0, 5.0))
    objective = ProjectionObjective(ProjectionConfig())
    assert objective.loss(says(truth), batch_of(truth)).item() == 0
    # 0.1 m at 5 m is 10 px: of both joints, in one of two axes, at 2.2 m for 256 px.
    aside = says(truth, root=(0.1, 0.0, 0.0))
    assert objective.loss(aside, batch_of(truth)).item() == pytest.approx(10 / 2 * 2.2 / 256)
    deep = says(truth, root=(0.0, 0.0, 5.0))
    assert objective.loss(deep, batch_of(truth)).item() == pytest.approx(50 / 4 * 2.2 / 256)


@pytest.mark.parametrize(
    ("truth", "root"),
    [
        (one_frame((0.0, 0.0, 5.0), (0.0, 1.0, 5.0)), (9.0, 0.0, 0.0)),
        (one_frame((0.0, 0.0, -5.0), (0.0, 1.0, 0.1)), (0.0, 0.0, 10.0)),
        (one_frame((9.0, 0.0, 5.0), (9.0, 1.0, 5.0)), (-9.0, 0.0, 0.0)),
    ],
    ids=["predicted outside", "label behind the camera", "label far outside"],
)
def test_what_has_no_place_in_the_picture_does_not_count(truth, root):
    loss = ProjectionObjective(ProjectionConfig()).loss(says(truth, root), batch_of(truth))
    assert loss.item() == 0
    assert loss.isfinite()


def test_place_by_hand():
    truth = one_frame((0.0, 0.0, 5.0), (0.0, 1.0, 5.0))
    objective = AbsoluteObjective(AbsoluteConfig())
    aside = says(truth, root=(0.3, 0.0, -0.6))
    assert objective.loss(aside, batch_of(truth)).item() == pytest.approx(0.3)
    far = truth + torch.tensor([0.0, 0.0, 15.0])
    assert objective.loss(says(far, (0.3, 0.0, -0.6)), batch_of(far)).item() == pytest.approx(0.2)


@pytest.mark.parametrize(
    "objective", [AbsoluteObjective(AbsoluteConfig()), ProjectionObjective(ProjectionConfig())]
)
def test_an_estimator_must_place(objective):
    truth = one_frame((0.0, 0.0, 5.0), (0.0, 1.0, 5.0))
    with pytest.raises(ValueError, match="root_cam"):
        objective.loss(replace(says(truth), root_cam=None), batch_of(truth))


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match="box_m must be above 0"):
        ProjectionConfig(box_m=0.0)
    with pytest.raises(ValueError, match="far_m must be above 0"):
        AbsoluteConfig(far_m=-1.0)
    blind = replace(batch_of(one_frame((0.0, 0.0, 5.0), (0.0, 1.0, 5.0))), intrinsics=None)
    with pytest.raises(ValueError, match=r"PoseBatch\.intrinsics"):
        ProjectionObjective(ProjectionConfig()).loss(says(blind.joints_cam), blind)
