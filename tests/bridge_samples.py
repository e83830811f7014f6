"""People of random joints in several formats at once, and small bridges between them."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

import torch

from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.nets.affine_autoencoder import AffineAutoencoder, AffineAutoencoderConfig
from vitruve.nets.bridge_file import write_bridge
from vitruve.nets.skeleton_bridge import SkeletonBridge
from vitruve.skeletons import Skeleton, merge

ENDS = Skeleton(
    "ends",
    ("pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"),
    (-1, 0, 0, 1, 2, 3, 4),
)
MIDDLES = Skeleton(
    "middles",
    ("left_thigh", "right_thigh", "left_shank", "right_shank", "hips"),
    (4, 4, 0, 1, -1),
    definitions="own",
)
PLANTED = {
    "left_thigh": {"left_hip": 0.5, "left_knee": 0.5},
    "right_thigh": {"right_hip": 0.5, "right_knee": 0.5},
    "left_shank": {"left_knee": 0.75, "left_ankle": 0.25},
    "right_shank": {"right_knee": 0.75, "right_ankle": 0.25},
    "hips": {"left_hip": 0.5, "right_hip": 0.5},
}
"""What each joint of ``middles`` is, by joints of ``ends``."""


def planted():
    """The weights of ``PLANTED``, (5, 7)."""
    weights = torch.zeros(MIDDLES.num_joints, ENDS.num_joints)
    for name, parts in PLANTED.items():
        for joint, weight in parts.items():
            weights[MIDDLES.index(name), ENDS.index(joint)] = weight
    return weights


def corpus(n=600, missing=0.0, seed=0):
    """Seven random points and the points planted between them."""
    draw = torch.Generator().manual_seed(seed)
    place = torch.randn(n, 1, 3, generator=draw) + torch.tensor([0.0, 0.0, 6.0])
    ends = 0.4 * torch.randn(n, ENDS.num_joints, 3, generator=draw) + place
    joints = torch.cat([ends, planted() @ ends], 1)
    valid = torch.rand(joints.shape[:2], generator=draw) >= missing
    joints = torch.where(valid[..., None], joints, torch.tensor(9e3))
    return ParallelCorpus((ENDS, MIDDLES), joints, valid, torch.arange(n) // 20, "camera")


def untrained(formats, num_latents=3):
    """A bridge of first weights and made-up moments, each part of the right shape."""
    merged = merge(formats)
    net = AffineAutoencoder(AffineAutoencoderConfig(merged, num_latents))
    sizes = [one.num_joints + num_latents for one in formats]
    draw = torch.Generator().manual_seed(0)
    points = [torch.randn(m, 3 * m, generator=draw) for m in sizes]
    return SkeletonBridge(
        tuple(formats),
        net.encoder.detach(),
        net.decoder.detach(),
        net.config.latents_per_side,
        tuple(x @ x.T / len(x) for x in points),
        torch.full((len(formats), merged.num_joints), 0.01),
        torch.full((len(formats), merged.num_joints), torch.nan),
    )


@cache
def bridge_file(*formats):
    """A file of `untrained`, gone when the tests are."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "bridge.safetensors"
    write_bridge(untrained(formats), path)
    return str(path)
