"""Columns out of pickled pandas tables, without pandas and without running what a pickle asks for.

A table's pickle names a dozen of pandas' own classes. Here each name stands for a shell that only
keeps what it is given; everything else goes through `restricted_pickle`. Tables of plain columns
(numbers, strings, lists and arrays) of pandas 1 and 2 are read.
"""

from pathlib import Path
from typing import Any

import numpy as np

from vitruve.io.restricted_pickle import ArrayUnpickler


def read_table(path: Path) -> dict[str, np.ndarray]:
    """The columns of a pickled table, by name.

    Raises:
        ValueError: It is damaged, asks for anything but plain columns, or is no table.
        OSError: It does not exist or may not be read.
    """
    try:
        with path.open("rb") as file:
            content = _TableUnpickler(file).load()
        if not isinstance(content, _Shell):
            raise ValueError(f"it holds {type(content).__name__}, expected a table")
        return _columns(content)
    except OSError:
        raise
    # A damaged pickle may raise anything; the caller needs to know only that it is damaged.
    except Exception as error:
        raise ValueError(f"{path} is no table that can be read: {error}") from None


class _Shell:
    """Stands for one of pandas' classes: keeps arguments and state."""

    def __init__(self, *args: Any, **named: Any) -> None:
        self.args: tuple[Any, ...] = (*args, named) if named else args
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _keep(*args: Any) -> _Shell:
    return _Shell(*args)


class _TableUnpickler(ArrayUnpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "pandas" and name in _SHELLS:
            return _Shell
        if module.split(".")[0] == "pandas" and name in _FUNCTIONS:
            return _keep
        if (module, name) in (("builtins", "slice"), ("__builtin__", "slice")):
            return slice
        return super().find_class(module, name)


_SHELLS = frozenset(
    {
        *("DataFrame", "BlockManager", "Index", "RangeIndex", "Int64Index"),
        *("BlockPlacement", "ObjectBlock", "FloatBlock", "IntBlock", "BoolBlock", "Block"),
    }
)
_FUNCTIONS = frozenset({"_new_Index", "_unpickle_block", "new_block"})


def _columns(table: _Shell) -> dict[str, np.ndarray]:
    state = table.state
    state = state[0] if isinstance(state, tuple) else state
    manager = state.get("_mgr", state.get("_data"))
    axes, blocks = _blocks(manager)
    names = [str(name) for name in axes[0]]
    columns: dict[str, np.ndarray] = {}
    for values, places in blocks:
        where = np.arange(len(names))[places]
        for name_at, column in zip(where, np.asarray(values), strict=True):
            columns[names[name_at]] = column
    if set(columns) != set(names):
        raise ValueError(f"columns {sorted(set(names) - set(columns))} have no values")
    return {name: columns[name] for name in names}


def _blocks(manager: _Shell) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """Labels of both axes, and the blocks of values with the columns they are."""
    if isinstance(manager.state, tuple) and len(manager.state) >= 4:
        stated = manager.state[3]["0.14.1"]
        blocks = [(block["values"], block["mgr_locs"]) for block in stated["blocks"]]
        return [_labels(axis) for axis in stated["axes"]], blocks
    kept, axes = manager.args[:2]
    return [_labels(axis) for axis in axes], [(b.args[0], _places(b.args[1])) for b in kept]


def _places(placement: Any) -> Any:
    return placement.args[0] if isinstance(placement, _Shell) else placement


def _labels(index: _Shell) -> Any:
    """``_new_Index`` is given a class and what it is made of."""
    made_of = index.args[1]
    return made_of["data"] if "data" in made_of else range(made_of["start"], made_of["stop"])
