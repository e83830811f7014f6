import roma
import torch

NAMES = ["anny", "capsule-dog", "capsule-human"]
"""Bodies that need no file of the user's."""


def random_pose(body, *batch, seed=0, size=0.4):
    drawn = torch.Generator().manual_seed(seed)
    rotvec = size * torch.randn(*batch, body.num_bones, 3, generator=drawn)
    return roma.rotvec_to_rotmat(rotvec).to(body.weights)


def random_shape(body, *batch, seed=0):
    drawn = torch.Generator().manual_seed(seed)
    low, high = (
        torch.tensor([getattr(p, end) for p in body.anatomy.shape_parameters])
        for end in ("low", "high")
    )
    return (low + (high - low) * torch.rand(*batch, len(low), generator=drawn)).to(body.weights)
