"""Clips with known joints for the tests of the file formats."""

import numpy as np
import torch

import vitruve
from vitruve.geometry.camera import Camera
from vitruve.geometry.kinematics import forward_kinematics
from vitruve.poses import PoseSequence
from vitruve.skeletons import Skeleton

BENT = {
    "spine": (0.0, 0.05, 0.22),
    "thorax": (0.0, 0.0, 0.25),
    "neck": (0.0, -0.02, 0.1),
    "head": (0.0, 0.0, 0.12),
    "hip": (0.13, 0.0, 0.0),
    "shoulder": (0.15, 0.0, -0.02),
    "knee": (0.0, 0.0, -0.45),
    "ankle": (0.0, 0.02, -0.44),
    "elbow": (0.28, 0.0, 0.0),
    "wrist": (0.25, 0.0, 0.0),
}


def rigid_joints(skeleton: Skeleton, num_frames: int, seed: int = 0) -> torch.Tensor:
    """A figure of constant bone lengths that walks about and turns at every joint."""
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.zeros(skeleton.num_joints, 3, dtype=torch.float64)
    for j, name in enumerate(skeleton.names):
        side = -1.0 if name.startswith("right") else 1.0
        for word, offset in BENT.items():
            if word in name and skeleton.parents[j] >= 0:
                offsets[j] = torch.tensor(offset, dtype=torch.float64) * torch.tensor([side, 1, 1])
    t = torch.linspace(0, 3, num_frames, dtype=torch.float64)[:, None, None]
    phase = torch.rand(1, skeleton.num_joints, 3, generator=generator, dtype=torch.float64) * 6
    angles = 0.7 * torch.sin(t * 2 + phase)
    angles[:, 0, 2] += 2.5 * t[:, 0, 0]
    zero = torch.zeros_like(angles[..., 0])
    x, y, z = angles.unbind(-1)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    root = torch.cat(
        [t[:, 0] * 0.8, 0.1 * torch.sin(t[:, 0]), 0.93 + 0.05 * torch.cos(t[:, 0])], -1
    )
    return forward_kinematics(torch.matrix_exp(skew), offsets, root, skeleton.parents)[0]


def sample(num_frames: int = 20, skeleton: str = "h36m_17", gaps: bool = True) -> PoseSequence:
    """A clip with everything a file should keep."""
    joint_set = vitruve.skeleton(skeleton)
    joints = rigid_joints(joint_set, num_frames)
    valid = torch.ones(joints.shape[:2], dtype=torch.bool)
    frames = torch.arange(num_frames) + 7
    if gaps:
        valid[3:6, joint_set.num_joints - 1] = False
        frames[num_frames // 2 :] += 4
    T_world_cam = torch.eye(4)
    T_world_cam[:3] = torch.tensor([[1.0, 0, 0, 0.5], [0, 0, 1, -4.0], [0, -1, 0, 1.2]])
    return PoseSequence(
        skeleton=joint_set,
        joints_world=joints.float(),
        valid=valid,
        frames=frames,
        fps=59.94,
        spread=torch.rand(joints.shape[:2]) * 0.1,
        camera=Camera(
            intrinsics=torch.tensor([[1100.25, 0, 640.5], [0, 1099.75, 360], [0, 0, 1]]),
            image_size_px=(1280, 720),
            distortion=torch.tensor([0.01, -0.02, 0.001, 0.0, 0.003]),
            T_world_cam=T_world_cam,
        ),
        person=3,
        model="lifter 1.2 “é”, with, commas",
    )


def assert_same(read: PoseSequence, written: PoseSequence, *, spread: bool = True) -> None:
    """Everything a file should keep, kept; joints within 1e-5 m."""
    assert read.skeleton == written.skeleton
    assert torch.equal(read.valid, written.valid)
    assert torch.equal(read.frames, written.frames)
    assert abs(read.fps - written.fps) < 1e-6
    assert (read.person, read.model) == (written.person, written.model)
    seen = written.valid
    assert (read.joints_world - written.joints_world)[seen].abs().max() < 1e-5
    if spread and written.spread is not None:
        assert read.spread is not None
        torch.testing.assert_close(read.spread, written.spread, atol=1e-6, rtol=0)
    if written.camera is not None:
        assert read.camera is not None
        assert read.camera.image_size_px == written.camera.image_size_px
        for name in ("intrinsics", "distortion", "T_world_cam"):
            assert torch.equal(getattr(read.camera, name), getattr(written.camera, name))


def y_up(joints: torch.Tensor) -> np.ndarray:
    """The house's joints as a y-up file should have them."""
    x, y, z = joints.double().unbind(-1)
    return torch.stack([x, z, -y], -1).numpy()
