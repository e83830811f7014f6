"""The formats of ``formats.json``, built on first use."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.resources import files

from vitruve.skeletons.skeleton import Skeleton

ALIASES = {
    "anny": "anny_default_163",
    "blazepose_33": "mediapipe_33",
    "panoptic_19_posepile": "coco_19",
}
"""Other names of formats in the table."""


class Formats(Mapping[str, Skeleton]):
    """Name to Skeleton. The file is read once, each skeleton built when first asked for."""

    def __init__(self) -> None:
        self._built: dict[str, Skeleton] = {}

    def __getitem__(self, name: str) -> Skeleton:
        if name not in self._built:
            self._built[name] = _build(name, self._entries[name])
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    @cached_property
    def _entries(self) -> dict[str, dict[str, object]]:
        return json.loads(files("vitruve.skeletons").joinpath("formats.json").read_text("utf-8"))


def _build(name: str, entry: dict[str, object]) -> Skeleton:
    # JSON has lists only; the record is hashable, so every level becomes a tuple.
    return Skeleton(name, **{key: _frozen(value) for key, value in entry.items()})  # pyright: ignore[reportArgumentType]


def _frozen(value: object) -> object:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value
