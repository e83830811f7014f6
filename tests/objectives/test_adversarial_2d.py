"""The game of 2D poses: what its players see, who gets which gradient, and that it teaches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from energy_samples import near_truth
from picture_samples import H36M_18, detector_batch
from vitruve.data.own.poses_2d import write_poses_2d
from vitruve.io.errors import FileError
from vitruve.io.keypoint_file import write_keypoints
from vitruve.nets.pose_discriminator import DiscriminatorConfig
from vitruve.objectives import OBJECTIVES, Term, frozen
from vitruve.objectives.pictured import picture_points
from vitruve.poses import KeypointSequence, Prediction
from vitruve.skeletons import skeleton


def write(path, points, names=H36M_18.names):
    np.savez(path, points=points, names=np.array(names))
    return str(path)


def make(path, players="graph", **settings):
    players = DiscriminatorConfig(H36M_18, players, channels=16, hidden=16, dropout=0.0)
    kind, config = OBJECTIVES["adversarial_2d"]
    return kind(config(players, poses=str(path), **settings))


@pytest.fixture
def standing(tmp_path):
    """One pose, its right side lower than its left."""
    points = np.random.default_rng(0).normal(size=(1, 18, 2)).astype(np.float32)
    write(tmp_path / "poses.npz", points)
    return tmp_path / "poses.npz", torch.from_numpy(points[0])


def seen(batch):
    guess = near_truth(batch)
    return replace(guess, keypoints_px=batch.keypoints_px.unsqueeze(1))


def test_players_see_neither_place_nor_size(standing):
    path, pose = standing
    objective, batch = make(path), detector_batch()
    guess = seen(batch)
    made = objective.made(guess, batch)
    moved = replace(guess, keypoints_px=3 * guess.keypoints_px + 50)
    torch.testing.assert_close(objective.made(moved, batch), made, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(made.norm(dim=-1).mean(-1), torch.ones(made.shape[:2]))
    assert made.shape == (1, len(picture_points(guess, batch)[0]), 18, 3)
    assert not made[..., 2].any()
    real = objective.real(guess, batch)
    alike = (pose - pose[0]) / (pose - pose[0]).norm(dim=-1).mean()
    flipped = alike[list(H36M_18.mirror_index)] * torch.tensor([-1.0, 1.0])
    away = torch.stack([(real[..., :2] - x).abs().amax((1, 2)) for x in (alike, flipped)])
    assert away.amin(0).max() < 1e-5


def test_poses_are_turned_as_pictures_are(standing):
    path, _ = standing
    batch = detector_batch(b=64)
    torch.manual_seed(0)
    real = make(path, roll_deg=30.0).real(seen(batch), batch)[..., :2]
    straight = make(path).real(seen(batch), batch)[..., :2]
    torch.testing.assert_close(real.norm(dim=-1).mean(-1), torch.ones(len(real)))
    spread = real.std(0).norm(), straight.std(0).norm()
    assert spread[0] > 1.1 * spread[1]


def test_2d_joints_get_the_gradient_and_the_discriminator_none(standing):
    objective, batch = make(standing[0]), detector_batch()
    guess = seen(batch)
    points, joints = guess.keypoints_px.requires_grad_(), guess.joints_cam.requires_grad_()
    with frozen([objective]):
        loss = objective.loss(replace(guess, keypoints_px=points, joints_cam=joints), batch)
        loss.backward()
    assert (points.grad.abs().sum((0, 1, 2, 4)) > 0).all()
    assert joints.grad is None
    assert all(p.grad is None for p in objective.parameters())
    objective.own_loss(guess.detach(), batch).backward()
    assert all(p.grad.abs().sum() > 0 for p in objective.parameters())


def test_points_move_towards_the_poses(tmp_path):
    batch, drawn = detector_batch(b=8), torch.Generator().manual_seed(0)
    height = torch.linspace(-0.8, 0.8, 18)
    height = (height + height[list(H36M_18.mirror_index)]) / 2
    standing = torch.stack([torch.zeros(18), height], 1)
    wanted = (standing - standing[0]) / (standing - standing[0]).norm(dim=-1).mean()
    poses = standing + 0.05 * torch.randn(64, 18, 2, generator=drawn)
    write(tmp_path / "p.npz", poses.numpy())
    torch.manual_seed(0)
    objective = make(tmp_path / "p.npz", "mlp")
    points = torch.nn.Parameter(300 + 100 * torch.rand(18, 2, generator=drawn))
    moving = torch.optim.Adam([points], lr=0.5, betas=(0.5, 0.9))
    learning = Term(objective, learning_rate=3e-3).make_optimizer()

    def said() -> Prediction:
        return replace(near_truth(batch), keypoints_px=points.expand(8, 1, 1, 18, 2))

    def away() -> float:
        made = objective.made(said(), batch)[0, 0, :, :2]
        return (made - wanted).norm(dim=-1).mean().item()

    first = away()
    for _ in range(250):
        learning.zero_grad()
        objective.own_loss(said().detach(), batch).backward()
        learning.step()
        moving.zero_grad()
        with frozen([objective]):
            objective.loss(said(), batch).backward()
        moving.step()
    assert away() < 0.6 * first


def test_files_of_keypoints_become_poses_of_the_joints_that_are_learnt(tmp_path):
    coco, frames = skeleton("coco_17"), 5
    points = torch.from_numpy(
        np.random.default_rng(0).uniform(0, 100, (frames, 17, 2)).astype(np.float32)
    )
    valid = torch.ones(frames, 17, dtype=torch.bool)
    valid[2, coco.names.index("left_hip")] = False
    person = KeypointSequence(
        coco, points, valid, valid.float(), torch.arange(frames), 30.0, (100, 100)
    )
    write_keypoints([person], tmp_path / "in.npz")
    out = tmp_path / "poses.npz"
    assert write_poses_2d(tmp_path / "in.npz", H36M_18, out) == 4
    objective = make(out)
    left, right = (coco.names.index(f"{side}_hip") for side in ("left", "right"))
    kept = points[[0, 1, 3, 4]]
    torch.testing.assert_close(objective._poses[:, 0], kept[:, [left, right]].mean(1))
    hidden = replace(person, valid=valid & (torch.arange(17) > 0) & (torch.arange(17) < 11))
    write_keypoints([hidden], tmp_path / "none.npz")
    with pytest.raises(FileError, match="in no frame are all joints of 'h36m_18'"):
        write_poses_2d(tmp_path / "none.npz", H36M_18, out)


def test_other_files_are_refused(tmp_path):
    good = np.zeros((2, 18, 2), np.float32)
    for points, names, match in (
        (good, ("pelvis",), "no 2D poses of joints 'h36m_18'"),
        (good[..., :1], H36M_18.names, r"must be \(n, 18, 2\)"),
        (good[:0], H36M_18.names, "not empty"),
        (good + np.float32(np.nan), H36M_18.names, "must be finite"),
    ):
        with pytest.raises(FileError, match=match):
            make(write(tmp_path / "p.npz", points, names))
    with pytest.raises(FileNotFoundError):
        make(tmp_path / "nowhere.npz")
