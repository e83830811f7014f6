"""Variations of bodies and views that keep the labels true.

Axes: b windows, t frames, j joints, k keypoints. World z up, metres. Every draw comes from the
generator that is passed in. Bones are vectors from parent to joint; a root's "bone" is its place.
"""

import math
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.data.lifting.body_parts import BodyParts, body_parts
from vitruve.poses import PoseBatch, mirror_batch
from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True)
class BodyConfig:
    """How bodies and motions vary; probabilities are per window."""

    size: tuple[float, float] = (0.8, 1.15)
    """Stature over the recorded stature: 1.36 to 1.96 m for a person of 1.70 m."""
    bone_spread: float = 0.12
    """Each bone is up to this fraction longer or shorter, alike on both sides."""
    mirror: float = 0.5
    """Probability of a mirrored motion."""
    mix: float = 0.15
    """Probability of legs from another window."""
    jitter: float = 0.3
    """Probability that one limb is turned by the same rotation throughout."""
    jitter_deg: float = 40.0
    """Largest such turn, degrees."""
    sit: float = 0.05
    """Probability of legs posed as if on a seat; needs joints named hip, knee and ankle."""


def flip(batch: PoseBatch, which: Bool[Tensor, "b"]) -> PoseBatch:
    """Mirror the image, the 3D and the lens of the chosen examples; left becomes right."""
    mirrored, chosen = mirror_batch(batch), {}
    for field in fields(batch):
        old, new = getattr(batch, field.name), getattr(mirrored, field.name)
        if isinstance(old, Tensor):
            chosen[field.name] = torch.where(which.reshape(-1, *[1] * (old.ndim - 1)), new, old)
    return replace(batch, **chosen)


def mirror_motion(
    joints_world: Float[Tensor, "*b j 3"], skeleton: Skeleton
) -> Float[Tensor, "*b j 3"]:
    """The same motion with left and right exchanged."""
    swapped = joints_world[..., body_parts(skeleton).mirror, :]
    return swapped * torch.tensor([1.0, -1.0, 1.0])


def turn(
    joints_world: Float[Tensor, "b t j 3"], yaw: Float[Tensor, "b"]
) -> Float[Tensor, "b t j 3"]:
    """Turn motions about the vertical axis through the origin, radians."""
    cos, sin = yaw.cos()[:, None, None], yaw.sin()[:, None, None]
    x, y, z = joints_world.unbind(-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y, z], -1)


def bones_of(joints: Float[Tensor, "*b j 3"], parts: BodyParts) -> Float[Tensor, "*b j 3"]:
    """Vectors from each joint's parent; a root's own position."""
    parents = torch.tensor(parts.parents)
    rooted = joints[..., parents.clamp(min=0), :] * (parents >= 0)[:, None]
    return joints - rooted


def joints_of(bones: Float[Tensor, "*b j 3"], parts: BodyParts) -> Float[Tensor, "*b j 3"]:
    """Undo ``bones_of``: add bones up from the root."""
    return parts.below.to(bones.dtype) @ bones


def bone_factors(
    b: int, skeleton: Skeleton, config: BodyConfig, generator: torch.Generator
) -> Float[Tensor, "b j"]:
    """Draw a length factor for each bone, alike left and right; a root's scales its path."""
    parts = body_parts(skeleton)
    low, high = config.size
    size = low + (high - low) * torch.rand(b, 1, generator=generator)
    spread = 2 * torch.rand(b, skeleton.num_joints, generator=generator) - 1
    # Both sides share the draw of whichever joint comes first.
    spread = spread[:, torch.minimum(parts.mirror, torch.arange(len(parts.mirror)))]
    spread = spread * (torch.tensor(parts.parents) >= 0)
    return size * (1 + config.bone_spread * spread)


def scale_bones(
    joints_world: Float[Tensor, "b t j 3"], factors: Float[Tensor, "b j"], skeleton: Skeleton
) -> Float[Tensor, "b t j 3"]:
    """Multiply bone lengths, and the root's path, by each example's factors; directions stay."""
    parts = body_parts(skeleton)
    return joints_of(bones_of(joints_world, parts) * factors[:, None, :, None], parts)


def jitter_limb(
    joints_world: Float[Tensor, "b t j 3"],
    skeleton: Skeleton,
    angle_rad: Float[Tensor, "b"],
    generator: torch.Generator,
) -> Float[Tensor, "b t j 3"]:
    """Turn one random limb of each example about a random axis, the same in every frame."""
    parts, b = body_parts(skeleton), len(joints_world)
    limb = parts.limbs[torch.randint(len(parts.limbs), (b,), generator=generator)]
    axis = torch.nn.functional.normalize(torch.randn(b, 3, generator=generator), dim=-1)
    bones = bones_of(joints_world, parts)
    along = axis[:, None, None] * (bones * axis[:, None, None]).sum(-1, keepdim=True)
    across = torch.linalg.cross(axis[:, None, None].expand_as(bones), bones)
    # Rodrigues' formula.
    cos, sin = angle_rad.cos()[:, None, None, None], angle_rad.sin()[:, None, None, None]
    turned = bones * cos + across * sin + along * (1 - cos)
    moved = parts.below.T[limb][:, None, :, None]
    return joints_of(torch.where(moved, turned, bones), parts)


def mix_legs(
    joints_world: Float[Tensor, "b t j 3"], other: Float[Tensor, "b t j 3"], skeleton: Skeleton
) -> Float[Tensor, "b t j 3"]:
    """Give each example the leg pose of its ``other``, seen from the pelvis; lengths stay."""
    parts = body_parts(skeleton)
    own, others = bones_of(joints_world, parts), bones_of(other, parts)
    turn = pelvis_frame(joints_world, skeleton) @ pelvis_frame(other, skeleton).mT
    theirs = others[..., parts.legs, :] @ turn.mT
    length = own[..., parts.legs, :].norm(dim=-1, keepdim=True)
    bones = own.clone()
    bones[..., parts.legs, :] = torch.nn.functional.normalize(theirs, dim=-1) * length
    return joints_of(bones, parts)


def sit(
    joints_world: Float[Tensor, "b t j 3"],
    skeleton: Skeleton,
    generator: torch.Generator,
) -> Float[Tensor, "b t j 3"]:
    """Pose both legs as on a seat: thighs about level and forward, shins about vertical.

    Raises:
        KeyError: The skeleton lacks left and right hip, knee or ankle.
    """
    parts, b = body_parts(skeleton), len(joints_world)
    bones = bones_of(joints_world, parts).clone()
    frame = pelvis_frame(joints_world, skeleton)
    right = frame[..., 0] * torch.tensor([1.0, 1.0, 0.0])
    right = torch.nn.functional.normalize(right, dim=-1)
    up = torch.tensor([0.0, 0.0, 1.0]).expand_as(right)
    forward = torch.linalg.cross(up, right)
    for side, sign in (("left", -1.0), ("right", 1.0)):
        dip, spread, shin = (torch.rand(3, b, 1, 1, generator=generator) - 0.5).unbind()
        thigh = forward + 0.7 * dip * up + (sign * (0.15 + 0.6 * spread)) * right
        calf = -up + 1.2 * shin * forward
        for name, direction in ((f"{side}_knee", thigh), (f"{side}_ankle", calf)):
            index = skeleton.index(name)
            length = bones[..., index, :].norm(dim=-1, keepdim=True)
            bones[..., index, :] = torch.nn.functional.normalize(direction, dim=-1) * length
    return joints_of(bones, parts)


def pelvis_frame(joints: Float[Tensor, "*b j 3"], skeleton: Skeleton) -> Float[Tensor, "*b 3 3"]:
    """Columns right, forward, up of the pelvis, from the hips and the spine.

    Raises:
        KeyError: The skeleton lacks left or right hip.
    """
    hips = [skeleton.index(f"{side}_hip") for side in ("left", "right")]
    root = skeleton.parents.index(-1)
    mirror = skeleton.mirror_index
    spine = next(i for i, p in enumerate(skeleton.parents) if p == root and mirror[i] == i)
    normalise = torch.nn.functional.normalize
    right = normalise(joints[..., hips[1], :] - joints[..., hips[0], :], dim=-1)
    up = joints[..., spine, :] - joints[..., root, :]
    forward = normalise(torch.linalg.cross(up, right), dim=-1)
    return torch.stack([right, forward, torch.linalg.cross(right, forward)], -1)


def vary_bodies(
    joints_world: Float[Tensor, "b t j 3"],
    skeleton: Skeleton,
    config: BodyConfig,
    generator: torch.Generator,
) -> Float[Tensor, "b t j 3"]:
    """Apply every variation of ``config``; the lowest point of each window keeps its height."""
    b = len(joints_world)
    chance = torch.rand(5, b, generator=generator)
    mirrored = (chance[0] < config.mirror)[:, None, None, None]
    joints = torch.where(mirrored, mirror_motion(joints_world, skeleton), joints_world)
    partner = torch.randperm(b, generator=generator)
    if len(who := torch.nonzero(chance[1] < config.mix)[:, 0]):
        joints[who] = mix_legs(joints[who], joints_world[partner[who]], skeleton)
    if len(who := torch.nonzero(chance[2] < config.sit)[:, 0]):
        joints[who] = sit(joints[who], skeleton, generator)
    if len(who := torch.nonzero(chance[3] < config.jitter)[:, 0]):
        angle = (2 * chance[4, who] - 1) * math.radians(config.jitter_deg)
        joints[who] = jitter_limb(joints[who], skeleton, angle, generator)
    joints = scale_bones(joints, bone_factors(b, skeleton, config, generator), skeleton)
    lift = joints_world[..., 2].amin((1, 2)) - joints[..., 2].amin((1, 2))
    joints[..., 2] += lift[:, None, None]
    return joints
