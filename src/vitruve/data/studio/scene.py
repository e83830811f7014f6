"""One scene of Studio: who stands how before which cameras.

Axes: t frames, k bones, v vertices, s shape parameters, j joints, c cameras. World z up, floor at
z = 0, the rig's centre above the origin; metres.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache

import roma
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from vitruve.bodies import Body, joints_of
from vitruve.data.cameras.virtual import h36m_rigs, rig_centre
from vitruve.data.studio.config import StudioConfig, generator_of, split_of
from vitruve.skeletons import skeleton

JOINTS, ANIMAL_JOINTS = "h36m_18", "stanfordextra_24"
"""Formats of the joints that are stored; others follow from the pose."""
RADIUS_M = 0.8
"""People stand anywhere within this distance of the rig's centre."""
_ADULT = {"age": (0.45, 1.0), "height": (0.2, 0.75), "muscle": (0.15, 0.85), "weight": (0.15, 0.85)}
"""Narrower ranges of shape parameters: grown people of sizes that one meets."""


@dataclass(frozen=True, eq=False)
class Motion:
    """Some frames of a motion."""

    pose: Float[Tensor, "t k 3 3"]
    """A rotation for each bone, as `bodies.base` says, in the world."""
    root: Float[Tensor, "t 3"] | None
    """Where the root is, metres; None where only the pose is known."""
    clip: str
    """What it was taken from; empty if it was drawn."""
    frames: Int64[Tensor, "t"]
    """Frames of the clip."""


class MotionSource(ABC):
    """Where motions come from."""

    @abstractmethod
    def draw(
        self, body: Body, shape: Float[Tensor, "s"], split: int, generator: torch.Generator
    ) -> Motion:
        """Frames of a motion of one split, for a body of this shape."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What there is to be seen."""

    number: int
    split: int
    person: int
    motion: Motion
    shape: Float[Tensor, "s"]
    root: Float[Tensor, "t 3"]
    vertices_world: Float[Tensor, "t v 3"]
    joints_world: Float[Tensor, "t j 3"]
    valid: Bool[Tensor, "j"]
    intrinsics: Float[Tensor, "c 3 3"]
    """Of the whole pictures, without distortion, pixels."""
    T_world_cam: Float[Tensor, "c 4 4"]


@torch.no_grad()
def set_scene(config: StudioConfig, body: Body, motions: MotionSource, number: int) -> Scene:
    """A scene, the same whenever it is made."""
    drawn = generator_of(config.seed, "scene", number)
    split = split_of(config, "scene", number)
    person = _draw_person(config, split, drawn)
    shape = shape_of(config, body, person)
    motion = motions.draw(body, shape, split, drawn)
    yaw, angle, away = torch.rand(3, generator=drawn).tolist()
    turn = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, 2 * torch.pi * yaw]))
    spot = RADIUS_M * away**0.5 * torch.tensor([1.0, 0.0, 0.0])
    spot = roma.rotvec_to_rotmat(torch.tensor([0.0, 0.0, 2 * torch.pi * angle])) @ spot
    pose = motion.pose.clone()
    pose[:, 0] = turn @ pose[:, 0]
    root = _place(body, pose, shape, motion, turn) + spot
    posed = body(pose, shape.expand(len(pose), -1), root)
    joints, valid = joints_of(body, posed, skeleton(joint_format(body)))
    rigs = sorted(h36m_rigs())
    rig = rigs[int(torch.randint(len(rigs), (), generator=drawn))]
    moved = Motion(pose, root, motion.clip, motion.frames)
    return Scene(
        number, split, person, moved, shape, root, posed.vertices, joints, valid, *_rig(rig)
    )


def joint_format(body: Body) -> str:
    """Format of the joints that are stored of a body."""
    return JOINTS if "left_shoulder" in body.anatomy.roles else ANIMAL_JOINTS


def moved_bones(body: Body) -> list[int]:
    """The bones whose rotation is stored; the others are at rest."""
    return sorted({body.bone(role) for role in body.anatomy.roles})


def shape_of(config: StudioConfig, body: Body, person: int) -> Float[Tensor, "s"]:
    """The shape of a person of this number."""
    drawn = generator_of(config.seed, "person", person)
    spans = [_ADULT.get(p.name, (p.low, p.high)) for p in body.anatomy.shape_parameters]
    low, high = torch.tensor(spans).T
    # The mean of two draws: few people are extreme.
    return torch.lerp(low, high, torch.rand(2, len(spans), generator=drawn).mean(0))


def _draw_person(config: StudioConfig, split: int, drawn: torch.Generator) -> int:
    """A person of the split; people belong to one split each."""
    while True:
        person = int(torch.randint(config.people, (), generator=drawn))
        if split_of(config, "person", person) == split:
            return person


def _place(
    body: Body,
    pose: Float[Tensor, "t k 3 3"],
    shape: Float[Tensor, "s"],
    motion: Motion,
    turn: Float[Tensor, "3 3"],
) -> Float[Tensor, "t 3"]:
    """Where the root goes: as the motion has it, its middle above the origin; else on the floor.

    Feet of another body than the motion's may reach below the floor: the whole piece is lifted.
    """
    root = pose.new_zeros(len(pose), 3) if motion.root is None else motion.root @ turn.T
    lowest = body(pose, shape.expand(len(pose), -1), root).vertices[..., 2].amin(1)
    up = -lowest if motion.root is None else -lowest.amin().clamp(max=0)
    middle = (root.amin(0) + root.amax(0)) / 2
    return root - middle * torch.tensor([1.0, 1.0, 0.0]) + up[..., None] * torch.tensor([0, 0, 1.0])


@cache
def _rig(name: str) -> tuple[Float[Tensor, "c 3 3"], Float[Tensor, "c 4 4"]]:
    """Intrinsics and places of a published rig, its centre moved above the origin."""
    cameras = h36m_rigs()[name]
    T_world_cam = torch.stack([c.T_world_cam for c in cameras if c.T_world_cam is not None])
    T_world_cam[:, :2, 3] -= rig_centre(cameras).float()
    return torch.stack([c.intrinsics for c in cameras]), T_world_cam
