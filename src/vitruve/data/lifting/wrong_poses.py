"""Poses that are wrong on purpose: bones turned or stretched, joints shaken.

What an energy has to tell from true poses, and may be trained on beside its rival's mistakes.

Axes: b poses, j joints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.kinematics import parents_first
from vitruve.skeletons import Skeleton

_NO_LENGTH_M = 1e-6


@dataclass(frozen=True)
class WrongPosesConfig:
    """Each pose is spoilt in one way, all ways being equally likely."""

    noise_mm: tuple[float, float] = (5.0, 40.0)
    """Standard deviation of every joint's position along each axis, from and to."""
    turn_deg: tuple[float, float] = (3.0, 30.0)
    """By how much one bone, with all that hangs on it, is turned about a random axis."""
    stretch: tuple[float, float] = (0.05, 0.3)
    """By how much one bone is longer or shorter; all that hangs on it moves along."""
    size: tuple[float, float] = (0.03, 0.15)
    """By how much the whole body is larger or smaller."""


def spoil(
    joints: Float[Tensor, "b j 3"],
    skeleton: Skeleton,
    config: WrongPosesConfig,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "b j 3"]:
    """One wrong version of each pose, relative to the root as before.

    Raises:
        ValueError: The skeleton has no bones.
    """
    draw = _Draw(joints, generator)
    way = torch.randint(4, (len(joints),), generator=generator, device=joints.device)
    ways = torch.stack(
        [
            shake(joints, draw.between(*config.noise_mm) / 1000, generator),
            turn_bone(joints, skeleton, draw.between(*config.turn_deg), generator),
            stretch_bone(joints, skeleton, draw.between(*config.stretch), generator),
            joints * (1 + draw.signed(draw.between(*config.size)))[:, None, None],
        ]
    )
    wrong = ways[way, torch.arange(len(joints), device=joints.device)]
    return wrong - wrong[:, skeleton.root : skeleton.root + 1]


def shake(
    joints: Float[Tensor, "b j 3"],
    std_m: Float[Tensor, "b"],
    generator: torch.Generator | None = None,
) -> Float[Tensor, "b j 3"]:
    """Move every joint by Gaussian noise of a standard deviation in metres."""
    noise = torch.randn(joints.shape, generator=generator, dtype=joints.dtype, device=joints.device)
    return joints + std_m[:, None, None] * noise


def turn_bone(
    joints: Float[Tensor, "b j 3"],
    skeleton: Skeleton,
    angle_deg: Float[Tensor, "b"],
    generator: torch.Generator | None = None,
) -> Float[Tensor, "b j 3"]:
    """Turn one random bone about a random axis across it, with all that hangs on it.

    Raises:
        ValueError: The skeleton has no bones.
    """
    start, end, moved = _random_bone(joints, skeleton, generator)
    bone = end - start
    helper = torch.randn(bone.shape, generator=generator, dtype=bone.dtype, device=bone.device)
    # Every axis is across a bone without length.
    has_length = bone.norm(dim=-1, keepdim=True) > _NO_LENGTH_M
    across_it = torch.where(has_length, torch.linalg.cross(bone, helper, dim=-1), helper)
    axis = torch.nn.functional.normalize(across_it, dim=-1)
    angle = torch.deg2rad(angle_deg)[:, None, None]
    arm = joints - start[:, None]
    across = torch.linalg.cross(axis[:, None].expand_as(arm), arm, dim=-1)
    along = (arm * axis[:, None]).sum(-1, keepdim=True) * axis[:, None]
    # Rodrigues' formula.
    turned = arm * angle.cos() + across * angle.sin() + along * (1 - angle.cos())
    return torch.where(moved[..., None], start[:, None] + turned, joints)


def stretch_bone(
    joints: Float[Tensor, "b j 3"],
    skeleton: Skeleton,
    by: Float[Tensor, "b"],
    generator: torch.Generator | None = None,
) -> Float[Tensor, "b j 3"]:
    """Make one random bone longer or shorter by a share; all that hangs on it moves along.

    Raises:
        ValueError: The skeleton has no bones.
    """
    start, end, moved = _random_bone(joints, skeleton, generator)
    signed = _Draw(joints, generator).signed(by)
    shift = signed[:, None] * (end - start)
    return torch.where(moved[..., None], joints + shift[:, None], joints)


@dataclass(frozen=True, eq=False)
class _Draw:
    like: Float[Tensor, "b j 3"]
    generator: torch.Generator | None

    def between(self, low: float, high: float) -> Float[Tensor, "b"]:
        dtype, device = self.like.dtype, self.like.device
        share = torch.rand(len(self.like), generator=self.generator, dtype=dtype, device=device)
        return low + (high - low) * share

    def signed(self, size: Float[Tensor, "b"]) -> Float[Tensor, "b"]:
        return torch.where(self.between(0.0, 1.0) < 0.5, -size, size)


def _random_bone(
    joints: Float[Tensor, "b j 3"], skeleton: Skeleton, generator: torch.Generator | None
) -> tuple[Float[Tensor, "b 3"], Float[Tensor, "b 3"], Bool[Tensor, "b j"]]:
    """Both ends of a bone of each pose, and the joints that move with it."""
    bones = torch.tensor([j for j, p in enumerate(skeleton.parents) if p >= 0])
    if not len(bones):
        raise ValueError(
            f"skeleton {skeleton.name!r} has no bones to turn or stretch; leave wrong_poses out"
        )
    which = torch.randint(len(bones), (len(joints),), generator=generator, device=joints.device)
    child = bones.to(joints.device)[which]
    parent = torch.tensor(skeleton.parents, device=joints.device)[child]
    rows = torch.arange(len(joints), device=joints.device)
    below = torch.tensor(hanging_on(skeleton), device=joints.device)
    return joints[rows, parent], joints[rows, child], below[child]


def hanging_on(skeleton: Skeleton) -> list[list[bool]]:
    """For each joint, which joints move when its bone does: itself and all further out."""
    n = skeleton.num_joints
    below = [[i == j for i in range(n)] for j in range(n)]
    for j in reversed(parents_first(skeleton.parents)):
        if (parent := skeleton.parents[j]) >= 0:
            below[parent] = [a or b for a, b in zip(below[parent], below[j], strict=True)]
    return below
