"""People of random bones in pictures: masks, several cameras, warped copies, and a prior."""

import atexit
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import vitruve
from energy_samples import pose_batch
from vitruve.poses import PoseBatch, Prediction

H36M_18 = vitruve.skeleton("h36m_18")


def with_pictures(batch, side=16, seed=2):
    """Give one picture of the middle frame of each clip, at random, a camera and a prior."""
    drawn = torch.Generator().manual_seed(seed)
    b, t, j, _ = batch.joints_cam.shape
    width, height = batch.image_size_px[0]
    places = torch.eye(4).repeat(b, 1, 1)
    places[1::2, 0, 3] = 1.0
    return replace(
        batch,
        images=torch.rand(b, 1, 3, side, side, generator=drawn),
        masks=(torch.rand(b, 1, side, side, generator=drawn) > 0.5).float(),
        crops_px=torch.tensor([0.0, 0.0, width, height]).expand(b, 1, 4),
        image_frames=torch.full((b, 1), t // 2),
        scene=torch.arange(b) // 2,
        T_world_cam=places,
        picture=torch.arange(b) // 2,
        warp=torch.eye(2, 3).repeat(b, 1, 1),
        prior_cam=torch.randn(b, 2, j, 3, generator=drawn),
    )


def detector_batch(skeleton=H36M_18, b=4, side=32, seed=0):
    """One square picture of each, in a crop around its middle."""
    batch = with_pictures(pose_batch(skeleton, b=b, t=1, seed=seed), side, seed)
    return replace(batch, crops_px=torch.tensor([300.0, 200.0, 700.0, 600.0]).expand(b, 1, 4))


def poses_file(skeleton=H36M_18, count=3):
    """A file of random 2D poses, gone when the tests are."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    points = np.random.default_rng(0).normal(size=(count, skeleton.num_joints, 2))
    path = Path(folder.name) / "poses_2d.npz"
    np.savez(path, points=points.astype(np.float32), names=np.array(skeleton.names))
    return str(path)


def says_keypoints(batch: PoseBatch, keypoints_px):
    """A prediction of nothing but these 2D joints, (b, t, j, 2)."""
    joints = torch.zeros(*keypoints_px.shape[:-1], 3).unsqueeze(1)
    return Prediction(batch.keypoint_skeleton, joints, keypoints_px=keypoints_px.unsqueeze(1))
