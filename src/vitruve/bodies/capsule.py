"""Bodies made of capsules: a person, a dog, or any animal that a list of bones describes.

Every bone carries one capsule, oval where it should be. Vertices near a joint follow both of its
bones, so limbs bend without gaps. A shape stretches groups of bones and thickens all of them.
A new animal is a new `CapsuleConfig`: nothing is loaded.

Axes as in `base`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.bodies.base import Anatomy, Body, Figure, ShapeParameter, Surface
from vitruve.bodies.ranges import JointRange

Point = tuple[float | int, float | int, float | int]
SEGMENTS = 8
"""Vertices of each ring around a bone."""
_CAP = math.sqrt(0.5)
_RINGS = (
    (0.0, _CAP, -_CAP),
    *((share, 1.0, 0.0) for share in (0.0, 0.5, 1.0)),
    (1.0, _CAP, _CAP),
)
"""Rings from pole to pole: share of the length, share of the radius outwards and along."""


@dataclass(frozen=True)
class CapsuleBone:
    """One bone; ``{s}`` in names stands for left and right, and its points for the left side."""

    name: str
    parent: str
    """Empty for the root, which comes first."""
    head: Point
    """Where it turns, in the rest pose, metres."""
    tail: Point
    """Where its capsule ends."""
    radii: tuple[float, float]
    """Of the capsule at its head and at its tail, metres."""
    part: str
    group: str = "trunk"
    """Which shape parameter stretches it."""
    width: float = 1.0
    """How much wider than deep the capsule is."""
    start: Point | None = None
    """Where its capsule begins, if not at its head."""


@dataclass(frozen=True)
class CapsuleConfig:
    """A whole body."""

    name: str
    bones: tuple[CapsuleBone, ...]
    landmarks: Mapping[str, tuple[str, Point]] = field(default_factory=dict)
    """Names of surface points: the vertex of a bone that lies farthest in a direction."""
    ranges: tuple[JointRange, ...] = ()
    """How far joints turn; as `RANGES_OF_BODIES` has them if empty."""


class CapsuleBody(Body):
    """A body of capsules.

    Raises:
        ValueError: A bone's parent does not come before it, or a landmark's bone is unknown.
    """

    _axial: Float[Tensor, "v 3"]
    _radial: Float[Tensor, "v 3"]
    _of_vertex: Int64[Tensor, "v"]
    _offsets_at_rest: Float[Tensor, "k 3"]
    _paths: Float[Tensor, "k k"]

    def __init__(self, config: CapsuleConfig) -> None:
        bones = _both_sides(config.bones)
        capsules = [_capsule(b) for b in bones]
        groups = tuple(dict.fromkeys(b.group for b in bones))
        anatomy = _anatomy(config, bones, groups)
        of_vertex = torch.cat([torch.full((len(c.axial),), k) for k, c in enumerate(capsules)])
        axial = torch.cat([c.axial for c in capsules])
        radial = torch.cat([c.radial for c in capsules])
        heads = torch.tensor([b.head for b in bones], dtype=torch.float32)
        points = heads[of_vertex] + axial + radial
        super().__init__(anatomy, _surface(config, bones, capsules, points))
        self.config = config
        self._groups = [groups.index(b.group) for b in bones]
        self._above = [max(p, 0) for p in anatomy.parents]
        buffers = {
            "_axial": axial,
            "_radial": radial,
            "_of_vertex": of_vertex,
            "_offsets_at_rest": heads - heads[self._above],
            "_paths": _paths(anatomy.parents),
        }
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor, persistent=False)

    def figure(self, shape: Float[Tensor, "*b s"]) -> Figure:
        """The body of this shape in its rest pose."""
        size, girth, stretch = shape[..., :1, None], shape[..., 1:2, None], shape[..., 2:]
        length = size * stretch[..., self._groups, None]
        heads = self._paths @ (self._offsets_at_rest * length[..., self._above, :])
        grown = self._axial * length[..., self._of_vertex, :] + self._radial * size * girth
        return Figure(heads[..., self._of_vertex, :] + grown, heads)


def _anatomy(
    config: CapsuleConfig, bones: tuple[CapsuleBone, ...], groups: tuple[str, ...]
) -> Anatomy:
    names = tuple(b.name for b in bones)
    return Anatomy(
        config.name,
        names,
        _parents(config.name, bones),
        tuple(dict.fromkeys(b.part for b in bones)),
        _parameters(groups),
        {name: name for name in names},
        tuple(_both_sides_of(config.landmarks)),
        config.ranges,
    )


def _surface(
    config: CapsuleConfig,
    bones: tuple[CapsuleBone, ...],
    capsules: list["_Capsule"],
    points: Tensor,
) -> Surface:
    names, parts = [b.name for b in bones], list(dict.fromkeys(b.part for b in bones))
    parents = _parents(config.name, bones)
    of_vertex = torch.cat([torch.full((len(c.axial),), k) for k, c in enumerate(capsules)])
    chosen = []
    for bone, direction in _both_sides_of(config.landmarks).values():
        if bone not in names:
            raise ValueError(f"{config.name}: a landmark lies on bone {bone!r}, which it lacks")
        height = points @ torch.tensor(direction, dtype=torch.float32)
        own = of_vertex == names.index(bone)
        chosen.append(int(torch.where(own, height, -torch.inf).argmax()))
    part_of_bone = torch.tensor([parts.index(b.part) for b in bones])
    return Surface(
        _faces(len(bones)),
        part_of_bone[of_vertex],
        torch.cat([_weights(k, c, bones, parents) for k, c in enumerate(capsules)]),
        torch.nn.functional.one_hot(torch.tensor(chosen, dtype=torch.long), len(points)).float(),
    )


@dataclass(frozen=True, eq=False)
class _Capsule:
    axial: Tensor
    """(v, 3) along the bone from its head: what a stretch scales."""
    radial: Tensor
    """(v, 3) the rest: what a girth scales."""
    along: Tensor
    """(v,) metres along the capsule, 0 to ``length``."""
    length: float


def _capsule(bone: CapsuleBone) -> _Capsule:
    points = torch.tensor([bone.head, bone.start or bone.head, bone.tail], dtype=torch.float32)
    start, tail = points[1] - points[0], points[2] - points[0]
    length = float((tail - start).norm())
    axis = (tail - start) / length
    across = torch.tensor([0.0, 0.0, 1.0] if abs(axis[0]) > 0.9 else [1.0, 0.0, 0.0])
    side = across - (across @ axis) * axis
    side = side / side.norm()
    turn = torch.arange(SEGMENTS) * (2 * math.pi / SEGMENTS)
    front = torch.linalg.cross(axis, side)
    circle = turn.cos()[:, None] * side * bone.width + turn.sin()[:, None] * front
    axial, radial, along = [start[None]], [-bone.radii[0] * axis[None]], [torch.zeros(1)]
    for share, out, up in _RINGS:
        radius = bone.radii[0] + share * (bone.radii[1] - bone.radii[0])
        axial.append((start + share * (tail - start)).expand(SEGMENTS, 3))
        radial.append(radius * (out * circle + up * axis))
        along.append(torch.full((SEGMENTS,), share * length))
    axial.append(tail[None])
    radial.append(bone.radii[1] * axis[None])
    along.append(torch.full((1,), length))
    return _Capsule(torch.cat(axial), torch.cat(radial), torch.cat(along), length)


def _faces(bones: int) -> Tensor:
    """Triangles of every capsule, counter-clockwise from outside."""
    n, rings = SEGMENTS, len(_RINGS)
    faces = [(0, 1 + (i + 1) % n, 1 + i) for i in range(n)]
    for low, high in pairwise(range(1, 1 + n * rings, n)):
        for i in range(n):
            j = (i + 1) % n
            faces += [(low + i, low + j, high + j), (low + i, high + j, high + i)]
    top, last = 1 + n * rings, 1 + n * (rings - 1)
    faces += [(top, last + i, last + (i + 1) % n) for i in range(n)]
    one = torch.tensor(faces)
    return torch.cat([one + k * (top + 1) for k in range(bones)])


def _weights(
    k: int, capsule: _Capsule, bones: tuple[CapsuleBone, ...], parents: tuple[int, ...]
) -> Tensor:
    """Half to each bone at a joint, all to the own bone a radius away from it."""
    bone = bones[k]
    weights = torch.zeros(len(capsule.along), len(bones))
    following = [c for c, p in enumerate(parents) if p == k and _continues(bone, bones[c])]
    reach = max(1e-6, min(max(bone.radii), capsule.length / 2))
    if parents[k] >= 0 and bone.start is None:
        weights[:, parents[k]] += 0.5 * (1 - capsule.along / reach).clamp(min=0)
    if following:
        from_tail = capsule.length - capsule.along
        weights[:, following[0]] += 0.5 * (1 - from_tail / reach).clamp(min=0)
    weights[:, k] += 1 - weights.sum(1)
    return weights


def _continues(bone: CapsuleBone, child: CapsuleBone) -> bool:
    """The child goes on where the bone ends, and not to one side of it only."""
    gap = math.dist(bone.tail, child.head)
    beside = (bone.head[0] == 0) != (child.head[0] == 0)
    return child.start is None and not beside and gap < 1.5 * max(bone.radii)


def _parents(name: str, bones: tuple[CapsuleBone, ...]) -> tuple[int, ...]:
    seen: dict[str, int] = {"": -1}
    parents = []
    for k, bone in enumerate(bones):
        if bone.parent not in seen or (k > 0) != bool(bone.parent):
            raise ValueError(
                f"{name}: parent {bone.parent!r} of bone {bone.name!r} does not come before it; "
                "list the root first and every parent before its children"
            )
        parents.append(seen[bone.parent])
        seen[bone.name] = k
    return tuple(parents)


def _paths(parents: tuple[int, ...]) -> Tensor:
    """(k, k) 1 where a bone is another's ancestor, or itself."""
    paths = torch.eye(len(parents))
    for k, parent in enumerate(parents):
        if parent >= 0:
            paths[k] += paths[parent]
    return paths


def _parameters(groups: tuple[str, ...]) -> tuple[ShapeParameter, ...]:
    return (
        ShapeParameter("size", 0.8, 1.2, 1.0, "of the whole body"),
        ShapeParameter("girth", 0.75, 1.3, 1.0, "thickness of everything"),
        *(ShapeParameter(group, 0.85, 1.15, 1.0, f"length of the {group}") for group in groups),
    )


def _both_sides(bones: tuple[CapsuleBone, ...]) -> tuple[CapsuleBone, ...]:
    """Bones of the left and, mirrored, of the right side."""
    both = []
    for bone in bones:
        if "{s}" not in bone.name:
            both.append(bone)
            continue
        for side, sign in (("left", 1), ("right", -1)):
            both.append(
                replace(
                    bone,
                    name=bone.name.replace("{s}", side),
                    parent=bone.parent.replace("{s}", side),
                    part=bone.part.replace("{s}", side),
                    head=_mirrored(bone.head, sign),
                    tail=_mirrored(bone.tail, sign),
                    start=_mirrored(bone.start, sign) if bone.start else None,
                )
            )
    return tuple(both)


def _both_sides_of(
    landmarks: Mapping[str, tuple[str, Point]],
) -> dict[str, tuple[str, Point]]:
    both: dict[str, tuple[str, Point]] = {}
    for name, (bone, direction) in landmarks.items():
        sides = (("left", 1), ("right", -1)) if "{s}" in name else (("", 1),)
        for side, sign in sides:
            of_side = _mirrored(direction, sign)
            both[name.replace("{s}", side)] = (bone.replace("{s}", side), of_side)
    return both


def _mirrored(point: Point, sign: int) -> Point:
    return (sign * point[0], point[1], point[2])
