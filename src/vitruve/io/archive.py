"""Archives and JSON trees that may be hostile: sizes are checked before memory is spent."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.io.errors import FileError
from vitruve.io.limits import MAX_TEXT_BYTES, check_file, check_values, clip

MAX_NPZ_BYTES = 4 * 2**30
"""Largest npz archive, packed and unpacked."""


def load_npz(path: Path, max_bytes: int = MAX_NPZ_BYTES) -> dict[str, np.ndarray]:
    """Every array of an ``.npz`` file; none is unpickled.

    Raises:
        FileError: Not an archive of plain arrays, damaged, or larger than ``max_bytes`` unpacked.
        OSError: It does not exist or may not be read.
    """
    check_file(path, max_bytes)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            total = sum(m.file_size for m in members)
            if total > max_bytes:
                raise FileError(
                    f"{path} unpacks to {total:,} bytes; at most {max_bytes:,} are read"
                )
            return {m.filename.removesuffix(".npy"): _load(path, archive, m) for m in members}
    except (FileError, FileNotFoundError, PermissionError):
        raise
    # zipfile, zlib and numpy raise a dozen kinds on damaged archives, OSError for wild offsets.
    except Exception as error:
        raise FileError(f"{path} is not a readable npz archive: {clip(str(error))}") from error


def _load(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise FileError(f"{path}: array {clip(member.filename)} has npy version {version}")
    if dtype.hasobject:
        raise FileError(
            f"{path}: array {clip(member.filename)} holds pickled Python objects, which can run "
            "code; save plain arrays"
        )
    check_values(path, shape)
    if int(np.prod(shape, dtype=np.float64)) * dtype.itemsize > member.file_size:
        raise FileError(f"{path}: array {clip(member.filename)} states more than it holds")
    with archive.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def load_json(
    path: Path,
    max_bytes: int = MAX_TEXT_BYTES,
    object_hook: Callable[[dict[str, Any]], Any] | None = None,
) -> Any:
    """The content of a JSON file; decoding takes about six times its size in memory.

    Args:
        path: The file.
        max_bytes: Larger ones are refused.
        object_hook: Replaces each object as soon as it is read.

    Raises:
        FileError: Not JSON, empty, nested too deeply, or larger than ``max_bytes``.
        OSError: It does not exist or may not be read.
    """
    check_file(path, max_bytes)
    return parse_json(path.read_bytes(), str(path), object_hook)


def parse_json(
    content: bytes, name: str, object_hook: Callable[[dict[str, Any]], Any] | None = None
) -> Any:
    """What is said in JSON that was read from the file ``name``.

    Raises:
        FileError: Not JSON, empty, or nested too deeply.
    """
    try:
        return json.loads(content.decode("utf-8-sig"), object_hook=object_hook)
    except RecursionError:
        raise FileError(f"{name} is nested too deeply to be a keypoint file") from None
    except ValueError as error:
        raise FileError(f"{name} is not JSON: {clip(str(error))}") from None
