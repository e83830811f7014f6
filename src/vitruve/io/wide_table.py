"""A clip as a wide table: one row per frame, some columns per joint: CSV and Parquet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.io.contents import arrays, assemble
from vitruve.io.errors import FileError
from vitruve.io.limits import clip
from vitruve.poses import PoseSequence

_AXES = ("x", "y", "z")


def to_columns(sequence: PoseSequence) -> dict[str, np.ndarray]:
    """``frame``, ``time_s``, then of each joint ``_x_m _y_m _z_m _valid _spread_m``.

    Coordinates of invalid joints are NaN. World frame, z up.
    """
    joints, valid, frames, spread = arrays(sequence)
    columns: dict[str, np.ndarray] = {"frame": frames, "time_s": frames / sequence.fps}
    for j, name in enumerate(sequence.skeleton.names):
        for i, axis in enumerate(_AXES):
            columns[f"{name}_{axis}_m"] = np.where(valid[:, j], joints[:, j, i], np.nan)
        columns[f"{name}_valid"] = valid[:, j]
        if spread is not None:
            columns[f"{name}_spread_m"] = spread[:, j]
    return columns


def wanted_columns(path: Path, names: Sequence[str], meta: Mapping[str, Any]) -> list[str]:
    """The columns to read, in the order `from_columns` takes them.

    Raises:
        FileError: The statement names joints that the table does not have.
    """
    try:
        stated = [str(n) for n in meta["skeleton"]["names"]]
    except (KeyError, TypeError):
        raise FileError(f"{path} states no skeleton: it was not written by vitruve") from None
    suffixes = ["x_m", "y_m", "z_m", "valid"]
    if stated and f"{stated[0]}_spread_m" in names:
        suffixes.append("spread_m")
    wanted = ["frame", *(f"{n}_{s}" for n in stated for s in suffixes)]
    missing = sorted(set(wanted) - set(names))
    if missing:
        raise FileError(f"{path} has no column {clip(missing[0])!r}, which its skeleton needs")
    return wanted


def from_columns(path: Path, rows: np.ndarray, meta: Mapping[str, Any]) -> PoseSequence:
    """Build the record from the columns of `wanted_columns`, (t, columns) in float64.

    Raises:
        FileError: The values make no sound motion.
    """
    count = len(meta["skeleton"]["names"])
    if count == 0 or len(rows) == 0:
        raise FileError(f"{path} holds {len(rows)} frames of {count} joints: nothing to read")
    cells = rows[:, 1:].reshape(len(rows), count, -1)
    spread = cells[:, :, 4] if cells.shape[2] == 5 else None
    valid = cells[:, :, 3] == 1
    return assemble(path, cells[:, :, :3], meta, frames=rows[:, 0], valid=valid, spread=spread)
