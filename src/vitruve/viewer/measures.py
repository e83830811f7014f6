"""Joint angles and heights over time, with how sure they are. Axes: t frames, j joints."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from vitruve.skeletons.skeleton import Skeleton

Points = Float[np.ndarray, "t j 3"]
Flags = Bool[np.ndarray, "t j"]

TOES = ("toe", "big_toe", "foot_index", "foot", "toe1_1")
ANGLES = (
    ("Knee flexion", ("hip",), "knee", ("ankle",), True),
    ("Hip flexion", ("shoulder",), "hip", ("knee",), True),
    ("Ankle angle", ("knee",), "ankle", TOES, False),
    ("Elbow flexion", ("shoulder",), "elbow", ("wrist",), True),
    ("Shoulder elevation", ("hip",), "shoulder", ("elbow",), False),
)
"""Title, joints that span the angle at the middle one, and whether 0 means straight; joints in
parentheses are tried in order. They are angles in space between two segments, not the clinical
angles about an anatomical axis."""
HEIGHTS = (
    ("Head", ("head_top", "head", "nose")),
    ("Pelvis", ("pelvis", "mid_hip")),
    ("Left foot", tuple(f"left_{name}" for name in (*TOES, "ankle"))),
    ("Right foot", tuple(f"right_{name}" for name in (*TOES, "ankle"))),
)
_HIPS = ("left_hip", "right_hip")


@dataclass(frozen=True)
class Measure:
    """One curve."""

    title: str
    side: str
    """``left``, ``right`` or ``centre``."""
    joint: str
    """Where it is measured."""
    values: Float[np.ndarray, "t"]
    """Radians or metres; arbitrary where not ``valid``."""
    valid: Bool[np.ndarray, "t"]
    spread: Float[np.ndarray, "t"] | None = None
    """Standard deviation in the same unit; None where the joints' own is unknown."""


def joint_angles(
    skeleton: Skeleton, joints: Points, valid: Flags, spread: Float[np.ndarray, "t j"] | None
) -> Iterator[Measure]:
    """Angles of `ANGLES` that the skeleton's joints allow, in radians, left before right.

    Args:
        skeleton: Names the joints.
        joints: Metres.
        valid: An angle needs all its three joints.
        spread: RMS distance of each joint from its mean, metres. To first order, joints taken as
            independent and alike along the axes, it gives the spread of the angle.
    """
    for title, starts, middle, ends, straight in ANGLES:
        for side in ("left", "right"):
            vertex = _find(skeleton, (f"{side}_{middle}",))
            a = _find(skeleton, tuple(f"{side}_{n}" for n in starts))
            b = _find(skeleton, tuple(f"{side}_{n}" for n in ends))
            if vertex is None or a is None or b is None:
                continue
            three = [a, vertex, b]
            angle, gradients, sound = _angle(joints[:, three])
            yield Measure(
                title,
                side,
                skeleton.names[vertex],
                np.pi - angle if straight else angle,
                valid[:, three].all(1) & sound,
                None if spread is None else np.sqrt((gradients * spread[:, three] ** 2 / 3).sum(1)),
            )


def heights(
    skeleton: Skeleton, joints: Points, valid: Flags, spread: Float[np.ndarray, "t j"] | None
) -> Iterator[Measure]:
    """Heights over the floor, metres, of `HEIGHTS`; of the root where none of them is known."""
    found = 0
    for title, names in HEIGHTS:
        places = pelvis(skeleton) if title == "Pelvis" else _single(_find(skeleton, names))
        if places is None:
            continue
        found += 1
        yield _height(title, skeleton, joints, valid, spread, places=places)
    if not found and skeleton.num_joints:
        root = skeleton.root
        yield _height(skeleton.names[root].title(), skeleton, joints, valid, spread, places=(root,))


def pelvis(skeleton: Skeleton) -> tuple[int, ...] | None:
    """Joints whose mean is the pelvis: itself, or both hips; None where neither is there."""
    own = _find(skeleton, ("pelvis", "mid_hip"))
    if own is not None:
        return (own,)
    hips = tuple(skeleton.names.index(n) for n in _HIPS if n in skeleton.names)
    return hips if len(hips) == len(_HIPS) else None


def _height(
    title: str,
    skeleton: Skeleton,
    joints: Points,
    valid: Flags,
    spread: Float[np.ndarray, "t j"] | None,
    *,
    places: tuple[int, ...],
) -> Measure:
    at = list(places)
    return Measure(
        title,
        title.split()[0].lower() if title.endswith("foot") else "centre",
        " and ".join(skeleton.names[j] for j in at),
        joints[:, at, 2].mean(1),
        np.logical_and.reduce(valid[:, at], axis=1),
        # The spread is a distance in space; one axis has its share of the variance.
        None if spread is None else np.sqrt((spread[:, at] ** 2).sum(1) / 3) / len(at),
    )


def _angle(
    points: Float[np.ndarray, "t 3 3"],
) -> tuple[Float[np.ndarray, "t"], Float[np.ndarray, "t 3"], Bool[np.ndarray, "t"]]:
    """Angle at the middle point, squared length of its gradient at each point, and where it is."""
    u, v = points[:, 0] - points[:, 1], points[:, 2] - points[:, 1]
    length_u, length_v = np.linalg.norm(u, axis=1), np.linalg.norm(v, axis=1)
    sound = (length_u > 0) & (length_v > 0)
    length_u, length_v = np.where(sound, length_u, 1.0), np.where(sound, length_v, 1.0)
    cosine = ((u * v).sum(1) / (length_u * length_v)).clip(-1, 1)
    # The gradients at the ends are 1/length across the segment, in the plane of both, opposite in
    # sense of turning; the middle point's is minus their sum.
    ends = np.stack([1 / length_u**2, 1 / length_v**2], 1)
    middle = ends.sum(1) - 2 * cosine / (length_u * length_v)
    return np.arccos(cosine), np.insert(ends, 1, middle, axis=1), sound


def _find(skeleton: Skeleton, names: tuple[str, ...]) -> int | None:
    return next((skeleton.names.index(n) for n in names if n in skeleton.names), None)


def _single(joint: int | None) -> tuple[int, ...] | None:
    return None if joint is None else (joint,)
