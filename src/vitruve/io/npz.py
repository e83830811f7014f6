"""NPZ: the record as numpy arrays, exact to the bit; metres, z up.

Arrays: ``joints_world`` (t, j, 3) float32, ``valid`` (t, j) bool, ``frames`` (t,) int64, ``fps``,
``names`` (j,), ``parents`` (j,), ``meta`` (the statement, JSON); ``spread`` (t, j) where known;
``joints_cam`` (t, j, 3) where the camera's place is known, derived, so not read back.
"""

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.io.atomic import atomic_path
from vitruve.io.contents import Z_UP, arrays, assemble, describe
from vitruve.io.errors import FileError
from vitruve.io.limits import MAX_BINARY_BYTES, check_file, check_values, clip
from vitruve.poses import PoseSequence

_MAX_META_BYTES = 64 * 2**20
_MAX_UNPACKING = 1100
"""Deflate cannot pack tighter than 1032 to 1; whatever claims more is damaged."""


def write_npz(sequence: PoseSequence, path: Path) -> None:
    """Write the arrays.

    Raises:
        OSError: The folder cannot be written.
    """
    _, valid, frames, spread = arrays(sequence)
    meta = json.dumps(describe(sequence, "m", Z_UP), allow_nan=False)
    content: dict[str, Any] = {
        "joints_world": sequence.joints_world.detach().cpu().numpy().astype(np.float32),
        "valid": valid,
        "frames": frames,
        "fps": np.float64(sequence.fps),
        "names": np.array(sequence.skeleton.names),
        "parents": np.array(sequence.skeleton.parents, dtype=np.int64),
        "meta": np.array(meta),
    }
    if spread is not None:
        content["spread"] = spread.astype(np.float32)
    if sequence.camera is not None and sequence.camera.T_world_cam is not None:
        content["joints_cam"] = sequence.joints_cam.detach().cpu().numpy().astype(np.float32)
    with atomic_path(path) as tmp, tmp.open("wb") as file:
        np.savez_compressed(file, **content)


def read_npz(path: Path) -> PoseSequence:
    """Read an NPZ that Vitruve wrote.

    Raises:
        FileError: Not such a file, or one that unpacks beyond the limits.
        OSError: It does not exist or may not be read.
    """
    check_file(path, MAX_BINARY_BYTES)
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive)
    except FileError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileError(f"{path} is damaged: {clip(str(error))}") from None
    except (ValueError, TypeError, KeyError, OverflowError, UnicodeError) as error:
        raise FileError(f"{path} is no sound npz file: {clip(str(error))}") from None


def _read(path: Path, archive: zipfile.ZipFile) -> PoseSequence:
    meta = json.loads(str(_array(path, archive, "meta", "U", ())))
    frames = _array(path, archive, "frames", "iu", (None,))
    shape = (len(frames), len(meta["skeleton"]["names"]))
    spread = None
    if "spread.npy" in archive.namelist():
        spread = _array(path, archive, "spread", "f", shape)
    return assemble(
        path,
        _array(path, archive, "joints_world", "f", (*shape, 3)),
        meta,
        frames=frames,
        valid=_array(path, archive, "valid", "b", shape),
        spread=spread,
    )


def _array(
    path: Path, archive: zipfile.ZipFile, name: str, kinds: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """One member, whose header is believed only after it agrees with what is expected."""
    if f"{name}.npy" not in archive.namelist():
        raise FileError(f"{path} has no array {name!r}: it was not written by vitruve")
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        reader = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if reader is None:
            raise FileError(f"{path}: array {name!r} has the unknown format version {version}")
        found, fortran, dtype = reader(file)
        fits = len(found) == len(shape) and all(
            e in (None, n) for n, e in zip(found, shape, strict=True)
        )
        if dtype.kind not in kinds or not fits:
            raise FileError(
                f"{path}: array {name!r} is {dtype} {found}; expected kind {kinds!r} and {shape}"
            )
        check_values(path, found)
        size = dtype.itemsize * int(np.prod(found, dtype=np.int64))
        most = _MAX_META_BYTES if kinds == "U" else info.compress_size * _MAX_UNPACKING + 4096
        if size > min(info.file_size, most):
            raise FileError(f"{path}: array {name!r} claims {size:,} bytes, more than it can hold")
        data = file.read(size)
        if file.read(1):
            raise FileError(f"{path}: array {name!r} holds more than its header says")
    return np.frombuffer(data, dtype).reshape(found, order="F" if fortran else "C")
