"""A parallel corpus out of posed bodies: every format's joints of the same person and moment.

A format's joints lie where `vitruve.bodies.joints_of` puts them on the body. So what a corpus
cannot tell is what the body's rules do not: joints that they take to be the same point are the same
point in it.

Axes: n moments, k bones, s shape parameters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import roma
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.bodies import (
    Body,
    RetargetConfig,
    joints_of,
    make_body,
    retarget,
    sample_bodies,
    sample_shapes,
)
from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.data.motion import cmu_archive
from vitruve.skeletons import Skeleton

Tell = Callable[[str, int, int | None], None]
"""Told what is done, how far and of how much."""
CHUNK = 256
"""Moments posed at once."""
FOLLOW = RetargetConfig(steps=50)
"""How closely clips are followed: their poses go to other people, so that nearly will do."""
PERSON = 10
"""Moments of a clip after which another person goes on."""
BRIDGED = (
    "h36m_17", "h36m_25", "mpi_inf_3dhp_17", "mpi_inf_3dhp_28", "coco_17", "coco_19",
    "openpose_25", "halpe_26", "mpii_16", "posetrack18_17", "lsp_14", "smpl_24", "smplx_55",
    "3dpw_18", "umpm_15", "humaneva_15", "aspset_17", "jrdb_17", "mediapipe_33", "cmu_amc_31",
    "makehuman_mixamo_52", "vitruve_19",
)  # fmt: skip
"""Formats of the packaged bridge."""
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


@dataclass(frozen=True)
class CorpusConfig:
    """What people are made."""

    motion: Path | None = None
    """Motion archive (`motion.cmu_archive`) that poses come from; drawn poses alone if None."""
    split: str = "train"
    """Which clips of the archive."""
    moments: int = 8000
    """Moments of the clips, evenly spread over them."""
    drawn: int = 4000
    """Drawn poses beside them."""
    seed: int = 0
    """Of people, drawn poses, hands and feet."""


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


def make_corpus(
    formats: Sequence[Skeleton], config: CorpusConfig, tell: Tell | None = None
) -> ParallelCorpus:
    """People of many shapes in the poses of recorded clips and in drawn ones.

    Raises:
        FileNotFoundError: There is no archive where the config says.
        ValueError: The archive is damaged or has no clip of the split, or no moments are wanted.
    """
    body = make_body("anny")
    generator = torch.Generator().manual_seed(config.seed)
    found = []
    if config.motion is not None and config.moments:
        found += list(_recorded(body, config, generator, tell))
    if config.drawn:
        drawn = sample_bodies(body, config.drawn, generator)
        found.append((drawn.pose, drawn.shape))
    if not found:
        raise ValueError("no moments are wanted: ask for drawn poses, or give a motion archive")
    poses, shapes = (torch.cat(x) for x in zip(*found, strict=True))
    # A clip is a group; of the drawn poses everyone is.
    lengths = [len(pose) for pose, _ in found]
    if config.drawn:
        lengths = lengths[:-1] + [1] * config.drawn
    group = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
    return body_corpus(body, loosened(body, poses, generator), shapes, formats, group)


def _recorded(
    body: Body, config: CorpusConfig, generator: torch.Generator, tell: Tell | None
) -> Iterator[tuple[Float[Tensor, "t k 3 3"], Float[Tensor, "t s"]]]:
    """Poses of recorded clips, on a new person every few moments."""
    clips = [
        (torch.from_numpy(clip.joints_world), clip.skeleton, clip.fps)
        for clip in cmu_archive.read(config.motion or "", config.split)
        if clip.joints_world is not None
    ]
    if not clips:
        raise ValueError(f"{config.motion} has no clip of the split {config.split!r}")
    every = max(1, sum(len(joints) for joints, _, _ in clips) // config.moments)
    done = 0
    for all_joints, known, fps in clips:
        joints = all_joints[::every]
        moved = retarget(body, joints, known, fps / every, config=FOLLOW)
        people = sample_shapes(body, -(-len(joints) // PERSON), generator)
        done += len(joints)
        if tell is not None:
            tell("retarget", done, None)
        yield moved.pose, people.repeat_interleave(PERSON, 0)[: len(joints)]
