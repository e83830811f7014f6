"""Bodies: what a person or an animal looks like in a pose.

A body maps (pose, shape, place of the root) to vertices and bones, as `base` says; `joints_of`
gives its joints in any format. Imports io, geometry, skeletons and poses only.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from vitruve.bodies.anny_body import AnnyBody, AnnyConfig
from vitruve.bodies.base import Anatomy, Body, Figure, PosedBody, ShapeParameter, Surface
from vitruve.bodies.capsule import CapsuleBody, CapsuleBone, CapsuleConfig
from vitruve.bodies.capsule_file import read_capsules
from vitruve.bodies.capsule_shapes import DOG, HUMAN
from vitruve.bodies.joints import JointMap, joint_map, joint_weights, joints_of
from vitruve.bodies.limbs import Limbs, limbs_of
from vitruve.bodies.ranges import JointRange
from vitruve.bodies.retarget import RetargetConfig, RetargetedMotion, retarget
from vitruve.bodies.sampling import (
    BodySample,
    SamplingConfig,
    sample_bodies,
    sample_poses,
    sample_shapes,
)
from vitruve.bodies.smpl import SmplBody, SmplConfig

BODIES: dict[str, tuple[Any, Any]] = {
    "anny": (AnnyBody, AnnyConfig()),
    "capsule-dog": (CapsuleBody, DOG),
    "capsule-human": (CapsuleBody, HUMAN),
    "smal": (SmplBody, SmplConfig("smal", num_betas=30)),
    "smpl": (SmplBody, SmplConfig("smpl")),
    "smplx": (SmplBody, SmplConfig("smplx")),
}
"""Name -> (body, its config). Those of the SMPL family need the user's file, all can have one."""

__all__ = [
    "BODIES",
    "Anatomy",
    "AnnyBody",
    "AnnyConfig",
    "Body",
    "BodySample",
    "CapsuleBody",
    "CapsuleBone",
    "CapsuleConfig",
    "Figure",
    "JointMap",
    "JointRange",
    "Limbs",
    "PosedBody",
    "RetargetConfig",
    "RetargetedMotion",
    "SamplingConfig",
    "ShapeParameter",
    "SmplBody",
    "SmplConfig",
    "Surface",
    "joint_map",
    "joint_weights",
    "joints_of",
    "limbs_of",
    "make_body",
    "retarget",
    "sample_bodies",
    "sample_poses",
    "sample_shapes",
    "split_body",
]


def make_body(name: str, file: str | Path | None = None) -> Body:
    """A body of the table, from its own file or the user's.

    Args:
        name: One of `BODIES`, or NAME:FILE.
        file: The model file; of capsule bodies what `capsule_file` reads.

    Raises:
        KeyError: No body has this name.
        FileNotFoundError: The file does not exist.
        ValueError: The body needs a file and got none, or cannot use it.
    """
    name, named_file = split_body(name)
    file = named_file if file is None else file
    if name not in BODIES:
        raise KeyError(f"no body {name!r}; known are {', '.join(sorted(BODIES))}")
    kind, config = BODIES[name]
    if file is None:
        return kind(config)
    if isinstance(config, CapsuleConfig):
        return kind(read_capsules(config, Path(file)))
    return kind(replace(config, file=Path(file)))


def split_body(name: str) -> tuple[str, Path | None]:
    """The body and its file of ``NAME:FILE``; None where there is no file."""
    name, _, file = name.partition(":")
    return name, Path(file) if file else None
