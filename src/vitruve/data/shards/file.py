"""One shard: a plain ``.npz`` of columns over the same examples, opened without reading it.

NumPy alone can read it. A column is an array whose first axis is the examples, or ``bytes`` of any
length for each example (encoded pictures), kept as one array of bytes, ``NAME``, and where each
example's part of it ends, ``NAME.ends``. Members are stored, not packed, so arrays are mapped
where they lie. Equal columns give equal bytes of the file.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vitruve.io.atomic import atomic_path
from vitruve.io.errors import FileError
from vitruve.io.limits import clip

KEY = "key"
"""The column that names examples: text, increasing."""
ENDS = ".ends"
MAX_SHARD_BYTES = 8 * 2**30
MAX_EXAMPLES = 10_000_000
MAX_COLUMNS = 1000
_LOCAL_HEADER = 30
"""Bytes of a zip member's own header before its name."""

Column = np.ndarray | Sequence[bytes]
Example = dict[str, np.ndarray | bytes]


def write_shard(path: str | Path, columns: Mapping[str, Column]) -> None:
    """Write a shard: whole or not at all.

    Args:
        path: Where to.
        columns: Arrays, or ``bytes`` for each example; ``key`` is text, increasing.

    Raises:
        ValueError: Columns differ in length, hold objects, or keys do not increase.
        OSError: The folder cannot be written.
    """
    arrays = _to_arrays(columns)
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            # A constant date: the same columns are the same file.
            member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            content = io.BytesIO()
            np.save(content, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(member, content.getvalue())


def _to_arrays(columns: Mapping[str, Column]) -> dict[str, np.ndarray]:
    lengths = {name: len(column) for name, column in columns.items()}
    if KEY not in columns or len(set(lengths.values())) != 1 or not lengths[KEY]:
        raise ValueError(f"a shard needs a column {KEY!r} and columns of one length, got {lengths}")
    keys = np.asarray(columns[KEY])
    if keys.ndim != 1 or keys.dtype.kind != "U" or not (keys[:-1] < keys[1:]).all():
        raise ValueError("the keys of a shard are text and increase; sort the examples by key")
    arrays: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        if isinstance(column, np.ndarray):
            if column.dtype.hasobject:
                raise ValueError(f"column {name!r} holds Python objects; give it a plain type")
            arrays[name] = column
        else:
            arrays[name] = np.frombuffer(b"".join(column), np.uint8)
            arrays[name + ENDS] = np.cumsum([len(b) for b in column], dtype=np.int64)
    return arrays


class ShardFile:
    """A shard. Of one on disk nothing but headers is read before an example is asked for."""

    def __init__(self, path: str | Path, content: bytes | None = None) -> None:
        """Open it and check that every column lies within the file and fits the others.

        Args:
            path: The file.
            content: All of it, where it was fetched from elsewhere; ``path`` is then but its name.

        Raises:
            FileNotFoundError: There is no such file.
            FileError: It is no shard, or it is damaged.
        """
        self.path = str(path)
        if content is None and not Path(path).is_file():
            raise FileNotFoundError(f"shard {path} is missing; make or copy it again")
        try:
            arrays = _map_arrays(self.path, content)
        except FileError:
            raise
        # zipfile and numpy raise a dozen kinds on damaged archives.
        except Exception as error:
            raise _damaged(self.path, clip(str(error)) or type(error).__name__) from error
        self._ends = {k.removesuffix(ENDS): v for k, v in arrays.items() if k.endswith(ENDS)}
        self.arrays = {k: v for k, v in arrays.items() if not k.endswith(ENDS)}
        """Every column, mapped; of columns of ``bytes`` all examples' behind each other."""
        self._check()

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self.arrays[KEY])

    def __getitem__(self, number: int) -> Example:
        """One example: a copy of its row of every column.

        Raises:
            IndexError: There are fewer.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"example {number} of {self.path}: it has {len(self)}")
        return {
            name: self._bytes(name, number) if name in self._ends else np.array(column[number])
            for name, column in self.arrays.items()
        }

    def holds_bytes(self, name: str) -> bool:
        """Whether a column has ``bytes`` of any length for each example."""
        return name in self._ends

    def _bytes(self, name: str, number: int) -> bytes:
        ends = self._ends[name]
        start = int(ends[number - 1]) if number else 0
        return self.arrays[name][start : int(ends[number])].tobytes()

    def _check(self) -> None:
        keys = self.arrays.get(KEY)
        if keys is None or keys.dtype.kind != "U" or keys.ndim != 1 or not len(keys):
            raise _damaged(self.path, f"it has no column {KEY!r} of text")
        if not (keys[:-1] < keys[1:]).all():
            raise _damaged(self.path, "its keys do not increase")
        for name, column in self.arrays.items():
            ends = self._ends.get(name)
            if ends is None:
                fits = column.ndim > 0 and len(column) == len(keys)
            else:
                fits = column.dtype == np.uint8 and column.ndim == 1 and _sound(ends, len(keys))
                fits = fits and int(ends[-1]) == len(column)
            if not fits:
                raise _damaged(self.path, f"column {clip(name)!r} does not fit the others")


def _sound(ends: np.ndarray, examples: int) -> bool:
    if ends.dtype != np.int64 or ends.shape != (examples,):
        return False
    return int(ends[0]) >= 0 and bool((np.diff(ends) >= 0).all())


def _map_arrays(path: str, content: bytes | None) -> dict[str, np.ndarray]:
    size = Path(path).stat().st_size if content is None else len(content)
    if size > MAX_SHARD_BYTES:
        raise FileError(f"shard {path} has {size:,} bytes; at most {MAX_SHARD_BYTES:,} are read")
    with Path(path).open("rb") if content is None else io.BytesIO(content) as file:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
        if len(members) > MAX_COLUMNS:
            raise _damaged(path, f"it has {len(members)} columns, at most {MAX_COLUMNS}")
        # One mapping for all columns: each keeps a file open, and systems allow about a thousand.
        whole = np.memmap(path, np.uint8, "r") if content is None else np.frombuffer(content, "B")
        return {m.filename.removesuffix(".npy"): _column(path, file, m, whole) for m in members}


def _column(
    path: str, file: io.BufferedIOBase, member: zipfile.ZipInfo, mapped: np.ndarray
) -> np.ndarray:
    """One member as an array that is read only where it is looked at."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise _damaged(path, f"column {clip(member.filename)!r} is packed")
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER)
    start = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(member.header_offset + _LOCAL_HEADER + start)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise _damaged(path, f"column {clip(member.filename)!r} has npy version {version}")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    count = 1
    for n in shape:
        count *= n
    end = member.header_offset + _LOCAL_HEADER + start + member.file_size
    if dtype.hasobject or fortran or (shape and shape[0] > MAX_SHARD_BYTES) or end > len(mapped):
        raise _damaged(path, f"column {clip(member.filename)!r} is no plain array of this file")
    if file.tell() + count * dtype.itemsize != end:
        raise _damaged(path, f"column {clip(member.filename)!r} states another size than it has")
    if not count:
        return np.zeros(shape, dtype)
    return np.ndarray(shape, dtype, mapped.data, file.tell())


def _damaged(path: str, what: str) -> FileError:
    return FileError(f"shard {path} is damaged or no shard ({what}); make or copy it again")
