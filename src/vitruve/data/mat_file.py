"""Named numeric arrays out of MATLAB files, whichever of the two formats they have.

Files of version 7.3 are HDF5 and need h5py (extra ``mat``); older ones go through scipy. Axes come
in HDF5's order, which is the reverse of MATLAB's.
"""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

MAX_VALUES = 200_000_000
"""Most numbers that one array may declare."""
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_HDF5_OFFSETS = (0, 512)
"""Where the signature stands: plain HDF5, and behind MATLAB's own header."""


def read_mat(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Read arrays of numbers from a ``.mat`` file.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: It is of version 7.3 and h5py is not installed.
        ValueError: It is damaged, lacks an array, or holds something else under its name.
    """
    with path.open("rb") as file:
        head = file.read(_HDF5_OFFSETS[-1] + len(_HDF5_SIGNATURE))
    is_hdf5 = any(head[at : at + len(_HDF5_SIGNATURE)] == _HDF5_SIGNATURE for at in _HDF5_OFFSETS)
    arrays = _read_hdf5(path, names) if is_hdf5 else _read_old(path, names)
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(f"{path}: {name!r} holds {array.dtype}, expected numbers")
    return arrays


def _read_hdf5(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    h5py = _h5py(path)
    try:
        with h5py.File(path, "r") as file:
            return {name: _dataset(path, file, name) for name in names}
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} is a damaged MATLAB file: {error}") from error


def _dataset(path: Path, file: Any, name: str) -> np.ndarray:
    if name not in file:
        raise ValueError(f"{path} has no array {name!r}; it has {', '.join(sorted(file))}")
    shape = getattr(file[name], "shape", None)
    if shape is None or int(np.prod(shape, dtype=np.float64)) > MAX_VALUES:
        raise ValueError(f"{path}: {name!r} has shape {shape}; at most {MAX_VALUES:,} numbers")
    return np.asarray(file[name][()])


def _h5py(path: Path) -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"{path} is a MATLAB file of version 7.3, which h5py reads: pip install 'vitruve[mat]'"
        ) from error
    return h5py


def _read_old(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=list(names))
    # scipy raises whatever its parser stumbles over in a damaged file.
    except Exception as error:
        raise ValueError(f"{path} is not a MATLAB file: {error}") from error
    if missing := [name for name in names if name not in content]:
        raise ValueError(f"{path} has no array {missing[0]!r}")
    return {name: np.asarray(content[name]).T for name in names}
