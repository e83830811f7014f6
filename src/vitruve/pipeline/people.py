"""The people of a result in the formats that were asked for, and their files."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from vitruve.io import WRITERS, write
from vitruve.pipeline.convert import converted
from vitruve.pipeline.place import Placed
from vitruve.poses import KeypointSequence, PoseSequence
from vitruve.skeletons import Conversion


def people_in(
    way: Conversion,
    placed: Sequence[Placed],
    tracks: Sequence[KeypointSequence],
    lens: Float[Tensor, "terms"] | None,
    model: str,
) -> tuple[PoseSequence, ...]:
    """Everyone in one format.

    Args:
        way: From the model's joints to the format.
        placed: The people.
        tracks: The 2D that they come from, in the same order.
        lens: Distortion of the pictures, which people were placed without.
        model: What said the joints.
    """
    return tuple(
        replace(
            converted(p.sequence, way),
            camera=None if (at := p.sequence.camera) is None else replace(at, distortion=lens),
            person=k.person,
            model=f"vitruve {model} on {k.model}",
        )
        for p, k in zip(placed, tracks, strict=True)
    )


def write_people(
    formats: Mapping[str, Sequence[PoseSequence]], out: Path, suffixes: Sequence[str]
) -> tuple[tuple[Path, ...], dict[str, str]]:
    """Write everyone's files; of several skeletons each is named in them.

    Returns:
        The files; and as a fact what could not be written, which ends nothing where there are other
        skeletons.

    Raises:
        OSError: A file cannot be written.
        ValueError: A kind of file cannot hold the only skeleton.
    """
    several, files, refused = len(formats) > 1, [], {}
    for name, people in formats.items():
        for person in people:
            for suffix in suffixes:
                file = f"person{person.person}{f'.{name}' if several else ''}.{suffix}"
                try:
                    files.append(write(person, out / file))
                except ValueError as error:
                    if not several:
                        raise
                    refused[f"no {file}"] = str(error)
    return tuple(files), refused


def check_suffixes(suffixes: Sequence[str]) -> None:
    """Refuse files that nobody writes, before anything is done.

    Raises:
        ValueError: There is no such kind of file.
    """
    for suffix in suffixes:
        if f".{suffix}" not in WRITERS:
            known = ", ".join(s.removeprefix(".") for s in WRITERS)
            raise ValueError(f"no file format {suffix!r}; there are {known}")
