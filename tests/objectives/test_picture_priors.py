"""Priors on joints in pictures: symmetry, anchors, given bones, equivariance."""

from dataclasses import replace

import pytest
import torch

from energy_samples import near_truth
from picture_samples import H36M_18, detector_batch, says_keypoints
from vitruve.objectives.anchors import AnchorsConfig, AnchorsObjective
from vitruve.objectives.bone_constants import BoneConstantsConfig, BoneConstantsObjective
from vitruve.objectives.equivariance import EquivarianceConfig, EquivarianceObjective
from vitruve.objectives.flatness import FlatnessConfig, FlatnessObjective
from vitruve.objectives.pictured import crop_reach, from_crop, picture_points, to_crop
from vitruve.objectives.proportions import ProportionsConfig, ProportionsObjective
from vitruve.objectives.symmetry import SymmetryConfig, SymmetryObjective, midpoints_of
from vitruve.poses import Prediction, mirror_batch, mirror_prediction
from vitruve.skeletons.skeleton import Skeleton

AT = {name: j for j, name in enumerate(H36M_18.names)}
ONE = Skeleton("one", ("tip",), (-1,))


def in_crop(batch, points):
    """A prediction of joints at crop coordinates, (b, j, 2)."""
    reach = crop_reach(batch)
    return says_keypoints(batch, from_crop(points.unsqueeze(1), batch.crops_px, reach))


def symmetric(b=2):
    points = 0.3 * torch.randn(b, 18, 2)
    for left, right, middle in midpoints_of(H36M_18):
        points[:, middle] = (points[:, left] + points[:, right]) / 2
    return points


def test_midpoints_in_the_picture_by_hand():
    batch, points = detector_batch(b=2), symmetric()
    objective = SymmetryObjective(SymmetryConfig())
    assert objective.loss(in_crop(batch, points), batch).item() == pytest.approx(0, abs=1e-9)
    points[:, AT["pelvis"]] += torch.tensor([0.3, 0.4])
    # One of two midpoints is off by 0.5.
    loss = objective.loss(in_crop(batch, points), batch)
    assert loss.item() == pytest.approx(0.25 / 2, rel=1e-4)


def test_arms_can_be_tied():
    batch, points = detector_batch(b=2), symmetric()
    for part in ("elbow", "wrist"):
        points[:, AT[f"right_{part}"]] = points[:, AT[f"left_{part}"]]
    objective = SymmetryObjective(SymmetryConfig(midpoints=0.0, tied=2.0))
    assert objective.loss(in_crop(batch, points), batch).item() == pytest.approx(0, abs=1e-9)
    points[:, AT["left_wrist"], 0] += 0.1
    loss = objective.loss(in_crop(batch, points), batch)
    assert loss.item() == pytest.approx(2 * 0.01 / 2, rel=1e-3)


def test_only_the_best_hypothesis_need_be_symmetric():
    batch = detector_batch(b=3)
    good = near_truth(batch).joints_cam
    left, right = ([pair[i] for pair in H36M_18.limbs] for i in range(2))
    good = good.clone()
    for (left_start, left_end), (start, end) in zip(left, right, strict=True):
        good[..., end, :] = good[..., start, :] + good[..., left_end, :] - good[..., left_start, :]
    bad = torch.randn_like(good)
    both = Prediction(H36M_18, torch.cat([bad, good], dim=1))
    losses = {
        scored: SymmetryObjective(
            SymmetryConfig("camera", midpoints=0.0, lengths=1.0, hypotheses=scored)
        ).loss(both, batch)
        for scored in ("all", "best")
    }
    assert losses["best"].item() == pytest.approx(0, abs=1e-9)
    assert losses["all"] > 0.1


def test_symmetry_refuses_what_it_cannot_see():
    with pytest.raises(ValueError, match="lengths needs space='camera'"):
        SymmetryConfig(lengths=1.0)
    batch = replace(detector_batch(ONE, b=2), skeleton=ONE)
    with pytest.raises(ValueError, match="skeleton 'one' has no pairs"):
        SymmetryObjective(SymmetryConfig("camera")).loss(near_truth(batch), batch)


def test_anchors_lie_about_the_middle_of_the_mask():
    batch = detector_batch(b=2)
    masks = torch.zeros_like(batch.masks)
    masks[:, :, 16:24, 8:16] = 1.0
    batch, points = replace(batch, masks=masks), torch.zeros(2, 18, 2)
    points[:, AT["pelvis"]] = torch.tensor([-0.25, 0.25])
    points[:, AT["mid_shoulder"]] = torch.tensor([-0.25, -0.2])
    objective = AnchorsObjective(AnchorsConfig())
    assert objective.loss(in_crop(batch, points), batch).item() == pytest.approx(0, abs=1e-9)
    points[:, AT["pelvis"], 0] += 0.2
    loss = objective.loss(in_crop(batch, points), batch)
    assert loss.item() == pytest.approx(0.04 / 2, rel=1e-4)
    nobody = replace(batch, masks=torch.zeros_like(masks))
    assert objective.loss(in_crop(batch, points), nobody).item() == 0


def test_anchors_name_a_joint_that_is_not_there():
    batch = detector_batch(b=2)
    objective = AnchorsObjective(AnchorsConfig((("tail", 0.0, 0.0),)))
    with pytest.raises(ValueError, match="skeleton 'h36m_18' has no joint 'tail'; name some of"):
        objective.loss(in_crop(batch, torch.zeros(2, 18, 2)), batch)


def test_given_bones_by_hand():
    batch, points = detector_batch(b=2), torch.zeros(2, 18, 2)
    points[:, AT["spine"], 1] = -0.5
    objective = BoneConstantsObjective(BoneConstantsConfig((("pelvis", "spine", 0.3),)))
    loss = objective.loss(in_crop(batch, points), batch)
    assert loss.item() == pytest.approx(0.04, rel=1e-3)


@pytest.mark.parametrize(("longest", "error"), [(0.3, 0.04), (0.5, 0.0), (0.8, 0.0)])
def test_bones_as_a_bound_may_be_shorter(longest, error):
    batch, points = detector_batch(b=2), torch.zeros(2, 18, 2)
    points[:, AT["spine"], 1] = -0.5
    config = BoneConstantsConfig((("pelvis", "spine", longest),), at_most=True)
    loss = BoneConstantsObjective(config).loss(in_crop(batch, points), batch)
    assert loss.item() == pytest.approx(error, rel=1e-3, abs=1e-6)


def test_bones_of_no_length_get_a_finite_gradient():
    batch = detector_batch(b=2)
    points = torch.zeros(2, 18, 2, requires_grad=True)
    BoneConstantsObjective(BoneConstantsConfig()).loss(in_crop(batch, points), batch).backward()
    assert torch.isfinite(points.grad).all()


def test_joints_between_others_by_hand():
    batch, points = detector_batch(b=1), torch.zeros(1, 18, 2)
    between = (("spine", "pelvis", "thorax", 0.25),)
    objective = ProportionsObjective(ProportionsConfig(between))
    points[:, AT["thorax"]] = torch.tensor([0.08, -0.4])
    points[:, AT["spine"]] = torch.tensor([0.02, -0.1])
    assert objective.loss(in_crop(batch, points), batch).item() == pytest.approx(0, abs=1e-8)
    points[:, AT["spine"]] += torch.tensor([0.03, 0.04])
    loss = objective.loss(in_crop(batch, points), batch)
    assert loss.item() == pytest.approx(0.05**2, rel=1e-3)
    lacking = ProportionsConfig((("tail", "pelvis", "thorax", 0.5),))
    with pytest.raises(ValueError, match="no joint 'tail'"):
        ProportionsObjective(lacking).loss(in_crop(batch, points), batch)


def test_flatness_is_the_mean_squared_depth():
    batch = detector_batch(b=2)
    joints = torch.zeros(2, 1, 1, 18, 3)
    joints[:, :, :, AT["left_wrist"]] = torch.tensor([3.0, 2.0, 0.6])
    loss = FlatnessObjective(FlatnessConfig()).loss(Prediction(H36M_18, joints), batch)
    assert loss.item() == pytest.approx(0.36 / 18)


def warped(batch):
    """The second example is the first one, turned, grown and moved; the third stands alone."""
    warp = torch.eye(2, 3).repeat(3, 1, 1)
    warp[1] = torch.tensor([[0.9, -0.3, 0.1], [0.3, 0.9, -0.05]])
    return replace(batch, warp=warp, picture=torch.tensor([5, 5, 8]))


def test_joints_that_move_with_the_picture_cost_nothing():
    batch = warped(detector_batch(b=3))
    points = 0.3 * torch.randn(3, 18, 2)
    points[1] = points[0] @ batch.warp[1, :, :2].T + batch.warp[1, :, 2]
    objective = EquivarianceObjective(EquivarianceConfig())
    assert objective.loss(in_crop(batch, points), batch).item() == pytest.approx(0, abs=1e-8)
    points[0, 3] += torch.tensor([0.03, 0.04])
    loss = objective.loss(in_crop(batch, points), batch)
    assert loss.item() == pytest.approx(0.05**2, rel=1e-3)
    mirrored = mirror_prediction(in_crop(batch, points), batch)
    same = objective.loss(mirrored, mirror_batch(batch))
    assert same.item() == pytest.approx(loss.item(), rel=1e-3)


@pytest.mark.parametrize(("taught", "copy"), [("both", True), ("plain", False)])
def test_a_picture_and_perhaps_its_copy_get_the_gradient_and_others_none(taught, copy):
    batch = warped(detector_batch(b=3))
    points = torch.randn(3, 18, 2, requires_grad=True)
    objective = EquivarianceObjective(EquivarianceConfig(taught))
    objective.loss(in_crop(batch, points), batch).backward()
    pulled = points.grad.abs().sum((1, 2)) > 0
    assert pulled.tolist() == [True, copy, False]


def test_a_copy_with_sides_exchanged_is_as_good_where_either_is():
    batch = warped(detector_batch(b=3))
    points = 0.3 * torch.randn(3, 18, 2)
    mirror = list(H36M_18.mirror_index)
    points[1] = points[0, mirror] @ batch.warp[1, :, :2].T + batch.warp[1, :, 2]
    said, either = in_crop(batch, points), EquivarianceConfig("plain", either_side=True)
    assert EquivarianceObjective(either).loss(said, batch).item() == pytest.approx(0, abs=1e-8)
    assert EquivarianceObjective(EquivarianceConfig("plain")).loss(said, batch).item() > 1e-3
    points[0, AT["left_knee"]] += torch.tensor([0.03, 0.04])
    loss = EquivarianceObjective(either).loss(in_crop(batch, points), batch)
    assert loss.item() == pytest.approx(0.05**2, rel=1e-3)


def test_a_picture_between_two_bodies_learns_the_one_that_its_outline_says():
    batch = warped(detector_batch(b=3))
    warp, mirror = batch.warp[1], list(H36M_18.mirror_index)
    body = 0.3 * torch.randn(18, 2)
    middle = (body + body[mirror]) / 2
    objective = EquivarianceObjective(EquivarianceConfig("plain", either_side=True))

    def pull(leaning):
        points = torch.zeros(3, 18, 2)
        points[0] = middle + leaning * (body[mirror] - middle)
        points[1] = body @ warp[:, :2].T + warp[:, 2]
        points.requires_grad_()
        objective.loss(in_crop(batch, points), batch).backward()
        return -(points.grad[0] * (body - middle)).sum().item()

    assert pull(0.0) > 0
    assert pull(0.1) > 0
    assert pull(0.5) < 0


def test_equivariance_without_copies():
    batch = replace(warped(detector_batch(b=3)), picture=torch.arange(3))
    said = in_crop(batch, torch.randn(3, 18, 2))
    objective = EquivarianceObjective(EquivarianceConfig())
    assert objective.loss(said, batch).item() == 0
    for name in ("picture", "warp"):
        with pytest.raises(ValueError, match=rf"equivariance needs PoseBatch\.{name}"):
            objective.loss(said, replace(batch, **{name: None}))


def test_mirroring_twice_gives_the_batch_back():
    batch = warped(detector_batch(b=3))
    once, twice = mirror_batch(batch), mirror_batch(mirror_batch(batch))
    for name in ("images", "masks", "warp", "T_world_cam", "picture", "scene", "prior_cam"):
        torch.testing.assert_close(getattr(twice, name), getattr(batch, name))
        assert not torch.equal(getattr(once, name), getattr(batch, name))
    assert torch.linalg.det(once.T_world_cam[:, :3, :3]).tolist() == pytest.approx([1.0] * 3)
    assert not set(once.scene.tolist()) & set(batch.scene.tolist())


def test_a_mirrored_warp_moves_mirrored_points():
    batch = warped(detector_batch(b=3))
    mirrored, points = mirror_batch(batch), torch.randn(18, 2)
    flip = torch.tensor([-1.0, 1.0])
    there = points @ batch.warp[1, :, :2].T + batch.warp[1, :, 2]
    mirrored_there = (points * flip) @ mirrored.warp[1, :, :2].T + mirrored.warp[1, :, 2]
    torch.testing.assert_close(mirrored_there, there * flip)


def test_picture_points_are_those_of_the_crop():
    batch = detector_batch(b=2)
    points, shown = picture_points(says_keypoints(batch, batch.keypoints_px), batch)
    wanted = to_crop(batch.keypoints_px, batch.crops_px, crop_reach(batch))
    torch.testing.assert_close(points[:, 0], wanted[:, 0])
    assert shown.all()
