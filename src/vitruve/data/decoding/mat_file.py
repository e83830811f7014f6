"""Numbers out of MATLAB files: arrays of either format, cells and structs of the older one.

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


def read_cells(path: Path, name: str) -> list[np.ndarray]:
    """The arrays of a cell of a ``.mat`` file older than version 7.3, axes as MATLAB has them.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, has no such cell, or the cell holds no numbers.
    """
    cells = np.asarray(_load(path, [name])[name])
    arrays = [np.asarray(cell) for cell in cells.ravel()] if cells.dtype == object else []
    if not arrays or any(array.dtype.kind not in "biuf" for array in arrays):
        raise ValueError(f"{path}: {name!r} is no cell of arrays of numbers")
    return arrays


def read_cell(path: Path, name: str, number: int) -> np.ndarray:
    """One array of a cell of a ``.mat`` file of version 7.3; axes in HDF5's order.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: h5py is not installed.
        ValueError: It is damaged, has no such cell or fewer arrays, or that is none of numbers.
    """
    h5py = _h5py(path)
    try:
        with h5py.File(path, "r") as file:
            cell = file.get(name)
            if not isinstance(cell, h5py.Dataset) or cell.dtype != h5py.ref_dtype:
                raise ValueError(f"{path}: {name!r} is no cell")
            references = cell[()].ravel()
            if not 0 <= number < len(references):
                raise ValueError(f"{path}: {name!r} has {len(references)} arrays, not {number + 1}")
            array = _numbers(path, f"{name}[{number}]", file[references[number]])
    except FileNotFoundError:
        raise
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} is a damaged MATLAB file: {error}") from error
    return array


def read_nested(path: Path, *names: str) -> np.ndarray:
    """An array of numbers deep in the structs of a ``.mat`` file older than version 7.3.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, has no such field, or holds something else there.
    """
    value = _load(path, [names[0]], squeeze_me=True)[names[0]]
    for depth, name in enumerate(names[1:], 1):
        at = ".".join(names[:depth])
        if getattr(value, "dtype", None) is None or name not in (value.dtype.names or ()):
            raise ValueError(f"{path}: {at} has no field {name!r}")
        value = value[name]
        value = value.item() if value.ndim == 0 else value
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{path}: {'.'.join(names)} holds {array.dtype}, expected numbers")
    return array


def read_struct(path: Path, name: str) -> Any:
    """A struct of a ``.mat`` file older than version 7.3, its fields as attributes.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged or has no such struct.
    """
    struct = _load(path, [name], squeeze_me=True, struct_as_record=False)[name]
    if not hasattr(struct, "_fieldnames"):
        raise ValueError(f"{path}: {name!r} is no struct")
    return struct


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
    return _numbers(path, name, file[name])


def _numbers(path: Path, name: str, dataset: Any) -> np.ndarray:
    shape = getattr(dataset, "shape", None)
    if shape is None or int(np.prod(shape, dtype=np.float64)) > MAX_VALUES:
        raise ValueError(f"{path}: {name!r} has shape {shape}; at most {MAX_VALUES:,} numbers")
    return np.asarray(dataset[()])


def _h5py(path: Path) -> ModuleType:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            f"{path} is a MATLAB file of version 7.3, which h5py reads: pip install 'vitruve[mat]'"
        ) from error
    return h5py


def _read_old(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    content = _load(path, names)
    return {name: np.asarray(content[name]).T for name in names}


def _load(path: Path, names: Sequence[str], **how: bool) -> dict[str, Any]:
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=list(names), **how)  # pyright: ignore[reportArgumentType]
    except FileNotFoundError:
        raise
    # scipy raises whatever its parser stumbles over in a damaged file.
    except Exception as error:
        raise ValueError(f"{path} is not a MATLAB file: {error}") from error
    if missing := [name for name in names if name not in content]:
        raise ValueError(f"{path} has no array {missing[0]!r}")
    return content
