"""P-STMO with its refining module: what its authors' evaluation gives, step by step."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vitruve.estimators import (
    Lifter,
    LifterConfig,
    RayBlendLifter,
    RayBlendLifterConfig,
    load_estimator,
    save_estimator,
)
from vitruve.geometry.projection import project
from vitruve.nets import PSTMOConfig, RayBlendConfig
from vitruve.poses import PoseBatch, mirror_batch
from vitruve.skeletons import skeleton

H36M = skeleton("h36m_17")
NET = PSTMOConfig(17, 17, strides=(1, 3, 3), channels=16, hidden=24, depth=1)
LIFTER = LifterConfig(H36M, H36M, "p_stmo", NET)
FOCAL, CENTRE = (2.2900989055633545, 2.287562370300293), (0.02508310042321682, 0.028873100876808167)
"""Of a camera of Human3.6M on the screen, which runs from -1 to 1."""
ROOT_DEPTHS = (5.326752662658691, 4.8618903160095215)
ON_RAYS = {
    (0, 1): (-3.0778086185, -7.0756054, 0.97162294388),
    (0, 7): (-2.3761568069, -5.4858208, 0.36621522903),
    (0, 16): (0.74783974886, -2.7707376, -0.53286266327),
    (1, 1): (-1.5982162952, -1.7433105, 0.96639060974),
    (1, 7): (0.71292591095, 1.5295670033, 1.4346375465),
    (1, 16): (-0.0277304649, 0.8805716038, -1.0240421295),
}
"""Pose and joint, from paTRICK-swk/P-STMO@aea43d0 common/camera.py: N(43) of shape (2, 1, 17, 3) as
screen x and y and depth before the root."""


def make_estimator(**settings):
    torch.manual_seed(0)
    config = RayBlendLifterConfig(LIFTER, RayBlendConfig(17, hidden=32), **settings)
    return RayBlendLifter(config).eval()


def draw(seed, shape):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def make_batch(screen, root_depths, **changes):
    """Keypoints (b, t, k, 2) on a screen of 1000 pixels, and labels that know the root's depth."""
    b, t, k, _ = screen.shape
    half, seen = 500.0, torch.ones(b, t, k, dtype=torch.bool)
    intrinsics = torch.tensor(
        [[FOCAL[0], 0, CENTRE[0] + 1], [0, FOCAL[1], CENTRE[1] + 1], [0, 0, 1 / half]]
    )
    joints = torch.zeros(b, t, k, 3, dtype=screen.dtype)
    joints[..., 2] = root_depths[..., None]
    fields = {
        "keypoint_skeleton": H36M,
        "keypoints_px": (screen + 1) * half,
        "keypoints_valid": seen,
        "confidence": seen.float(),
        "image_size_px": torch.full((b, 2), 2 * half),
        "intrinsics": (half * intrinsics).to(screen.dtype).expand(b, 3, 3),
        "skeleton": H36M,
        "joints_cam": joints,
        "valid": seen,
    }
    return PoseBatch(**(fields | changes))


def takes_rays_only(estimator):
    """Make the blend take all of x and y from the rays."""
    torch.nn.init.zeros_(estimator.blend.fc2.weight)
    torch.nn.init.constant_(estimator.blend.fc2.bias, -40.0)


def test_the_pose_on_the_rays_is_the_published_one(monkeypatch):
    estimator = make_estimator(root_depth="label", flip=False).double()
    takes_rays_only(estimator)
    given = draw(43, (2, 1, 17, 3))
    lifted = torch.cat([torch.zeros_like(given[..., :2]), given[..., 2:]], dim=-1)
    monkeypatch.setattr(estimator.lifter, "joints", lambda batch: lifted)
    depths = torch.tensor(ROOT_DEPTHS, dtype=torch.float64)[:, None]
    found = estimator(make_batch(given[..., :2], depths)).joints_cam[:, 0, 0]
    for (pose, joint), expected in ON_RAYS.items():
        assert found[pose, joint].tolist() == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert (found[:, 0] == 0).all()


def test_the_order_of_steps_is_the_published_one():
    """Flip, average, find rays, blend, zero the root: in the terms of the published run.py."""
    estimator = make_estimator(root_depth="label")
    screen = 0.3 * draw(1, (2, 9, 17, 2)).float()
    depths = 4 + draw(2, (2, 9)).float().abs()
    found = estimator(make_batch(screen, depths)).joints_cam[:, 0]
    swap = list(H36M.mirror_index)
    sign = torch.tensor([-1.0, 1.0, 1.0])
    net = estimator.lifter.net
    padded = torch.cat([screen[:, :1]] * 4 + [screen] + [screen[:, -1:]] * 4, dim=1)
    for t in range(9):
        window = padded[:, t : t + 9]
        mirrored = window[:, :, swap] * sign[:2]
        lifted = (net(window)[:, 0] + net(mirrored)[:, 0][:, swap] * sign) / 2
        z = torch.cat([torch.zeros(2, 1), lifted[:, 1:, 2]], dim=1) + depths[:, t, None]
        xy = (screen[:, t] - torch.tensor(CENTRE)) / torch.tensor(FOCAL) * z[..., None]
        rays = torch.cat([xy, z[..., None]], dim=-1)
        rays = rays - rays[:, :1]
        expected = estimator.blend(lifted[:, None], rays[:, None])[:, 0]
        torch.testing.assert_close(found[:, t, 1:], expected[:, 1:], rtol=1e-4, atol=1e-5)
    assert (found[:, :, 0] == 0).all()


def test_true_depths_on_the_rays_give_the_truth(monkeypatch):
    """With the root placed by the keypoints, from nothing but a pose of the right shape."""
    estimator = make_estimator(flip=False).double()
    takes_rays_only(estimator)
    pose = 0.3 * draw(3, (2, 4, 17, 3))
    pose[..., 0, :] = 0
    place = torch.tensor([0.2, -0.1, 4.5], dtype=torch.float64)
    batch = make_batch(torch.zeros(2, 4, 17, 2, dtype=torch.float64), torch.ones(2, 4).double())
    keypoints = project(pose + place, batch.intrinsics[:, None])
    batch = replace(batch, keypoints_px=keypoints, skeleton=None, joints_cam=None, valid=None)
    monkeypatch.setattr(estimator.lifter, "joints", lambda batch: pose)
    torch.testing.assert_close(estimator(batch).joints_cam[:, 0], pose, rtol=0, atol=1e-5)


def test_unseen_keypoints_leave_the_pose_as_lifted():
    estimator = make_estimator(root_depth="label", flip=False)
    takes_rays_only(estimator)
    batch = make_batch(0.3 * draw(1, (1, 9, 17, 2)).float(), torch.full((1, 9), 4.0))
    for joint, kept in ((5, [5]), (0, list(range(1, 17)))):
        seen = batch.keypoints_valid.clone()
        seen[0, 3, joint] = False
        some = replace(batch, keypoints_valid=seen)
        lifted = estimator.lifter.joints(some)[0, 3]
        found = estimator(some).joints_cam[0, 0, 3]
        same = (found == lifted).all(-1)
        assert same.nonzero()[:, 0].tolist() == kept


def test_it_learns_without_the_mirrored_clip():
    estimator = make_estimator(root_depth="label")
    batch = make_batch(0.3 * draw(1, (2, 9, 17, 2)).float(), torch.full((2, 9), 4.0))
    plain = replace(estimator.config, flip=False)
    twin = RayBlendLifter(plain).eval()
    twin.load_state_dict(estimator.state_dict())
    said = estimator.training_forward(batch).joints_cam
    torch.testing.assert_close(said, twin(batch).joints_cam)
    assert not torch.allclose(said, estimator(batch).joints_cam)
    said.square().sum().backward()
    assert all(p.grad is not None for p in estimator.blend.parameters())


def test_it_places_and_is_saved_like_any_other(tmp_path):
    estimator = make_estimator()
    batch = make_batch(0.3 * draw(1, (2, 9, 17, 2)).float(), torch.full((2, 9), 4.0))
    assert estimator(batch).root_cam is None
    assert estimator(mirror_batch(batch)).joints_cam.isfinite().all()
    placing = replace(estimator.config, lifter=replace(LIFTER, places=True))
    assert RayBlendLifter(placing).eval()(batch).root_cam.shape == (2, 1, 9, 3)
    save_estimator(estimator, tmp_path / "blended.safetensors")
    again = load_estimator(tmp_path / "blended.safetensors")
    assert again.config == estimator.config
    assert torch.equal(again(batch).joints_cam, estimator(batch).joints_cam)


def test_what_it_needs():
    batch = make_batch(torch.zeros(1, 9, 17, 2), torch.ones(1, 9))
    with pytest.raises(ValueError, match=r"needs PoseBatch\.intrinsics"):
        make_estimator()(replace(batch, intrinsics=None))
    labelled = make_estimator(root_depth="label")
    with pytest.raises(ValueError, match="truly is, but the labels are of None"):
        labelled(replace(batch, skeleton=None, joints_cam=None, valid=None))
    with pytest.raises(ValueError, match="of 'h36m_17' truly is, but the labels are of 'mpi_inf"):
        labelled(replace(batch, skeleton=skeleton("mpi_inf_3dhp_17")))
    with pytest.raises(ValueError, match="num_joints is 16, but the lifter says 17 joints"):
        RayBlendLifter(RayBlendLifterConfig(LIFTER, RayBlendConfig(16)))
    coco = replace(LIFTER, keypoint_skeleton=skeleton("coco_17"))
    with pytest.raises(ValueError, match="has no joint 'nose'"):
        RayBlendLifter(RayBlendLifterConfig(coco, RayBlendConfig(17)))
    sixteen = replace(
        LIFTER, keypoint_skeleton=skeleton("h36m_16"), net_config=replace(NET, num_keypoints=16)
    )
    with pytest.raises(ValueError, match="joints are blended with their keypoints, but 'h36m_16'"):
        RayBlendLifter(RayBlendLifterConfig(sixteen, RayBlendConfig(17)))
    assert isinstance(make_estimator().lifter, Lifter)
