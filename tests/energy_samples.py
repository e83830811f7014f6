"""Poses of any skeleton before a camera, and small loss-nets that know them."""

import torch

import vitruve
from vitruve.geometry.projection import project
from vitruve.nets import ENERGIES
from vitruve.poses import PoseBatch, Prediction

H36M = vitruve.skeleton("h36m_17")
SIZE_PX = (1000.0, 800.0)
FOCAL_PX = 900.0
SMALL = {
    "graph": {"channels": 16, "depth": 2, "num_heads": 2, "identity_channels": 4},
    "mlp": {"width": 32},
}
"""Settings that make each loss-net of the table small."""


def energy_config(name, skeleton=H36M, **settings):
    return ENERGIES[name][1](skeleton, **{**SMALL[name], **settings})


def make_energy(name, skeleton=H36M, **settings):
    return ENERGIES[name][0](energy_config(name, skeleton, **settings))


def intrinsics(*batch):
    matrix = [[FOCAL_PX, 0.0, SIZE_PX[0] / 2], [0.0, FOCAL_PX, SIZE_PX[1] / 2], [0.0, 0.0, 1.0]]
    return torch.tensor(matrix).expand(*batch, 3, 3)


def pose_batch(skeleton=H36M, b=4, t=3, *, distortion=None, seed=0):
    """People of random bones that sway 4 to 6 metres away, exactly seen and wholly labelled."""
    drawn = torch.Generator().manual_seed(seed)
    rest = 0.25 * torch.randn(b, 1, skeleton.num_joints, 3, generator=drawn)
    sway = 0.05 * torch.randn(b, 1, skeleton.num_joints, 3, generator=drawn)
    phase = torch.arange(t)[None, :, None, None] / 2 + torch.rand(b, 1, 1, 1, generator=drawn)
    relative = rest + sway * phase.sin()
    relative = relative - relative[..., skeleton.root, None, :]
    place = torch.rand(b, 1, 1, 3, generator=drawn) * torch.tensor([1.0, 0.6, 2.0])
    joints_cam = relative + place + torch.tensor([-0.5, -0.3, 4.0])
    lens = None if distortion is None else torch.tensor(distortion).expand(b, len(distortion))
    K = intrinsics(b)
    seen = torch.ones(joints_cam.shape[:-1], dtype=torch.bool)
    return PoseBatch(
        keypoint_skeleton=skeleton,
        keypoints_px=project(joints_cam, K[:, None], None if lens is None else lens[:, None]),
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=torch.tensor(SIZE_PX).expand(b, 2),
        intrinsics=K,
        distortion=lens,
        skeleton=skeleton,
        joints_cam=joints_cam,
        valid=seen,
    )


def relative_joints(batch):
    """The batch's labels relative to the root, (b, t, j, 3)."""
    return batch.joints_cam - batch.joints_cam[..., batch.skeleton.root, None, :]


def near_truth(batch, std_m=0.1, hypotheses=1, seed=1):
    """A prediction that misses every joint but the root by about so much."""
    drawn = torch.Generator().manual_seed(seed)
    truth = relative_joints(batch).unsqueeze(1)
    shape = (truth.shape[0], hypotheses, *truth.shape[2:])
    joints = truth + std_m * torch.randn(shape, generator=drawn)
    return Prediction(batch.skeleton, joints - joints[..., batch.skeleton.root, None, :])
