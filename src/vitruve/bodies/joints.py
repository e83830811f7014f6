"""Joints of any format out of a posed body.

A body names points: heads of bones, landmarks on its skin, and means of them. A format's joint is
one of these points, or an affine combination of them, by a rule of this body for that format or by
the rules of `vitruve.skeletons`. So joints turn with the body and are differentiable. What no
rule reaches is not valid.

Axes: *b any leading axes, j joints, p points, k bones, l landmarks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.bodies.base import Anatomy, Body, PosedBody
from vitruve.bodies.joint_rules import RULES_OF_BODIES, JointRules
from vitruve.skeletons import Skeleton, conversion


@dataclass(frozen=True, eq=False)
class JointMap:
    """The joints of a format as affine combinations of a body's bone heads and some vertices."""

    of_heads: Float[Tensor, "j k"]
    vertices: tuple[int, ...]
    """The only vertices the joints need."""
    of_vertices: Float[Tensor, "j w"]
    valid: Bool[Tensor, "j"]
    """Which joints the body can tell."""

    def joints(
        self, heads: Float[Tensor, "*b k 3"], vertices: Float[Tensor, "*b w 3"]
    ) -> Float[Tensor, "*b j 3"]:
        """Joints out of bone heads and the vertices of `vertices`; 0 where none can be told."""
        return self.of_heads @ heads + self.of_vertices @ vertices


def joint_map(body: Body, skeleton: Skeleton) -> JointMap:
    """How a format's joints are found on a body."""
    weights = joint_weights(body.anatomy, skeleton).to(body.weights)
    of_heads, of_landmarks = weights.split([body.num_bones, len(body.anatomy.landmarks)], dim=1)
    of_vertices = of_landmarks @ body.landmark_weights
    used = torch.nonzero(of_vertices.abs().sum(0))[:, 0]
    return JointMap(of_heads, tuple(used.tolist()), of_vertices[:, used], (weights != 0).any(1))


def joints_of(
    body: Body, posed: PosedBody, skeleton: Skeleton
) -> tuple[Float[Tensor, "*b j 3"], Bool[Tensor, "j"]]:
    """The joints of a format on a posed body.

    Returns:
        Joints in the world, metres, and which of them this body can tell; the others are 0.
    """
    found = joint_map(body, skeleton)
    joints = found.joints(posed.bone_heads, posed.vertices[..., list(found.vertices), :])
    return joints, found.valid


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
