"""``vitruve data unpack``: pictures and masks of shards as plain files."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

_NO_NAME = re.compile(r"[^0-9A-Za-z_-]+")
"""What keys of examples may hold and names of files should not."""
_JPEG = b"\xff\xd8"


@dataclass(frozen=True)
class UnpackArguments:
    """Write pictures of shards as files, and their masks into OUT/masks.

    vitruve train unsupervised --images OUT learns from them, such as from a dataset that vitruve
    data build wrote. A killed run goes on with the same command.
    """

    shards: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder of shards with pictures."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """Folder of the pictures."""
    every: int = 1
    """Take every so manyth example."""


def unpack(argv: list[str]) -> int:
    """Write what is not there yet.

    Raises:
        ValueError: A shard is damaged, holds no pictures, or OUT was begun with other shards.
        OSError: The shards are missing, or OUT holds something else or cannot be written.
    """
    arguments = tyro.cli(UnpackArguments, prog="vitruve data unpack", args=argv)
    from vitruve.cli.progress import show_progress
    from vitruve.data.shards.file import KEY
    from vitruve.data.shards.folder import INDEX, ShardReader
    from vitruve.data.shards.unfinished import begin_folder

    if arguments.every < 1:
        raise ValueError(f"--every {arguments.every}: must be 1 or more")
    reader = ShardReader(arguments.shards)
    index = hashlib.sha256((arguments.shards / INDEX).read_bytes()).hexdigest()
    begin_folder(arguments.out, {"index_sha256": index, "every": arguments.every})
    (arguments.out / "masks").mkdir(exist_ok=True)
    pictures = masks = 0
    with show_progress("pictures") as tell:
        for number in range(0, len(reader), arguments.every):
            example = reader[number]
            name = _NO_NAME.sub("-", str(example[KEY]))
            image, mask = (_bytes(example.get(column)) for column in ("image", "mask"))
            if not image:
                raise ValueError(f"{arguments.shards} holds no pictures: {example[KEY]} has none")
            _write(arguments.out / f"{name}{'.jpg' if image.startswith(_JPEG) else '.png'}", image)
            pictures += 1
            if mask:
                _write(arguments.out / "masks" / f"{name}.png", mask)
                masks += 1
            tell("unpack", number // arguments.every + 1, -(-len(reader) // arguments.every))
    print(f"{pictures} pictures, {masks} masks")
    print(arguments.out)
    return 0


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _write(path: Path, content: bytes) -> None:
    from vitruve.io.atomic import atomic_path

    if not path.exists():
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
