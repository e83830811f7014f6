"""How far joints turn when poses are drawn, as data; degrees about the axes of the rest body.

People: the ranges of X-as-Supervision (Yang et al., "X as Supervision", appendix, and the code at
github.com/Charrrrrlie/X-as-Supervision). Their axes x left, y up, z forward become ours: about
their y is about our z, about their z is about our -y. Dogs: our own, from how far the legs of a
walking, sitting or digging dog go.
"""

from dataclasses import dataclass, replace
from typing import Literal

Span = tuple[float | int, float | int]
"""Degrees towards the negative and towards the positive side, both given positive."""


@dataclass(frozen=True)
class JointRange:
    """How far one bone turns; ``{s}`` in a role stands for both sides, given for the left."""

    role: str
    about_x: Span
    """Bending backward, and forward."""
    about_y: Span
    """Tilting to the right, and to the left."""
    about_z: Span
    """Turning to the right, and to the left."""
    along: Literal["x", "y", "z"] = "z"
    """The axis nearest to the bone: a turn about it is a twist, which comes first."""
    mean: tuple[float | int, float | int, float | int] = (0.0, 0.0, 0.0)
    """What is added to a component that is drawn."""
    always: bool = False
    """Every component is drawn every time."""


def both_sides(ranges: tuple[JointRange, ...]) -> tuple[JointRange, ...]:
    """The left side as it stands and the right side mirrored: about y and z the signs change."""
    both = []
    for one in ranges:
        if "{s}" not in one.role:
            both.append(one)
            continue
        both.append(replace(one, role=one.role.replace("{s}", "left")))
        both.append(
            replace(
                one,
                role=one.role.replace("{s}", "right"),
                about_y=one.about_y[::-1],
                about_z=one.about_z[::-1],
                mean=(one.mean[0], -one.mean[1], -one.mean[2]),
            )
        )
    return tuple(both)


HUMAN_RANGES = both_sides(
    (
        JointRange("pelvis", (5, 5), (5, 5), (180, 180), always=True),
        JointRange("{s}_hip", (60, 45), (30, 0), (10, 10)),
        JointRange("{s}_knee", (0, 70), (10, 10), (20, 20)),
        JointRange("spine1", (20, 60), (30, 30), (30, 30)),
        JointRange("spine2", (10, 20), (15, 15), (0, 0)),
        JointRange("head", (15, 15), (15, 15), (50, 50)),
        JointRange("{s}_shoulder", (90, 90), (150, 30), (120, 50), "x", (0, 60, 0)),
        JointRange("{s}_elbow", (60, 60), (15, 15), (120, 0), "x"),
    )
)
"""An arm's mean hangs 60 degrees below the T."""

DOG_RANGES = both_sides(
    (
        JointRange("pelvis", (15, 15), (8, 8), (180, 180), always=True),
        JointRange("spine1", (15, 25), (10, 10), (15, 15), "y"),
        JointRange("spine2", (15, 20), (8, 8), (15, 15), "y"),
        JointRange("spine3", (10, 15), (5, 5), (12, 12), "y"),
        JointRange("neck", (30, 45), (15, 15), (35, 35), "y"),
        JointRange("head", (30, 30), (20, 20), (30, 30), "y"),
        JointRange("{s}_ear", (30, 30), (40, 20), (10, 10)),
        JointRange("tail1", (35, 60), (10, 10), (45, 45), "y"),
        JointRange("tail2", (25, 30), (5, 5), (35, 35), "y"),
        JointRange("tail3", (20, 20), (5, 5), (30, 30), "y"),
        JointRange("{s}_front_upper", (45, 35), (12, 5), (10, 10)),
        JointRange("{s}_front_elbow", (60, 15), (5, 5), (10, 10)),
        JointRange("{s}_front_wrist", (15, 60), (5, 5), (5, 5)),
        JointRange("{s}_front_paw", (30, 30), (5, 5), (5, 5)),
        JointRange("{s}_hip", (45, 35), (15, 5), (10, 10)),
        JointRange("{s}_knee", (30, 40), (5, 5), (8, 8)),
        JointRange("{s}_hock", (40, 30), (5, 5), (5, 5)),
        JointRange("{s}_rear_paw", (30, 30), (5, 5), (5, 5)),
    )
)
"""Legs swing about x: forward is negative, as for people."""

RANGES_OF_BODIES: dict[str, tuple[JointRange, ...]] = {
    "anny": HUMAN_RANGES,
    "capsule-dog": DOG_RANGES,
    "capsule-human": HUMAN_RANGES,
    "smal": DOG_RANGES,
    "smpl": HUMAN_RANGES,
    "smplx": HUMAN_RANGES,
}
"""Name of a body's anatomy to the ranges of its joints."""
