"""Postures that motion capture lacks: bent trunks, thrown arms, tilted and lying bodies.

Mocap is full of upright people; cameras see people who stoop, lean and fall. Each function turns
parts of a body about the joint they hang on, so bone lengths stay.

Axes: b windows, t frames, j joints. World z up, metres, radians.
"""

import math
from dataclasses import dataclass

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.lifting.augment import bones_of, joints_of, pelvis_frame
from vitruve.data.lifting.body_parts import body_parts
from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True)
class BendConfig:
    """How bodies are bent; probabilities are per window."""

    trunk: float = 0.45
    """Probability of a bent trunk."""
    flexion_deg: tuple[float, float] = (-20.0, 85.0)
    """Range of the forward bend; small bends are more frequent than large ones."""
    side_deg: float = 14.0
    """Standard deviation of the sideways bend."""
    twist_deg: float = 18.0
    """Standard deviation of the trunk's twist."""
    drift_deg: float = 8.0
    """Standard deviation of how far the bend changes from the middle to the end of a window."""
    arm: float = 0.25
    """Probability of each arm to be turned about its shoulder."""
    arm_deg: float = 40.0
    """Standard deviation of that turn, about each axis."""
    tilt: float = 0.35
    """Probability of a body tilted as a whole."""
    tilt_deg: float = 14.0
    """Standard deviation of that tilt, about each level axis."""
    lie: float = 0.04
    """Probability of a body that lies, on any side."""
    shoulder_drop_m: tuple[float, float] = (0.0, 0.0)
    """Range of how far shoulders and arms are lowered along the trunk: where a detector puts the
    shoulder, relative to the recorded joint."""


def bend_bodies(
    joints_world: Float[Tensor, "b t j 3"],
    skeleton: Skeleton,
    config: BendConfig,
    generator: torch.Generator,
) -> Float[Tensor, "b t j 3"]:
    """Apply every posture of ``config`` about each body's root, which stays where it is.

    Raises:
        KeyError: The skeleton lacks hips, shoulders, a spine or a thorax.
    """
    b = len(joints_world)
    chance = torch.rand(4, b, generator=generator)
    turn = trunk_turn(joints_world, skeleton, config, generator)
    turn = turn * (chance[0] < config.trunk)[:, None, None]
    joints = bend_trunk(joints_world, skeleton, turn)
    for side, draw in (("left", chance[1]), ("right", chance[2])):
        throw = math.radians(config.arm_deg) * torch.randn(b, 3, generator=generator)
        throw = throw * (draw < config.arm)[:, None]
        joints = turn_below(joints, skeleton, f"{side}_elbow", throw[:, None])
    joints = drop_shoulders(joints, skeleton, config.shoulder_drop_m, generator)
    return tilt_bodies(joints, skeleton, config, generator)


def trunk_turn(
    joints_world: Float[Tensor, "b t j 3"],
    skeleton: Skeleton,
    config: BendConfig,
    generator: torch.Generator,
) -> Float[Tensor, "b t 3"]:
    """Rotation vectors of the trunk: a drawn bend that changes evenly over the window."""
    b, t = joints_world.shape[:2]
    even, normal = torch.rand(2, b, generator=generator), torch.randn(4, b, generator=generator)
    low, high = config.flexion_deg
    time = torch.linspace(-1, 1, t)
    flexion = ((low + (high - low) * even[0]) * even[1])[:, None]
    flexion = flexion + config.drift_deg * normal[0][:, None] * time
    side = config.side_deg * (normal[1][:, None] + 0.3 * normal[2][:, None] * time)
    twist = (config.twist_deg * normal[3])[:, None].expand(b, t)
    right, forward, up = pelvis_frame(joints_world, skeleton).unbind(-1)
    # About the axis to the left, up turns towards forward.
    angles = torch.deg2rad(torch.stack([-flexion, side, twist]))[..., None]
    return angles[0] * right + angles[1] * forward + angles[2] * up


def bend_trunk(
    joints_world: Float[Tensor, "b t j 3"], skeleton: Skeleton, turn: Float[Tensor, "b t 3"]
) -> Float[Tensor, "b t j 3"]:
    """Turn everything above the spine by ``turn``, and the lower spine by half of it."""
    bones = bones_of(joints_world, body_parts(skeleton))
    spine = skeleton.index("spine")
    above = body_parts(skeleton).below[:, spine].clone()
    above[spine] = False
    whole = roma.rotvec_to_rotmat(turn)[..., None, :, :]
    half = roma.rotvec_to_rotmat(turn / 2)[..., None, :, :]
    turned = (whole @ bones[..., None]).squeeze(-1)
    lower = (half @ bones[..., None]).squeeze(-1)
    own = torch.arange(skeleton.num_joints) == spine
    bones = torch.where(above[:, None], turned, torch.where(own[:, None], lower, bones))
    return joints_of(bones, body_parts(skeleton))


def turn_below(
    joints_world: Float[Tensor, "b t j 3"],
    skeleton: Skeleton,
    joint: str,
    turn: Float[Tensor, "b #t 3"],
) -> Float[Tensor, "b t j 3"]:
    """Turn the bone that ends at ``joint``, and all that hangs on it."""
    parts = body_parts(skeleton)
    bones = bones_of(joints_world, parts)
    turned = (roma.rotvec_to_rotmat(turn)[..., None, :, :] @ bones[..., None]).squeeze(-1)
    moved = parts.below[:, skeleton.index(joint)]
    return joints_of(torch.where(moved[:, None], turned, bones), parts)


def drop_shoulders(
    joints_world: Float[Tensor, "b t j 3"],
    skeleton: Skeleton,
    span_m: tuple[float, float],
    generator: torch.Generator,
) -> Float[Tensor, "b t j 3"]:
    """Lower shoulders and arms along the trunk by a distance drawn for each body."""
    low, high = span_m
    drop = low + (high - low) * torch.rand(len(joints_world), 1, 1, 1, generator=generator)
    below = body_parts(skeleton).below
    arms = below[:, skeleton.index("left_shoulder")] | below[:, skeleton.index("right_shoulder")]
    trunk = joints_world[..., skeleton.index("thorax"), :] - joints_world[..., skeleton.root, :]
    along = torch.nn.functional.normalize(trunk, dim=-1)[..., None, :]
    return joints_world - drop * along * arms[:, None]


def tilt_bodies(
    joints_world: Float[Tensor, "b t j 3"],
    skeleton: Skeleton,
    config: BendConfig,
    generator: torch.Generator,
) -> Float[Tensor, "b t j 3"]:
    """Turn whole bodies about a level axis through the root: a little, or onto the floor."""
    b = len(joints_world)
    chance, way = torch.rand(2, b, generator=generator), torch.rand(b, generator=generator)
    level = math.radians(config.tilt_deg) * torch.randn(b, 2, generator=generator)
    level = level * (chance[0] < config.tilt)[:, None]
    flat = math.pi / 2 * torch.stack([(2 * math.pi * way).cos(), (2 * math.pi * way).sin()], -1)
    level = torch.where((chance[1] < config.lie)[:, None], flat, level)
    turn = roma.rotvec_to_rotmat(torch.cat([level, torch.zeros(b, 1)], -1))
    root = joints_world[..., skeleton.root : skeleton.root + 1, :]
    return (joints_world - root) @ turn[:, None].mT + root
