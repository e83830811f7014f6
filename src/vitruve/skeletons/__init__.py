"""Skeleton formats: one name, one definition, and what converts into what."""

from collections.abc import Mapping
from difflib import get_close_matches

from vitruve.skeletons.convert import Conversion, conversion
from vitruve.skeletons.formats import ALIASES, Formats
from vitruve.skeletons.merge import ALIKE, merge, merge_alike, part_of, places_in, places_of
from vitruve.skeletons.skeleton import Skeleton

__all__ = [
    "SKELETONS",
    "Conversion",
    "Skeleton",
    "conversion",
    "formats_in",
    "merge",
    "merge_alike",
    "part_of",
    "places_in",
    "places_of",
    "recognise_joints",
    "skeleton",
]

SKELETONS: Mapping[str, Skeleton] = Formats()
"""Every format by name; parsed from ``formats.json`` on first use."""


def skeleton(name: str) -> Skeleton:
    """Look a format up by name or alias.

    Raises:
        KeyError: No format has this name; the message offers the closest ones.
    """
    known = ALIASES.get(name, name)
    if known in SKELETONS:
        return SKELETONS[known]
    close = get_close_matches(name, [*SKELETONS, *ALIASES], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "pass a ready Skeleton"
    raise KeyError(f"no skeleton {name!r}; {hint} Known: {', '.join(sorted(SKELETONS))}")


def recognise_joints(names: tuple[str, ...]) -> Skeleton | None:
    """Find the format whose joints have these names in this order, ours or the source's."""
    known = SKELETONS.values()
    return next((s for s in known if names and names in (s.names, s.aliases)), None)


def formats_in(whole: Skeleton) -> tuple[Skeleton, ...]:
    """The formats that `merge` made a skeleton of, in order; the skeleton itself if it is none.

    Raises:
        KeyError: A part goes by a name that no format has.
        ValueError: A part is not all of its format.
    """
    names = tuple(dict.fromkeys(name.partition("/")[0] for name in whole.names))
    if ALIKE in names or not all("/" in name for name in whole.names):
        return (whole,)
    formats = tuple(map(skeleton, names))
    if merge(formats).names != whole.names:
        raise ValueError(f"the parts of {whole.name!r} are not whole formats, one after the other")
    return formats
