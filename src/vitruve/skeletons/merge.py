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
