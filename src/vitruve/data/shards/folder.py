"""A folder of shards: any example by key or number, touching only its shard.

Layout, schema 1::

    index.json          what there is: shards in order of their keys, with size and checksum
    shard-000000.npz    see `file`

Fields of examples are whatever was written; what they mean stands in ``about``. The folder is
local, or behind any fsspec address (``s3://``, ``gs://``, ``https://``): then shards are fetched
whole when they are first asked for, and compared with their checksums.
"""

import hashlib
import json
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.sequences.store_files import ChunkFolder, LocalFolder, open_folder
from vitruve.data.shards.file import KEY, Example, ShardFile
from vitruve.io.archive import parse_json
from vitruve.io.atomic import atomic_path
from vitruve.io.errors import FileError

SCHEMA = 1
INDEX = "index.json"
MAX_INDEX_BYTES = 256 * 2**20
SHARDS_OPEN = 256
"""How many shards stay mapped."""
SHARDS_FETCHED = 4
"""How many shards from elsewhere stay in memory."""


@dataclass(frozen=True)
class ShardEntry:
    """What the index says of a shard."""

    file: str
    examples: int
    first: str
    """Least key."""
    last: str
    """Greatest key."""
    size: int
    """Bytes."""
    sha256: str


def shard_name(number: int) -> str:
    """What a shard's file is called."""
    return f"shard-{number:06d}.npz"


def write_index(folder: str | Path, about: Mapping[str, Any], numbers: Sequence[int]) -> None:
    """Check shards, and write the index that makes their folder readable.

    Args:
        folder: Where the shards are.
        about: What the examples are: JSON values.
        numbers: Of the shards, in order of their keys.

    Raises:
        FileNotFoundError: A shard is missing.
        FileError: A shard is damaged, or its keys are not beyond those of the one before.
    """
    entries: list[ShardEntry] = []
    files = LocalFolder(Path(folder))
    for number in numbers:
        path = Path(folder) / shard_name(number)
        keys, size = ShardFile(path).arrays[KEY], path.stat().st_size
        first, last = str(keys[0]), str(keys[-1])
        entry = ShardEntry(path.name, len(keys), first, last, size, files.sha256(path.name))
        if entries and entry.first <= entries[-1].last:
            raise FileError(f"shard {path} starts at key {entry.first!r}, which is not beyond")
        entries.append(entry)
    index = {"schema": SCHEMA, "about": dict(about), "shards": [asdict(e) for e in entries]}
    with atomic_path(Path(folder) / INDEX) as temporary:
        temporary.write_text(json.dumps(index, allow_nan=False), "utf-8")


class ShardReader:
    """Examples of a folder of shards, by key or by number in order of keys."""

    def __init__(self, folder: str | Path) -> None:
        """Read the index at a path or an fsspec address; no shard is opened.

        Raises:
            FileNotFoundError: There is no index.
            FileError: The index is damaged or of another schema.
        """
        self.folder = str(folder)
        self._files = open_folder(folder)
        self._kept = SHARDS_OPEN if isinstance(self._files, LocalFolder) else SHARDS_FETCHED
        self.about, self.entries = _read_index(self._files)
        self._first_keys = [e.first for e in self.entries]
        self._starts = [0, *accumulate(e.examples for e in self.entries)]
        self._open: OrderedDict[int, ShardFile] = OrderedDict()

    def __len__(self) -> int:
        """How many examples there are."""
        return self._starts[-1]

    def __iter__(self) -> Iterator[Example]:
        """Every example in order of keys."""
        return (example for n in range(len(self.entries)) for example in self._examples(n))

    def __getitem__(self, which: int | str) -> Example:
        """One example, by number or by key.

        Raises:
            IndexError: No example has the number.
            KeyError: No example has the key.
            FileError: Its shard is damaged; the message names it.
            FileNotFoundError: Its shard is missing.
        """
        number = self.number_of(which) if isinstance(which, str) else which
        if not 0 <= number < len(self):
            raise IndexError(f"example {number} of {self.folder}: it has {len(self)}")
        shard = bisect_right(self._starts, number) - 1
        return self.shard(shard)[number - self._starts[shard]]

    def number_of(self, key: str) -> int:
        """Number of the example of this key.

        Raises:
            KeyError: There is none.
            FileError: The shard where it would be is damaged.
        """
        shard = bisect_right(self._first_keys, key) - 1
        if shard >= 0 and key <= self.entries[shard].last:
            keys = self.shard(shard).arrays[KEY]
            place = int(np.searchsorted(keys, key))
            if keys[place] == key:
                return self._starts[shard] + place
        raise KeyError(f"{self.folder} has no example {key!r}")

    def shard(self, number: int) -> ShardFile:
        """One shard, mapped: for reading a whole column at once.

        Raises:
            FileError: It is damaged; the message names it.
            FileNotFoundError: It is missing.
        """
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        entry = self.entries[number]
        shard = ShardFile(self._files.at(entry.file), self._fetched(entry))
        keys = shard.arrays[KEY]
        if (len(keys), keys[0], keys[-1]) != (entry.examples, entry.first, entry.last):
            raise FileError(
                f"shard {shard.path} is not the one of the index; make or copy it again"
            )
        self._open[number] = shard
        if len(self._open) > self._kept:
            self._open.popitem(last=False)
        return shard

    def _fetched(self, entry: ShardEntry) -> bytes | None:
        """Content of a shard from elsewhere; None for one that can be mapped."""
        name, size = self._files.at(entry.file), self._files.size(entry.file)
        if size is not None and size != entry.size:
            raise FileError(
                f"shard {name} has {size:,} bytes, the index says {entry.size:,}; "
                "make or copy it again"
            )
        if size is None or isinstance(self._files, LocalFolder):
            return None
        content = self._files.read(entry.file)
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise FileError(f"shard {name} is damaged (checksum differs); copy it again")
        return content

    def column(self, name: str) -> np.ndarray:
        """One column of all examples, in memory.

        Raises:
            KeyError: There is no such column, or it holds bytes of any length.
            FileError: A shard is damaged.
        """
        parts = []
        for shard in map(self.shard, range(len(self.entries))):
            if name not in shard.arrays or shard.holds_bytes(name):
                raise KeyError(f"{self.folder} has no column {name!r} of numbers or text")
            parts.append(shard.arrays[name])
        return np.concatenate(parts)

    def verify(self) -> list[str]:
        """Compare every shard with its checksum; one line for each that is missing or damaged."""
        broken = []
        for entry in self.entries:
            name = self._files.at(entry.file)
            if self._files.size(entry.file) is None:
                broken.append(f"shard {name} is missing")
            elif self._files.sha256(entry.file) != entry.sha256:
                broken.append(f"shard {name} is damaged (checksum differs)")
        return broken

    def _examples(self, number: int) -> Iterator[Example]:
        shard = self.shard(number)
        return (shard[i] for i in range(len(shard)))


def holds_shards(folder: str | Path) -> bool:
    """Whether a folder's index is one of shards; sequence stores have an index too.

    Raises:
        FileError: The index is no JSON.
    """
    files = open_folder(folder)
    index = _load_index(files) if files.size(INDEX) is not None else None
    return isinstance(index, dict) and "shards" in index


def _load_index(files: ChunkFolder) -> Any:
    path, size = files.at(INDEX), files.size(INDEX)
    if size is None:
        raise FileNotFoundError(
            f"no shards at {path.removesuffix(f'/{INDEX}')}: {INDEX} is missing; if it was being "
            "made, the same command goes on"
        )
    if size > MAX_INDEX_BYTES:
        raise FileError(f"{path} has {size:,} bytes; at most {MAX_INDEX_BYTES:,} are read")
    return parse_json(files.read(INDEX), path)


def _read_index(files: ChunkFolder) -> tuple[dict[str, Any], list[ShardEntry]]:
    path, index = files.at(INDEX), _load_index(files)
    try:
        schema, about = index["schema"], dict(index["about"])
        entries = [ShardEntry(**entry) for entry in index["shards"]]
        # Names follow from numbers: nothing in an index leads out of the folder.
        sound = all(_sound(e) for e in entries) and len(entries) > 0
        ordered = all(a.last < b.first for a, b in pairwise(entries))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(f"{path} is not an index of shards: {error!r}") from None
    if schema != SCHEMA:
        raise FileError(f"{path} has schema {schema!r}, this version reads {SCHEMA}")
    if not (sound and ordered):
        raise FileError(f"{path} has damaged or disordered entries; make the index again")
    return about, entries


def _sound(entry: ShardEntry) -> bool:
    number = entry.file.removeprefix("shard-").removesuffix(".npz")
    return (
        number.isascii()
        and number.isdigit()
        and entry.file == f"shard-{number}.npz"
        and isinstance(entry.examples, int)
        and isinstance(entry.size, int)
        and entry.examples > 0
        and entry.first <= entry.last
    )
