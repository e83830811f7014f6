"""``vitruve data sheet``: shards, or what a model says of their pictures, at a glance."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class SheetArguments:
    """Put examples of a folder of shards in one picture: image, mask, skeleton."""

    shards: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DIR")]
    """Folder of the shards, or its fsspec address."""
    out: Path = Path("sheet.png")
    """Picture to write."""
    examples: int = 16
    """How many, evenly spaced."""
    columns: int = 2
    """Examples in a row."""
    model: str = ""
    """Weights by name or file that look at pictures: show what they say of Studio's test pictures,
    or of your own that did not train."""


def sheet(argv: list[str]) -> int:
    """Write a contact sheet, and say where.

    Raises:
        ValueError: There is nothing to show, or shards are damaged.
        OSError: A shard is missing, or the picture cannot be written.
    """
    arguments = tyro.cli(SheetArguments, prog="vitruve data sheet", args=argv)
    if min(arguments.examples, arguments.columns) < 1:
        raise ValueError("--examples and --columns must be 1 or more")
    if arguments.out.suffix.lower() not in (".png", ".jpg"):
        raise ValueError(f"--out {arguments.out}: must end in .png or .jpg")
    write_sheet(arguments)
    print(arguments.out)
    return 0


def write_sheet(arguments: SheetArguments) -> None:
    """Write it, whole or not at all; errors as of `sheet`."""
    from vitruve.data.shards.contact_sheet import contact_sheet
    from vitruve.data.shards.folder import ShardReader
    from vitruve.io.atomic import atomic_path

    if arguments.model:
        picture = _answers(arguments)
    else:
        reader = ShardReader(arguments.shards)
        numbers = _spread(len(reader), arguments.examples)
        picture = contact_sheet(reader, numbers, arguments.columns)
    with atomic_path(arguments.out) as temporary:
        picture.save(temporary)


def _answers(arguments: SheetArguments) -> "Image":
    from vitruve.benchmarks.answer_sheet import answer_sheet
    from vitruve.data.studio.config import SPLITS
    from vitruve.data.studio.reader import Studio
    from vitruve.estimators import load

    splits = (Studio(arguments.shards, split) for split in reversed(SPLITS))
    studio = next((found for found in splits if len(found)), None)
    if studio is None:
        raise ValueError(f"{arguments.shards} holds no pictures")
    model = load(arguments.model)
    if "images" not in model.needs:
        raise ValueError(
            f"{arguments.model} reads 2D keypoints; --model takes one that looks at pictures"
        )
    return answer_sheet(studio, model, _spread(len(studio), arguments.examples), arguments.columns)


def _spread(total: int, wanted: int) -> list[int]:
    """Numbers of examples, evenly spread over all."""
    count = min(wanted, total)
    return [i * total // count for i in range(count)]
