"""Files of predictions: what any system hands in to be scored, and what it is given to predict.

Axes: n rows, one for each frame of each view; j joints.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from vitruve.io.archive import load_npz
from vitruve.io.atomic import atomic_path
from vitruve.io.errors import FileError
from vitruve.io.limits import clip as shorten

_ARRAYS = ("clip", "camera", "frame", "joints_cam", "meta")
_META = ("benchmark", "keypoints", "skeleton", "model", "commit")


@dataclass(frozen=True, eq=False)
class Predictions:
    """One predicted pose per row, in any order."""

    clip: np.ndarray
    """(n,) name of the clip."""
    camera: Int64[np.ndarray, "n"]
    """Which camera of the clip's rig, from 0."""
    frame: Int64[np.ndarray, "n"]
    """Frame of the clip, from 0."""
    joints_cam: Float32[np.ndarray, "n j 3"]
    """Camera axes, metres, relative to the root (scoring subtracts the root once more)."""
    meta: Mapping[str, str]
    """``benchmark``, ``keypoints``, ``skeleton``, ``model``, ``commit``; more if need be."""

    def by_view(self) -> dict[tuple[str, int], Int64[np.ndarray, "m"]]:
        """Rows of each (clip, camera), in the order of their frames."""
        code = np.unique(self.clip, return_inverse=True)[1]
        order = np.lexsort((self.frame, self.camera, code)).astype(np.int64)
        code, camera = code[order], self.camera[order]
        new = (np.diff(code) != 0) | (np.diff(camera) != 0)
        groups = np.split(order, np.flatnonzero(new) + 1) if len(order) else []
        return {(str(self.clip[g[0]]), int(self.camera[g[0]])): g for g in groups}


def write_predictions(predictions: Predictions, path: str | Path) -> Path:
    """Write the file, whole or not at all.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    write_arrays(
        path,
        dict(predictions.meta),
        clip=predictions.clip,
        camera=predictions.camera,
        frame=predictions.frame,
        joints_cam=predictions.joints_cam,
    )
    return Path(path)


def write_arrays(path: str | Path, meta: Mapping[str, Any], **arrays: np.ndarray) -> None:
    """Write arrays and their description as one ``.npz``.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, meta=np.array(json.dumps(meta)), **arrays)


def read_predictions(path: str | Path) -> Predictions:
    """Read a file of predictions.

    Raises:
        FileError: Not such a file: an array is missing, of another shape or not finite.
        OSError: It does not exist or may not be read.
    """
    path = Path(path)
    arrays = load_npz(path)
    if missing := [name for name in _ARRAYS if name not in arrays]:
        raise FileError(
            f"{path} has no array {missing[0]!r}; a file of predictions holds {', '.join(_ARRAYS)}"
        )
    meta = _meta(path, arrays["meta"])
    n = len(arrays["clip"]) if arrays["clip"].ndim else 0
    expected = {"clip": ("U", (n,)), "camera": ("iu", (n,)), "frame": ("iu", (n,))}
    for name, (kinds, shape) in expected.items():
        _check(path, name, arrays[name], kinds, shape)
    joints = arrays["joints_cam"]
    _check(path, "joints_cam", joints, "f", (n, *joints.shape[1:2], 3))
    if not np.isfinite(joints).all():
        row = int(np.argmin(np.isfinite(joints).all((1, 2))))
        raise FileError(f"{path}: joints_cam is not finite in row {row}; predict every joint")
    return Predictions(
        arrays["clip"],
        arrays["camera"].astype(np.int64),
        arrays["frame"].astype(np.int64),
        joints.astype(np.float32),
        meta,
    )


def _meta(path: Path, array: np.ndarray) -> dict[str, str]:
    try:
        meta = json.loads(str(array))
        return {name: str(meta[name]) for name in _META}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(
            f"{path}: `meta` must be JSON text with {', '.join(_META)}: {shorten(repr(error))}"
        ) from None


def _check(path: Path, name: str, array: np.ndarray, kinds: str, shape: tuple[int, ...]) -> None:
    if array.dtype.kind not in kinds or array.shape != shape:
        raise FileError(
            f"{path}: array {name!r} is {array.dtype} {array.shape}; expected kind {kinds!r} "
            f"and shape {shape}"
        )
