"""Studio as a folder: begun, made shard by shard, finished.

A killed run leaves whole shards; the same settings go on with those that are missing.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vitruve.bodies import make_body, split_body
from vitruve.data.shards.folder import INDEX, shard_name, write_index
from vitruve.data.shards.unfinished import begin_folder
from vitruve.data.studio.config import StudioConfig
from vitruve.data.studio.motions import open_motions
from vitruve.data.studio.pictures import StudioCamera
from vitruve.data.studio.scene import joint_format, moved_bones
from vitruve.io.images import list_images


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
    begin_folder(folder, _stated(config))


def _stated(config: StudioConfig) -> dict[str, Any]:
    """The settings, with what files hold in place of where they lie: both may have changed."""
    stated = asdict(config)
    motions, backgrounds = (Path(stated.pop(name)) for name in ("motions", "backgrounds"))
    stated["body"], body = split_body(config.body)
    held = {
        "body": body and body.read_bytes(),
        "motions": (motions / INDEX).read_bytes() if config.motions else None,
        "backgrounds": _listed(backgrounds) if config.backgrounds else None,
    }
    sums = {f"{n}_sha256": x and hashlib.sha256(x).hexdigest() for n, x in held.items()}
    return stated | sums


def _listed(folder: Path) -> bytes:
    return repr([(path.name, path.stat().st_size) for path in list_images(folder)]).encode()


def open_camera(config: StudioConfig) -> StudioCamera:
    """What takes the pictures of these settings.

    Raises:
        KeyError: No body has this name.
        ValueError: The body needs a file, or motions or backgrounds cannot be read.
        OSError: They do not exist.
    """
    return StudioCamera(config, make_body(config.body), open_motions(config))


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


@dataclass(frozen=True)
class ShardMaker:
    """Makes any one shard of a folder that was begun: what is given to a cluster."""

    config: StudioConfig

    def __call__(self, folder: Path, number: int) -> None:
        """Make it, whole or not at all.

        Raises:
            ValueError: The body needs a file, or motions or backgrounds cannot be read.
            OSError: They do not exist, or the folder cannot be written.
        """
        _camera(self.config).write(folder / shard_name(number), self.config.scenes_of(number))


_camera = lru_cache(maxsize=1)(open_camera)
"""A worker makes many shards with one."""


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
        "skeleton": joint_format(body),
        "units": "metres, pixels with centres at .5",
        "axes": "camera x right, y down, z forward; world z up",
        "part_names": list(body.anatomy.part_names),
        "bones": moved_bones(body),
        "settings": asdict(config),
    }
    write_index(folder, about, range(config.shards))
