"""Studio as a folder: begun, made shard by shard, finished.

Layout: the folder of `shards`, and ``studio.json`` with the settings it was begun with. A killed
run leaves whole shards; the same settings go on with those that are missing.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from vitruve.bodies import make_body
from vitruve.data.shards import INDEX, shard_name, write_index
from vitruve.data.studio import StudioConfig
from vitruve.data.studio_motions import open_motions
from vitruve.data.studio_pictures import StudioCamera, moved_bones
from vitruve.data.studio_scene import JOINTS
from vitruve.io.archive import load_json
from vitruve.io.atomic import atomic_path

SETTINGS = "studio.json"
_STALE_S = 600


def begin(folder: str | Path, config: StudioConfig) -> None:
    """Make the folder, or make sure that it was begun with the same settings.

    Raises:
        FileExistsError: It holds something else.
        KeyError: No body has this name.
        ValueError: It was begun with other settings; the message names the first that differs. Or
            the body needs a file, or motions or backgrounds cannot be read.
        OSError: They do not exist, or the folder cannot be written.
    """
    open_camera(config)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path, wanted = folder / SETTINGS, json.loads(json.dumps(asdict(config)))
    if path.exists():
        _compare(path, wanted)
        _remove_abandoned(folder)
        return
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder} holds something else; give a new folder")
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(wanted, indent=1), "utf-8")


def open_camera(config: StudioConfig) -> StudioCamera:
    """What takes the pictures of these settings.

    Raises:
        KeyError: No body has this name.
        ValueError: The body needs a file, or motions or backgrounds cannot be read.
        OSError: They do not exist.
    """
    return StudioCamera(config, make_body(config.body), open_motions(config))


def missing(folder: str | Path, config: StudioConfig) -> list[int]:
    """Numbers of the shards that are not there yet."""
    return [n for n in range(config.shards) if not (Path(folder) / shard_name(n)).is_file()]


def make_shards(
    folder: str | Path,
    config: StudioConfig,
    numbers: Iterable[int],
    tell: Callable[[int], None] | None = None,
) -> None:
    """Make shards, each whole or not at all; what they hold follows from the settings alone.

    Args:
        folder: One that was begun.
        config: The settings.
        numbers: Which shards.
        tell: Told of the pictures of each scene that is done.

    Raises:
        ValueError: The body needs a file, or motions or backgrounds cannot be read.
        OSError: They do not exist, or the folder cannot be written.
    """
    camera = open_camera(config)
    for number in numbers:
        camera.write(Path(folder) / shard_name(number), config.scenes_of(number), tell)


def finish(folder: str | Path, config: StudioConfig) -> None:
    """Check all shards and write the index.

    Raises:
        FileNotFoundError: A shard is missing.
        FileError: A shard is damaged.
    """
    body = make_body(config.body)
    about = {
        "kind": "studio",
        "schema": 1,
        "skeleton": JOINTS,
        "units": "metres, pixels with centres at .5",
        "axes": "camera x right, y down, z forward; world z up",
        "part_names": list(body.anatomy.part_names),
        "bones": moved_bones(body),
        "settings": asdict(config),
    }
    write_index(folder, about, range(config.shards))


def is_finished(folder: str | Path) -> bool:
    """Whether the index is there; shards may have been lost since."""
    return (Path(folder) / INDEX).is_file()


def _compare(path: Path, wanted: dict) -> None:
    stored = load_json(path)
    for name, value in wanted.items():
        found = stored.get(name) if isinstance(stored, dict) else None
        if found != value:
            raise ValueError(
                f"{path.parent} was begun with {name} {found!r}, now it is {value!r}; give the "
                "same settings or another folder"
            )


def _remove_abandoned(folder: Path) -> None:
    """Halves of files that a killed run left; younger ones may belong to a run beside this."""
    for path in folder.glob(".writing-*"):
        if time.time() - path.stat().st_mtime > _STALE_S:
            path.unlink(missing_ok=True)
