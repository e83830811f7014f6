"""A result in the skeleton formats that were asked for, from whatever the model says.

A format that the model says by itself is taken as it is. Others come by the learned bridge where it
knows both, with the error that it had on people held out; else by rules.

Axes: j joints of the model, k joints of a format, l joints of one of the model's formats.
"""

from collections.abc import Sequence
from functools import lru_cache

from vitruve.nets.bridge_file import read_bridge
from vitruve.nets.skeleton_bridge import SkeletonBridge
from vitruve.skeletons import Conversion, Skeleton, conversion, formats_in, part_of
from vitruve.skeletons import skeleton as find_skeleton

EVERY = "all"
"""Asks for every format that the model says or the bridge leads to."""


@lru_cache(maxsize=1)
def packaged_bridge() -> SkeletonBridge:
    """The bridge that comes with the package."""
    return read_bridge("default")


def conversions(said: Skeleton, asked: str | None) -> tuple[Conversion, ...]:
    """How each format that was asked for comes out of a model's joints.

    Args:
        said: The model's skeleton; of many formats with `vitruve.skeletons.merge`.
        asked: Names separated by commas, ``all``, or None for the model's own, of many the first.

    Raises:
        KeyError: No format has such a name.
        ValueError: A format has no joint that the model knows, or is named twice.
    """
    own = formats_in(said)
    if asked is None:
        return (conversion_to(said, own, own[0]),)
    if asked.strip() == EVERY:
        known = {one.name: one for one in (*own, *packaged_bridge().formats)}
        ways = (conversion_to(said, own, one) for one in known.values())
        return tuple(way for way in ways if _says_something(way))
    names = [name.strip() for name in asked.split(",") if name.strip()]
    targets = [find_skeleton(name) for name in names]
    if len({one.name for one in targets}) != len(targets) or not targets:
        raise ValueError(f"--skeleton {asked!r}: name one or more formats, each once")
    ways = [conversion_to(said, own, one) for one in targets]
    for way in ways:
        if not _says_something(way):
            raise ValueError(
                f"the model knows no joint of {way.target.name!r}; choose a human skeleton"
            )
    return tuple(ways)


def conversion_to(said: Skeleton, own: Sequence[Skeleton], target: Skeleton) -> Conversion:
    """How one format comes out of a model's joints.

    Args:
        said: The model's skeleton.
        own: The formats in it.
        target: The format.
    """
    if any(_same(one, target) for one in own):
        return _widened(conversion(target, target), said, own)
    ways = [_way(one, target) for one in own]
    return _widened(min(ways, key=_doubt), said, own)


def _same(one: Skeleton, other: Skeleton) -> bool:
    """Whether two are one format, whatever else is noted with them."""
    return (one.name, one.names) == (other.name, other.names)


def _way(source: Skeleton, target: Skeleton) -> Conversion:
    bridge = packaged_bridge()
    if all(any(_same(one, known) for known in bridge.formats) for one in (source, target)):
        return bridge.conversion(source, target)
    return conversion(source, target)


def _doubt(way: Conversion) -> tuple[int, int, float]:
    """Of several ways the one with most joints, then most exact ones, then the least error."""
    residual = 0.0 if way.residual_m is None else float(way.residual_m.nan_to_num().mean())
    return len(way.joints_of("absent")), -len(way.joints_of("exact")), residual


def _widened(way: Conversion, said: Skeleton, own: Sequence[Skeleton]) -> Conversion:
    """A conversion from one of the model's formats as one from all its joints."""
    weights = way.weights.new_zeros(way.target.num_joints, said.num_joints)
    weights[:, part_of(own, way.source.name)] = way.weights
    return Conversion(said, way.target, weights, way.quality, way.rule, way.residual_m)


def _says_something(way: Conversion) -> bool:
    return any(quality != "absent" for quality in way.quality)
