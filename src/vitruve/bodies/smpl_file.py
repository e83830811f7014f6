"""Model files of the SMPL family as their authors publish them: .npz, or .pkl without its classes.

The pickles hold chumpy arrays and SciPy matrices. Neither package's code is run: their numbers
are taken out by `vitruve.io.restricted_pickle`.

Axes: v vertices, f faces, k joints, s shape parameters, q = 9 (k - 1) pose features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from vitruve.io.npz_members import open_archive, read_member
from vitruve.io.restricted_pickle import Pickled, read_pickle

FOREIGN = frozenset(
    {
        ("chumpy.ch", "Ch"),
        ("scipy.sparse.csc", "csc_matrix"),
        ("scipy.sparse._csc", "csc_matrix"),
    }
)
"""Classes whose numbers are read."""
KEYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f", "kintree_table")
"""What a model file must hold, by its authors' names."""
MAX_VERTICES = 100_000
"""Most vertices one body may have; SMPL-X has 10,475."""


@dataclass(frozen=True, eq=False)
class SmplFile:
    """The arrays of one model file, checked against each other."""

    vertices: np.ndarray
    """(v, 3) the mean body at rest."""
    shape_basis: np.ndarray
    """(v, 3, s)."""
    pose_basis: np.ndarray
    """(v, 3, q)."""
    regressor: np.ndarray
    """(k, v) joints out of the rest vertices."""
    weights: np.ndarray
    """(v, k)."""
    faces: np.ndarray
    """(f, 3)."""
    parents: tuple[int, ...]


def read_smpl_file(path: Path) -> SmplFile:
    """Read and check a model file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is neither .npz nor .pkl, hostile, damaged, or not a model of this family.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix == ".npz":
        found = _from_npz(path)
    elif path.suffix == ".pkl":
        found = _from_pickle(path)
    else:
        raise ValueError(f"{path} has suffix {path.suffix!r}; model files are .npz or .pkl")
    return _checked(path, {key: _numbers(path, key, found[key]) for key in KEYS})


def _from_npz(path: Path) -> Mapping[str, Any]:
    with open_archive(path) as archive:
        there = {name.removesuffix(".npy") for name in archive.namelist()}
        _all_there(path, there)
        return {key: read_member(archive, key) for key in KEYS}


def _from_pickle(path: Path) -> Mapping[str, Any]:
    found = read_pickle(path, FOREIGN)
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds a {type(found).__name__}, not the dict of a body model")
    _all_there(path, set(found))
    return found


def _all_there(path: Path, there: set[str]) -> None:
    if missing := [key for key in KEYS if key not in there]:
        raise ValueError(
            f"{path} lacks {', '.join(missing)}; a model of the SMPL family has {', '.join(KEYS)}"
        )


def _numbers(path: Path, key: str, value: Any) -> np.ndarray:
    """The numbers of an array, a chumpy array or a sparse matrix."""
    if isinstance(value, Pickled):
        value = value.state.get("x") if "x" in value.state else _dense(path, key, value.state)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise ValueError(f"{path}: {key!r} is no array of numbers")
    if not np.isfinite(value).all():
        raise ValueError(f"{path}: {key!r} holds a value that is not finite")
    return value


def _dense(path: Path, key: str, state: Mapping[str, Any]) -> np.ndarray:
    shape = state.get("_shape", state.get("shape"))
    parts = [state.get(name) for name in ("data", "indices", "indptr")]
    sound = isinstance(shape, tuple) and len(shape) == 2
    if not sound or not all(isinstance(n, int) and 0 < n <= MAX_VERTICES for n in shape):
        raise ValueError(f"{path}: {key!r} is a sparse matrix of shape {shape!s:.60}")
    try:
        matrix = sparse.csc_matrix(tuple(parts), shape=shape)
        matrix.check_format(full_check=True)
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise ValueError(f"{path}: {key!r} is a damaged sparse matrix ({error})") from None
    return matrix.toarray()


def _checked(path: Path, found: Mapping[str, np.ndarray]) -> SmplFile:
    template, tree = found["v_template"], found["kintree_table"]
    v = len(template) if template.ndim else 0
    k = tree.shape[1] if tree.ndim == 2 else 0
    expected = {
        "v_template": (v, 3),
        "shapedirs": (v, 3, None),
        "posedirs": (v, 3, 9 * (k - 1)),
        "J_regressor": (k, v),
        "weights": (v, k),
        "f": (None, 3),
        "kintree_table": (2, k),
    }
    if not 0 < v <= MAX_VERTICES or k < 2:
        raise ValueError(f"{path} has {v} vertices and {k} joints: no body model")
    for key, shape in expected.items():
        own = found[key].shape
        fits = len(own) == len(shape) and all(
            e in (None, n) for n, e in zip(own, shape, strict=True)
        )
        if not fits:
            wanted = ", ".join("any" if n is None else str(n) for n in shape)
            raise ValueError(f"{path}: {key!r} has shape {own}; expected is ({wanted})")
    parents = (-1, *(int(p) for p in tree[0, 1:]))
    if any(not 0 <= p < child for child, p in enumerate(parents) if child):
        raise ValueError(f"{path}: 'kintree_table' is no tree of joints, parents first")
    faces = found["f"].astype(np.int64)
    if faces.size == 0 or faces.min() < 0 or faces.max() >= v:
        raise ValueError(f"{path}: 'f' points outside the {v} vertices")
    return SmplFile(
        template, found["shapedirs"], found["posedirs"], found["J_regressor"],
        found["weights"], faces, parents,
    )  # fmt: skip
