"""Whether a posed body runs through itself: its limbs as capsules, and how deep they overlap.

Axes: *b any leading axes, m limbs, q pairs of limbs, d points along a limb.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.bodies.base import Body

POINTS = 9
"""Spheres that stand for a limb: on one of 0.45 m they are 6 cm apart."""


@dataclass(frozen=True)
class Limb:
    """A stretch of the body between two bones; ``{s}`` stands for both sides."""

    start: str
    end: str
    parts: tuple[str, ...]
    """Parts of the surface that surround it."""


HUMAN_LIMBS = (
    Limb("{s}_shoulder", "{s}_elbow", ("{s}_upper_arm",)),
    Limb("{s}_elbow", "{s}_wrist", ("{s}_forearm",)),
    Limb("{s}_hip", "{s}_knee", ("{s}_thigh",)),
    Limb("{s}_knee", "{s}_ankle", ("{s}_shank",)),
    Limb("pelvis", "neck", ("pelvis", "trunk")),
    Limb("neck", "head", ("head",)),
)
DOG_LIMBS = (
    Limb("{s}_front_upper", "{s}_front_elbow", ("{s}_front_upper",)),
    Limb("{s}_front_elbow", "{s}_front_wrist", ("{s}_front_lower",)),
    Limb("{s}_hip", "{s}_knee", ("{s}_rear_upper",)),
    Limb("{s}_knee", "{s}_hock", ("{s}_rear_lower",)),
    Limb("{s}_hock", "{s}_rear_paw", ("{s}_rear_paw",)),
    Limb("pelvis", "neck", ("trunk",)),
    Limb("neck", "head", ("head",)),
)
LIMBS_OF_BODIES: dict[str, tuple[Limb, ...]] = {
    "anny": HUMAN_LIMBS,
    "capsule-dog": DOG_LIMBS,
    "capsule-human": HUMAN_LIMBS,
    "smal": DOG_LIMBS,
    "smpl": HUMAN_LIMBS,
    "smplx": HUMAN_LIMBS,
}
"""Name of a body's anatomy to its limbs."""


@dataclass(frozen=True, eq=False)
class Limbs:
    """The limbs of one body, and which of them can meet."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    """Bones a limb runs between."""
    radii: Float[Tensor, "m"]
    """Half of the surface around a limb is nearer than this, metres, in the default shape."""
    pairs: tuple[tuple[int, int], ...]
    """Limbs that stand apart in the rest pose."""

    def overlap(self, heads: Float[Tensor, "*b k 3"]) -> Float[Tensor, "*b"]:
        """How deep the two limbs that overlap most do, metres; negative is the least gap."""
        a, b = zip(*self.pairs, strict=True)
        return self._depths(heads)[..., list(a), list(b)].amax(-1)

    def _depths(self, heads: Float[Tensor, "*b k 3"]) -> Float[Tensor, "*b m m"]:
        steps = torch.linspace(0, 1, POINTS).to(heads)[:, None]
        start, end = (heads[..., list(at), None, :] for at in (self.starts, self.ends))
        points = (start + steps * (end - start)).flatten(-3, -2)
        apart = torch.cdist(points, points).unflatten(-1, (-1, POINTS))
        apart = apart.unflatten(-3, (-1, POINTS)).amin((-3, -1))
        radii = self.radii.to(heads)
        return radii[:, None] + radii - apart


def limbs_of(body: Body) -> Limbs:
    """The limbs of a body, as thick as its surface says.

    Raises:
        ValueError: Nothing is known of this body's limbs.
    """
    name = body.anatomy.name
    if name not in LIMBS_OF_BODIES:
        raise ValueError(f"no limbs are known of body {name!r}; list them in LIMBS_OF_BODIES")
    limbs = [_of_side(limb, side) for limb in LIMBS_OF_BODIES[name] for side in _sides(limb)]
    starts, ends = (tuple(body.bone(getattr(x, e)) for x in limbs) for e in ("start", "end"))
    rest = body.rest()
    radii = []
    for limb, start, end in zip(limbs, starts, ends, strict=True):
        parts = [body.anatomy.part_names.index(p) for p in limb.parts]
        around = torch.isin(body.part_of_vertex, torch.tensor(parts).to(body.part_of_vertex))
        radii.append(_radius(rest.vertices[around], rest.bone_heads[[start, end]]))
    alone = Limbs(starts, ends, torch.stack(radii), ())
    depths = alone._depths(rest.bone_heads)
    pairs = tuple(
        (i, j) for i in range(len(limbs)) for j in range(i + 1, len(limbs)) if depths[i, j] < 0
    )
    return Limbs(starts, ends, alone.radii, pairs)


def _radius(points: Float[Tensor, "w 3"], ends: Float[Tensor, "2 3"]) -> Float[Tensor, ""]:
    along = ends[1] - ends[0]
    share = ((points - ends[0]) @ along / along.square().sum()).clamp(0, 1)
    return (points - ends[0] - share[:, None] * along).norm(dim=-1).median()


def _sides(limb: Limb) -> tuple[str, ...]:
    return ("left", "right") if "{s}" in limb.start else ("",)


def _of_side(limb: Limb, side: str) -> Limb:
    start, end, *parts = (x.replace("{s}", side) for x in (limb.start, limb.end, *limb.parts))
    return Limb(start, end, tuple(parts))
