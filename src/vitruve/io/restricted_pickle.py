"""Unpickle arrays, dicts, lists and numbers, and nothing else.

Some public datasets are object arrays inside ``.npz`` files, which are pickles, which can run any
code. This unpickler builds numpy arrays by its own constructors and refuses every other name, so
a hostile file can neither run code nor allocate more than it brings.
"""

import pickle
from collections.abc import Callable, Collection
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np


class Pickled:
    """Stands for an object of a foreign class: what it was saved with, and no code of its own."""

    def __new__(cls, *args: Any) -> "Pickled":
        """Forget the arguments; the state says all."""
        del args
        return super().__new__(cls)

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, dict):
            raise ValueError("the pickle holds a foreign object of an unknown form")
        self.state = state


def restricted_load(file: BufferedIOBase, foreign: Collection[tuple[str, str]] = ()) -> Any:
    """Unpickle a file of arrays and plain containers.

    Args:
        file: The pickle.
        foreign: Module and name of classes whose objects become `Pickled`.

    Raises:
        ValueError: The pickle is damaged or asks for anything else.
    """
    try:
        return ArrayUnpickler(file, foreign).load()
    except ValueError:
        raise
    except Exception as error:
        # A damaged pickle may raise anything; the caller needs to know only that it is damaged.
        raise ValueError(f"damaged pickle: {type(error).__name__}: {error}") from error


def read_pickle(path: Path, foreign: Collection[tuple[str, str]] = ()) -> Any:
    """What a pickle file of arrays and plain containers holds.

    Raises:
        ValueError: The pickle is damaged or asks for anything but arrays and ``foreign`` classes.
        OSError: It does not exist or may not be read.
    """
    try:
        with path.open("rb") as file:
            return restricted_load(file, foreign)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


class ArrayUnpickler(pickle.Unpickler):
    """Builds arrays, plain containers, and stands for foreign classes; refuses everything else."""

    def __init__(self, file: BufferedIOBase, foreign: Collection[tuple[str, str]] = ()) -> None:
        super().__init__(file, encoding="latin1")
        self._foreign = foreign

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name of the pickle.

        Raises:
            ValueError: The name is neither an array's nor foreign.
        """
        if (module, name) in self._foreign:
            return Pickled
        allowed = _ALLOWED.get((module.replace("numpy._core", "numpy.core"), name))
        if allowed is None:
            raise ValueError(
                f"the pickle asks for {module}.{name}; only arrays, numbers, strings, lists and "
                "dicts are read. Do not trust this file"
            )
        return allowed


class _ArrayToken:
    """Stands for ``numpy.ndarray``, which would allocate whatever a pickle tells it to."""


def _reconstruct(cls: Any, shape: Any, typecode: Any) -> np.ndarray:
    """An empty array; its state, checked by numpy against the bytes at hand, follows."""
    del cls, shape, typecode
    return np.ndarray((0,), dtype=np.int8)


def _frombuffer(buffer: Any, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    if dtype.hasobject:
        raise ValueError("the pickle holds raw object pointers. Do not trust this file")
    array = np.frombuffer(bytes(buffer), dtype=dtype)
    return array.reshape(shape, order="F" if order == "F" else "C")


def _scalar(dtype: np.dtype, data: Any) -> Any:
    if dtype.hasobject:
        raise ValueError("the pickle holds raw object pointers. Do not trust this file")
    raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
    return np.frombuffer(raw, dtype=dtype, count=1)[0]


def _encode(text: str, encoding: str) -> bytes:
    """Bytes as written by Python 2; other codecs could unpack far more than they are given."""
    if encoding != "latin1":
        raise ValueError(f"the pickle asks for codec {encoding!r}. Do not trust this file")
    return text.encode("latin1")


def _dtype(*args: Any) -> np.dtype:
    kind = args[0] if args else ""
    if not isinstance(kind, str) or len(kind) > 16:
        raise ValueError(f"the pickle asks for dtype {kind!r:.60}; plain ones only are read")
    # A copy: the state that follows must not change the dtype everybody shares.
    return np.dtype(kind, copy=True)


_ALLOWED: dict[tuple[str, str], Callable[..., Any] | type] = {
    ("numpy", "ndarray"): _ArrayToken,
    ("numpy", "dtype"): _dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
    ("_codecs", "encode"): _encode,
}
