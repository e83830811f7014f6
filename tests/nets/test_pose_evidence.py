"""2D evidence: what of it is known, that lenses are undone, how far joints are off their rays."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import vitruve
from energy_samples import FOCAL_PX, H36M, SIZE_PX, intrinsics, pose_batch, relative_joints
from vitruve.geometry.projection import project
from vitruve.nets.pose_evidence import PoseEvidence, evidence_of, off_ray

LENSES = {
    5: (-0.2, 0.1, 1e-3, -2e-3, 0.01),
    8: (-0.2, 0.1, 1e-3, -2e-3, 0.01, 0.02, -0.01, 0.005),
    12: (-0.2, 0.1, 1e-3, -2e-3, 0.01, 0.02, -0.01, 0.005, 1e-3, -1e-3, 2e-3, 1e-3),
}


def test_the_screen_keeps_the_aspect_ratio():
    batch = pose_batch()
    corner = torch.tensor(SIZE_PX).expand_as(batch.keypoints_px)
    screen = evidence_of(replace(batch, keypoints_px=corner), H36M).screen
    torch.testing.assert_close(screen[0, 0, 0], torch.tensor([1.0, 0.8]))
    middle = evidence_of(replace(batch, keypoints_px=corner / 2), H36M).screen
    assert (middle == 0).all()


def test_rays_are_those_of_the_true_joints():
    batch = pose_batch()
    evidence = evidence_of(batch, H36M)
    rays = batch.joints_cam[..., :2] / batch.joints_cam[..., 2:]
    torch.testing.assert_close(evidence.rays, rays, rtol=0, atol=1e-5)
    assert (evidence.weights == 1).all()


@pytest.mark.parametrize("terms", [0, *LENSES])
def test_the_true_pose_lies_on_its_rays_whatever_the_lens(terms):
    batch = pose_batch(b=8, distortion=LENSES.get(terms))
    missed = off_ray(relative_joints(batch), evidence_of(batch, H36M))
    assert missed.abs().max() < 1e-4
    if terms:
        straight = evidence_of(replace(batch, distortion=None), H36M)
        assert off_ray(relative_joints(batch), straight).abs().max() > 1e-3


def test_being_off_the_ray_is_the_reprojection_error_at_the_joint():
    """Against rows [1 0 -u; 0 1 -v] solved by another solver, and pixels."""
    batch = pose_batch()
    joints = relative_joints(batch) + 0.05 * torch.randn(batch.joints_cam.shape)
    seen = torch.rand(batch.keypoints_valid.shape) < 0.8
    batch = replace(batch, keypoints_valid=seen)
    missed = off_ray(joints, evidence_of(batch, H36M))
    for i, frame in np.ndindex(*joints.shape[:2]):
        pose, use = joints[i, frame].double(), seen[i, frame]
        ray = (batch.keypoints_px[i, frame].double() - torch.tensor(SIZE_PX) / 2) / FOCAL_PX
        rows = [torch.tensor([[1.0, 0.0, -u], [0.0, 1.0, -v]]) for u, v in ray[use]]
        wanted = pose[use, 2:] * ray[use] - pose[use, :2]
        root = np.linalg.lstsq(torch.cat(rows).numpy(), wanted.flatten().numpy(), rcond=None)[0]
        placed = pose + torch.from_numpy(root)
        off_px = project(placed, intrinsics().double()) - batch.keypoints_px[i, frame]
        expected = torch.where(use[:, None], off_px * placed[:, 2:] / FOCAL_PX, 0.0)
        torch.testing.assert_close(missed[i, frame].double(), expected, rtol=0, atol=1e-5)


def test_unseen_joints_are_not_looked_at():
    batch = pose_batch()
    seen = torch.rand(batch.keypoints_valid.shape) < 0.7
    wild = batch.keypoints_px.where(seen[..., None], 1e5)
    one, other = (
        evidence_of(replace(batch, keypoints_valid=seen, keypoints_px=px), H36M)
        for px in (batch.keypoints_px, wild)
    )
    for name in ("screen", "rays", "weights"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert torch.equal(one.weights > 0, seen)
    assert (one.screen[~seen] == 0).all()
    joints = relative_joints(batch) + 0.05 * torch.randn(batch.joints_cam.shape)
    far = torch.where(seen[..., None], joints, 7.0)
    assert (off_ray(joints, one)[~seen] == 0).all()
    assert torch.equal(off_ray(joints, one), off_ray(far, one))


def test_without_intrinsics_there_is_a_screen_but_no_ray():
    batch = pose_batch()
    blind = evidence_of(replace(batch, intrinsics=None), H36M)
    assert torch.equal(blind.screen, evidence_of(batch, H36M).screen)
    assert (blind.rays == 0).all()
    assert (blind.weights == 0).all()
    assert (off_ray(relative_joints(batch), blind) == 0).all()


def test_keypoints_of_another_skeleton_speak_for_the_joints_they_show():
    coco = vitruve.skeleton("coco_17")
    batch = pose_batch(coco)
    unseen = batch.keypoints_valid.clone()
    unseen[:, :, coco.index("left_knee")] = False
    evidence = evidence_of(replace(batch, keypoints_valid=unseen), H36M)
    own = evidence_of(batch, coco)
    for name in ("right_knee", "left_wrist"):
        here, there = H36M.index(name), coco.index(name)
        torch.testing.assert_close(evidence.rays[..., here, :], own.rays[..., there, :])
        assert (evidence.weights[..., here] == 1).all()
    assert (evidence.weights[..., H36M.index("left_knee")] == 0).all()
    hips = own.rays[..., [coco.index("left_hip"), coco.index("right_hip")], :].mean(-2)
    torch.testing.assert_close(evidence.rays[..., H36M.index("pelvis"), :], hips)
    hand = evidence_of(pose_batch(vitruve.skeleton("hand_21")), H36M)
    assert (hand.weights[..., H36M.index("head_top")] == 0).all()


@pytest.mark.parametrize("seen", [0, 1, 2, 17])
def test_the_gradient_is_finite_whatever_is_seen(seen):
    batch = pose_batch(b=2)
    valid = torch.arange(17).expand_as(batch.keypoints_valid) < seen
    evidence = evidence_of(replace(batch, keypoints_valid=valid), H36M)
    for start in (relative_joints(batch) + 0.1, torch.zeros_like(batch.joints_cam)):
        joints = start.requires_grad_()
        missed = off_ray(joints, evidence)
        (gradient,) = torch.autograd.grad(missed.square().sum() + missed.sum(), joints)
        assert missed.isfinite().all()
        assert gradient.isfinite().all()
        assert (gradient[~valid] == 0).all()
        if seen < 2:
            assert (missed == 0).all()
            assert (gradient == 0).all()
    if seen == 17:
        joints = relative_joints(batch) + 0.1 * torch.randn(batch.joints_cam.shape)
        joints = joints.double().requires_grad_()
        exact = evidence.map(torch.Tensor.double)
        assert torch.autograd.gradcheck(lambda x: off_ray(x, exact), joints, fast_mode=True)


def test_an_answer_gets_the_evidence_of_its_own_frames():
    batch = pose_batch(b=2, t=7)
    evidence = evidence_of(batch, H36M)
    each = evidence.of_each(torch.zeros(2, 3, 1, 17, 3))
    assert each.rays.shape == (2, 3, 1, 17, 2)
    for hypothesis in range(3):
        assert torch.equal(each.screen[:, hypothesis, 0], evidence.screen[:, 3])
        assert torch.equal(each.weights[:, hypothesis, 0], evidence.weights[:, 3])
    flat = evidence.of_each(torch.zeros(2, 3, 5, 17, 3)).flat()
    assert isinstance(flat, PoseEvidence)
    assert flat.rays.shape == (30, 17, 2)
    assert torch.equal(flat.rays[5 * 3 + 1], evidence.rays[1, 2])
    alone = evidence_of(batch.map(lambda x: x[0]), H36M)
    assert torch.equal(alone.of_each(torch.zeros(1, 7, 17, 3)).rays[0], evidence.rays[0])
