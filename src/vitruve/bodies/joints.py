"""Joints of any format out of a posed body.

A body names points: heads of bones, landmarks on its skin, and means of them. A format's joint is
one of these points, or an affine combination of them, by a rule of this body for that format or by
the rules of `vitruve.skeletons`. So joints turn with the body and are differentiable. What no
rule reaches is not valid.

Axes: *b any leading axes, j joints, p points, k bones, l landmarks.
"""

from collections.abc import Mapping
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.bodies.base import Anatomy, Body, PosedBody
from vitruve.bodies.joint_rules import RULES_OF_BODIES, JointRules
from vitruve.skeletons import Skeleton, conversion


def joints_of(
    body: Body, posed: PosedBody, skeleton: Skeleton
) -> tuple[Float[Tensor, "*b j 3"], Bool[Tensor, "j"]]:
    """The joints of a format on a posed body.

    Returns:
        Joints in the world, metres, and which of them this body can tell; the others are 0.
    """
    weights = joint_weights(body.anatomy, skeleton).to(posed.vertices)
    from_bones, from_skin = weights.split([body.num_bones, len(body.anatomy.landmarks)], dim=1)
    joints = from_bones @ posed.bone_heads
    if (from_skin != 0).any():
        joints = joints + (from_skin @ body.landmark_weights) @ posed.vertices
    return joints, (weights != 0).any(1)


@lru_cache(maxsize=256)
def joint_weights(anatomy: Anatomy, skeleton: Skeleton) -> Float[Tensor, "j kl"]:
    """Each joint as an affine combination of bone heads, then landmarks; 0 where it is absent."""
    rules = RULES_OF_BODIES.get(anatomy.name, JointRules(""))
    points = _points(anatomy, rules)
    names = tuple(points)
    source = Skeleton(anatomy.name, names, (-1,) * len(names), definitions=rules.definitions)
    stacked = torch.stack(list(points.values()))
    weights = conversion(source, skeleton).weights @ stacked
    for name, parts in rules.of_formats.get(skeleton.definitions, {}).items():
        if name in skeleton.names:
            weights[skeleton.names.index(name)] = _mean(parts, points)
    return weights


def _points(anatomy: Anatomy, rules: JointRules) -> dict[str, Float[Tensor, "kl"]]:
    """Every named point of a body: its roles, its landmarks, and what its rules add."""
    columns = (*anatomy.bone_names, *anatomy.landmarks)
    eye = torch.eye(len(columns), dtype=torch.float64)
    known = dict(zip(columns, eye, strict=True))
    # Where a role and a bone share a name, rules mean the bone.
    known = {role: known[bone] for role, bone in anatomy.roles.items()} | known
    own = {role: known[bone] for role, bone in anatomy.roles.items()}
    own |= {landmark: known[landmark] for landmark in anatomy.landmarks}
    return own | {name: _mean(parts, known) for name, parts in rules.points.items()}


def _mean(
    parts: Mapping[str, float], known: Mapping[str, Float[Tensor, "kl"]]
) -> Float[Tensor, "kl"]:
    return torch.stack([weight * known[name] for name, weight in parts.items()]).sum(0)
