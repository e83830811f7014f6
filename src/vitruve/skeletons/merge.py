"""Several formats as one joint set, for what sees or says all of them at once."""

from collections.abc import Sequence
from itertools import accumulate

from vitruve.skeletons.skeleton import Skeleton


def merge(formats: Sequence[Skeleton], name: str = "") -> Skeleton:
    """The joints of all formats behind each other; none is taken to be the same as another.

    Joints are called ``coco_17/left_knee``; each format stays a tree of its own with its mirror,
    and the root is that of the first. One format alone stays what it is.

    Raises:
        ValueError: There is no format, or one comes twice.
    """
    if not formats:
        raise ValueError("no formats to merge; give one or more")
    if len(formats) == 1:
        return formats[0]
    starts = [0, *accumulate(s.num_joints for s in formats)]
    placed = list(zip(formats, starts, strict=False))
    return Skeleton(
        name or "+".join(s.name for s in formats),
        tuple(f"{s.name}/{joint}" for s in formats for joint in s.names),
        tuple(p + at if p >= 0 else -1 for s, at in placed for p in s.parents),
        mirror_index=tuple(m + at for s, at in placed for m in s.mirror_index),
        root=formats[0].root,
        edges=tuple((a + at, b + at) for s, at in placed for a, b in s.edges),
    )


def part_of(formats: Sequence[Skeleton], name: str) -> slice:
    """Where the joints of one format lie in `merge` of all.

    Raises:
        KeyError: It is not among them.
    """
    start = 0
    for one in formats:
        if one.name == name:
            return slice(start, start + one.num_joints)
        start += one.num_joints
    raise KeyError(f"no format {name!r} here; there are {', '.join(s.name for s in formats)}")


ALIKE = "alike"
"""Stands for the format in the names of `merge_alike`."""


def merge_alike(formats: Sequence[Skeleton], name: str = "") -> Skeleton:
    """One joint for all that go by the same name in some format, whatever each means by it.

    Joints are called ``alike/left_knee``, in the order in which the formats name them; parents,
    edges and the root are those of the first format that has the joint.

    Raises:
        ValueError: There is no format, or one comes twice.
    """
    whole = merge(formats, name)
    first: dict[str, int] = {}
    for j, joint in enumerate(whole.names):
        first.setdefault(joint.partition("/")[2], j)
    names = list(first)
    place = {name: i for i, name in enumerate(names)}

    def at(j: int) -> int:
        return place[whole.names[j].partition("/")[2]]

    kept = list(first.values())
    parents = tuple(-1 if (p := whole.parents[j]) < 0 else at(p) for j in kept)
    return Skeleton(
        name or f"{whole.name} alike",
        tuple(f"{ALIKE}/{n}" for n in names),
        parents,
        mirror_index=tuple(at(whole.mirror_index[j]) for j in kept),
        root=at(whole.root),
        edges=tuple((p, i) for i, p in enumerate(parents) if p >= 0),
    )


def places_in(whole: Skeleton, merged: Skeleton) -> tuple[int, ...]:
    """For each joint of `merge`, where `merge` or `merge_alike` of as many formats has it.

    Raises:
        ValueError: It has one of them nowhere.
    """
    place = {name: j for j, name in enumerate(merged.names)}
    alike = (f"{ALIKE}/{name.partition('/')[2]}" for name in whole.names)
    found = [place.get(n, place.get(a)) for n, a in zip(whole.names, alike, strict=True)]
    if None in found:
        absent = whole.names[found.index(None)]
        raise ValueError(f"{merged.name!r} says nothing of {absent!r}; merge all formats into it")
    return tuple(j for j in found if j is not None)


def places_of(one: Skeleton, whole: Skeleton) -> tuple[int | None, ...]:
    """For each joint of a format, where a skeleton of many formats has it; None for nowhere.

    A joint is found as ``FORMAT/joint``, as ``alike/joint``, or by its name alone.
    """
    place = {name: j for j, name in enumerate(whole.names)}
    return tuple(
        next((place[n] for n in (f"{one.name}/{k}", f"{ALIKE}/{k}", k) if n in place), None)
        for k in one.names
    )
