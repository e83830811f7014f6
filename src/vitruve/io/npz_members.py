"""Arrays out of ``.npz`` archives that may come from anywhere.

An archive's own table says how large each member unpacks, and the zip reader stops there, so a
limit on that number is enough against bombs. A member's array header is compared with it before
anything is allocated. Object arrays are pickles: they go through ``restricted_pickle``.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

import numpy as np

from vitruve.io.restricted_pickle import restricted_load

MAX_MEMBER_BYTES = 4 * 2**30


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an ``.npz`` archive.

    Raises:
        ValueError: The file is no zip archive.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is not an .npz archive: {error}") from error
    with archive:
        yield archive


def read_member(archive: zipfile.ZipFile, name: str, *, objects: bool = False) -> Any:
    """Read one array; with ``objects``, what a 0-d object array holds.

    Raises:
        KeyError: There is no such member.
        ValueError: The member is too large, damaged, or pickled where plain data are expected.
    """
    label = f"{archive.filename}: {name!r}"
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError as error:
        raise KeyError(f"{label} is missing from the archive") from error
    if info.file_size > MAX_MEMBER_BYTES:
        raise ValueError(f"{label} unpacks to {info.file_size} bytes, at most {MAX_MEMBER_BYTES}")
    try:
        with cast(BufferedIOBase, archive.open(info)) as file:
            return _read_array(file, info.file_size, label, objects)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{label} is damaged: {error}") from error


def _read_array(file: BufferedIOBase, size: int, label: str, objects: bool) -> Any:
    shape, fortran, dtype = _read_header(file, label)
    if dtype.hasobject:
        if not objects:
            raise ValueError(f"{label} is a pickled object array; plain arrays are expected")
        content = restricted_load(file)
        return content.item() if isinstance(content, np.ndarray) and content.ndim == 0 else content
    count = 1
    for n in shape:
        count *= n
    if count * dtype.itemsize > size:
        raise ValueError(f"{label} claims {shape} of {dtype}, more than its {size} bytes")
    data = file.read(count * dtype.itemsize)
    array = np.frombuffer(data, dtype=dtype, count=count)
    return array.reshape(shape, order="F" if fortran else "C")


def _read_header(file: BufferedIOBase, label: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            return np.lib.format.read_array_header_1_0(file)
        return np.lib.format.read_array_header_2_0(file)
    except ValueError as error:
        raise ValueError(f"{label} has no sound array header: {error}") from error
