"""A parallel corpus out of posed bodies: every format's joints of the same person and moment.

A format's joints lie where `vitruve.bodies.joints_of` puts them on the body. So what a corpus
cannot tell is what the body's rules do not: joints that they take to be the same point are the same
point in it.

Axes: n moments, k bones, s shape parameters.
"""

from collections.abc import Iterator, Sequence

import roma
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.bodies import Body, joints_of
from vitruve.data.parallel_corpus import ParallelCorpus
from vitruve.skeletons import Skeleton

CHUNK = 256
"""Moments posed at once."""
CLOSED_DEG = 75.0
"""Most that each joint of a closing hand turns."""
LOOSE_DEG = {
    "finger": 8.0,
    "metacarpal": 2.0,
    "wrist": 20.0,
    "toe": 8.0,
    "foot": 10.0,
    "neck": 6.0,
    "head": 8.0,
    "clavicle": 5.0,
    "spine": 3.0,
}
"""Standard deviation of the turns that bones get beside their pose, by how their names begin."""


def body_corpus(
    body: Body,
    poses: Float[Tensor, "n k 3 3"],
    shapes: Float[Tensor, "n s"],
    formats: Sequence[Skeleton],
    group: Int64[Tensor, "n"],
) -> ParallelCorpus:
    """Pose a body and read every format off it, in the world frame.

    Args:
        body: The body.
        poses: A rotation for each bone.
        shapes: The person of each moment.
        formats: What is read off; joints that the body cannot tell are not valid.
        group: Moments of one number stay together when some are held out.
    """
    parts = list(_chunks(body, poses, shapes, formats))
    joints = torch.cat([joints for joints, _ in parts])
    valid = torch.cat([valid for _, valid in parts])
    return ParallelCorpus(tuple(formats), joints, valid, group)


def _chunks(
    body: Body,
    poses: Float[Tensor, "n k 3 3"],
    shapes: Float[Tensor, "n s"],
    formats: Sequence[Skeleton],
) -> Iterator[tuple[Tensor, Tensor]]:
    for start in range(0, len(poses), CHUNK):
        with torch.no_grad():
            posed = body(poses[start : start + CHUNK], shapes[start : start + CHUNK])
            found = [joints_of(body, posed, one) for one in formats]
        joints = torch.cat([joints for joints, _ in found], 1)
        valid = torch.cat([valid for _, valid in found])
        yield joints, valid.expand(joints.shape[:2])


def loosened(
    body: Body, poses: Float[Tensor, "n k 3 3"], generator: torch.Generator
) -> Float[Tensor, "n k 3 3"]:
    """Poses with what motion capture and samplers leave stiff: hands, feet, neck, collars.

    Without it every hand and foot would be stretched alike, and a corpus would say that fingers and
    toes can be told from wrists and ankles.

    Args:
        body: Whose poses.
        poses: A rotation for each bone.
        generator: Source of all randomness, on the CPU.
    """
    count, names = len(poses), body.anatomy.bone_names
    turns = torch.zeros(count, len(names), 3)
    for k, name in enumerate(names):
        spread_deg = next((deg for part, deg in LOOSE_DEG.items() if name.startswith(part)), 0.0)
        turns[:, k] = spread_deg * torch.randn(count, 3, generator=generator)
    for letter, sign in (("L", 1.0), ("R", -1.0)):
        # Palms are down in the rest pose: a hand closes about the axis from chest to back.
        closed = CLOSED_DEG * torch.rand(count, generator=generator) * sign
        for k, name in enumerate(names):
            if name.startswith("finger") and name.endswith(letter):
                turns[:, k, 1] += closed * (0.4 if name.startswith("finger1") else 1.0)
    loose = roma.rotvec_to_rotmat(turns.deg2rad())
    return poses @ loose.to(poses)
