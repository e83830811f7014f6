"""Folders of shards that are being made: begun with settings, gone on with after a kill.

``settings.json`` states what a folder was begun with; each shard is written whole or not at all.
"""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vitruve.data.shards.folder import INDEX, shard_name
from vitruve.io.archive import load_json
from vitruve.io.atomic import atomic_path
from vitruve.io.limits import clip

SETTINGS = "settings.json"
_STALE_S = 600


def begin_folder(folder: str | Path, settings: Mapping[str, Any]) -> None:
    """Make the folder, or make sure that it was begun with the same settings.

    Args:
        folder: New, empty, or begun before.
        settings: JSON values.

    Raises:
        FileExistsError: It holds something else.
        ValueError: It was begun with other settings; the message names the first that differs.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path, wanted = folder / SETTINGS, json.loads(json.dumps(settings))
    if path.exists():
        _compare(path, wanted)
        _remove_abandoned(folder)
        return
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} holds something else; give a new folder")
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(wanted, indent=1), "utf-8")


def missing_shards(folder: str | Path, numbers: Iterable[int]) -> list[int]:
    """Those numbers whose shard is not there yet."""
    return [n for n in numbers if not (Path(folder) / shard_name(n)).is_file()]


def is_finished(folder: str | Path) -> bool:
    """Whether the index is there; shards may have been lost since."""
    return (Path(folder) / INDEX).is_file()


def _compare(path: Path, wanted: dict[str, Any]) -> None:
    stored = load_json(path)
    for name, value in wanted.items():
        found = stored.get(name) if isinstance(stored, dict) else None
        if found != value:
            raise ValueError(
                f"{path.parent} was begun with {name} {clip(repr(found))}, now it is "
                f"{clip(repr(value))}; give the same settings or another folder"
            )


def _remove_abandoned(folder: Path) -> None:
    """Halves of files that a killed run left; younger ones may belong to a run beside this."""
    for path in folder.glob(".writing-*"):
        if time.time() - path.stat().st_mtime > _STALE_S:
            path.unlink(missing_ok=True)
