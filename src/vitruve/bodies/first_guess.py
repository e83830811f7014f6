"""A person's bones from joints alone, in closed form: where `retarget` begins.

Directions of bones say how each bone swings; what positions cannot see is set by anatomy. A limb
bends about the hinge of its knee or elbow, which turns the thigh or upper arm; a foot points where
its knee does and is flat near the floor.

Axes: t frames, j joints of Human3.6M, k bones.
"""

from collections.abc import Mapping
from typing import cast

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.bodies.base import Body
from vitruve.geometry.kinematics import forward_kinematics, inverse_kinematics
from vitruve.skeletons import skeleton

TREE = skeleton("h36m_17")
GUIDES = {
    "pelvis": ("pelvis",),
    "spine1": ("pelvis", "spine"),
    "spine2": ("spine",),
    "spine3": ("thorax",),
    "neck": ("thorax",),
    "head": ("neck_base_or_nose",),
    **{
        f"{side}_{joint}": (f"{side}_{joint}",)
        for side in ("left", "right")
        for joint in ("hip", "knee", "shoulder", "elbow")
    },
}
"""Each bone turns in the world as the mean of these joints does."""
LIMBS = {
    "left_hip": ("left_knee", "left_ankle", (1.0, 0.0, 0.0)),
    "right_hip": ("right_knee", "right_ankle", (1.0, 0.0, 0.0)),
    "left_shoulder": ("left_elbow", "left_wrist", (0.0, 0.0, -1.0)),
    "right_shoulder": ("right_elbow", "right_wrist", (0.0, 0.0, 1.0)),
}
"""First joint of a limb to its next two, and the axis of its hinge in the rest pose."""
STRAIGHT = 0.2
"""Sine of a bend at which the hinge seen and the hinge carried along count alike."""
FLAT_BELOW, FREE_ABOVE = 0.03, 0.07
"""Metres an ankle stands above its lowest: a foot is flat below the one, free above the other."""
FOOT = 0.18
"""From the ankle to the tips of the toes, metres: a free foot dips no deeper than its ankle lets
it."""
DROOP = 0.3
"""How much a free foot follows the direction of the shank."""


def first_guess(
    body: Body, joints: Float[Tensor, "t j 3"], rest_joints: Float[Tensor, "j 3"]
) -> Float[Tensor, "t k 3 3"]:
    """Rotation of each bone about the axes of the rest body, in its parent's frame.

    Args:
        body: A person.
        joints: Human3.6M's, in the world.
        rest_joints: The same joints of the rest body.
    """
    above = [max(p, 0) for p in TREE.parents]
    offsets = rest_joints - rest_joints[above]
    local = inverse_kinematics(joints, offsets, TREE.parents)
    _, turned = forward_kinematics(local, offsets, joints[:, 0], TREE.parents)
    of_joint = dict(zip(TREE.names, turned.unbind(1), strict=True))
    at = dict(zip(TREE.names, joints.unbind(1), strict=True))
    rest = dict(zip(TREE.names, rest_joints, strict=True))
    for start, (middle, end, hinge) in LIMBS.items():
        axis = torch.tensor(hinge).to(joints)
        chain = (start, middle, end)
        of_joint[start], of_joint[middle] = _bend(
            [at[j] for j in chain], [rest[j] for j in chain], axis, of_joint[start]
        )
    frames = {
        role: _mean([of_joint[j] for j in guides])
        for role, guides in GUIDES.items()
        if role in body.anatomy.roles
    }
    return flat_feet(body, as_pose(body, frames), joints)


def as_pose(body: Body, frames: Mapping[str, Float[Tensor, "t 3 3"]]) -> Float[Tensor, "t k 3 3"]:
    """The pose in which some bones turn so in the world and the others go with their parents."""
    bone_of = {body.bone(role): frame for role, frame in frames.items()}
    world: list[Tensor] = []
    local = []
    for k, parent in enumerate(body.anatomy.parents):
        eye = torch.eye(3).to(next(iter(frames.values()))).expand_as(next(iter(frames.values())))
        carried = world[parent] if parent >= 0 else eye
        world.append(bone_of.get(k, carried))
        local.append(carried.mT @ world[k])
    return torch.stack(local, dim=1)


def flat_feet(
    body: Body, pose: Float[Tensor, "t k 3 3"], joints: Float[Tensor, "t j 3"]
) -> Float[Tensor, "t k 3 3"]:
    """The pose with feet near the floor flat, and no toes below it."""
    nowhere = pose.new_zeros(body.num_bones, 3)
    _, turned = forward_kinematics(pose, nowhere, nowhere[0], body.anatomy.parents)
    pose = pose.clone()
    sides = ("left", "right")
    ankles = torch.stack([joints[:, TREE.index(f"{s}_ankle"), 2] for s in sides])
    heights = (ankles - ankles.flatten().quantile(0.05)).clamp(min=0)
    for side, height in zip(sides, heights, strict=True):
        shank = turned[:, body.bone(f"{side}_knee")]
        foot = _foot(shank, height)
        pose[:, body.bone(f"{side}_ankle")] = shank.mT @ foot
    return pose


def _foot(shank: Float[Tensor, "t 3 3"], height: Float[Tensor, "t"]) -> Float[Tensor, "t 3 3"]:
    """World rotation of a foot whose ankle is so high above its lowest."""
    ahead = torch.nn.functional.normalize(-shank[..., 1] - DROOP * shank[..., 2], dim=-1)
    free = ((height - FLAT_BELOW) / (FREE_ABOVE - FLAT_BELOW)).clamp(0, 1)
    rise = free * torch.maximum(ahead[:, 2], -(height / FOOT).clamp(max=1))
    level = torch.nn.functional.normalize(ahead[:, :2], dim=-1)
    toes = torch.cat([level * (1 - rise.square()).sqrt()[:, None], rise[:, None]], dim=-1)
    across = shank[..., 0] - (shank[..., 0] * toes).sum(-1, keepdim=True) * toes
    left = torch.nn.functional.normalize(across, dim=-1)
    return torch.stack([left, -toes, torch.linalg.cross(left, -toes)], dim=-1)


def _bend(
    seen: list[Tensor], rest: list[Tensor], hinge: Float[Tensor, "3"], swung: Float[Tensor, "t 3 3"]
) -> tuple[Float[Tensor, "t 3 3"], Float[Tensor, "t 3 3"]]:
    """World rotations of the two bones of a limb that bends about its hinge."""
    upper, lower = (torch.nn.functional.normalize(b - a, dim=-1) for a, b in
                    ((seen[0], seen[1]), (seen[1], seen[2])))  # fmt: skip
    across = torch.linalg.cross(upper, lower) + STRAIGHT * (swung @ hinge)
    turned = []
    for direction, (a, b) in ((upper, (0, 1)), (lower, (1, 2))):
        turned.append(_frame(direction, across) @ _frame(rest[b] - rest[a], hinge).mT)
    return turned[0], turned[1]


def _frame(along: Float[Tensor, "*b 3"], across: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
    x = torch.nn.functional.normalize(along, dim=-1)
    y = torch.nn.functional.normalize(across - (across * x).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def _mean(frames: list[Tensor]) -> Float[Tensor, "t 3 3"]:
    if len(frames) == 1:
        return frames[0]
    return cast(Tensor, roma.special_procrustes(torch.stack(frames).sum(0)))
