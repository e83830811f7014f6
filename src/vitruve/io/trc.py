"""TRC, the marker table of OpenSim and Pose2Sim: tabs, metres, y up.

Layout as OpenSim's TRCFileAdapter reads it: it keeps the first line as free text and takes the
next two as exactly eight keys and values, so our statement stands in a fifth field of line one.
A marker's empty cells mean missing. Frame# is the source frame index.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vitruve.io.atomic import atomic_path
from vitruve.io.contents import Y_UP, arrays, assemble, describe, foreign_meta, to_y_up, to_z_up
from vitruve.io.errors import FileError
from vitruve.io.limits import MAX_JOINTS, clip, read_text
from vitruve.poses import PoseSequence

_KEYS = (
    "DataRate",
    "CameraRate",
    "NumFrames",
    "NumMarkers",
    "Units",
    "OrigDataRate",
    "OrigDataStartFrame",
    "OrigNumFrames",
)
_UNITS_M = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
_HEADER_LINES = 5


def write_trc(sequence: PoseSequence, path: Path) -> None:
    """Write a marker per joint.

    Raises:
        OSError: The folder cannot be written.
    """
    joints, valid, frames, _ = arrays(sequence)
    with atomic_path(path) as tmp, tmp.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{line}\n" for line in _header(sequence, path, frames))
        cells = to_y_up(joints)
        # Row by row: as Python objects, an hour of motion would take a gigabyte.
        for row, seen, frame in zip(cells, valid, frames.tolist(), strict=True):
            points = (
                f"{p[0]:.6f}\t{p[1]:.6f}\t{p[2]:.6f}" if s else "\t\t"
                for p, s in zip(row.tolist(), seen.tolist(), strict=True)
            )
            file.write(f"{frame}\t{frame / sequence.fps:.6f}\t" + "\t".join(points) + "\n")


def _header(sequence: PoseSequence, path: Path, frames: np.ndarray) -> Iterator[str]:
    names = [" ".join(name.split()) for name in sequence.skeleton.names]
    count, rate = len(frames), f"{sequence.fps:.12g}"
    statement = json.dumps(describe(sequence, "m", Y_UP), allow_nan=False)
    yield f"PathFileType\t4\t(X/Y/Z)\t{' '.join(path.name.split())}\t{statement}"
    yield "\t".join(_KEYS)
    yield "\t".join(map(str, (rate, rate, count, len(names), "m", rate, int(frames[0]), count)))
    yield "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t"
    yield "\t\t" + "\t".join(f"{axis}{i}" for i in range(1, len(names) + 1) for axis in "XYZ")


def read_trc(path: Path, *, up: Literal["y", "z"] = "y") -> PoseSequence:
    """Read markers as joints.

    Args:
        path: The file.
        up: Up axis of a file that is not ours; OpenSim's is y.

    Raises:
        FileError: Not a sound TRC file.
        OSError: It does not exist or may not be read.
    """
    lines = read_text(path).splitlines()
    if len(lines) <= _HEADER_LINES or not lines[0].startswith("PathFileType"):
        raise FileError(
            f"{path} is no TRC file: it must start with PathFileType and hold 5 header lines"
        )
    keys = dict(zip(lines[1].split(), lines[2].split(), strict=False))
    unit, fps = _unit_and_rate(path, keys)
    names = [name.strip() for name in lines[3].rstrip().split("\t")[2::3]]
    if not 0 < len(names) <= MAX_JOINTS:
        raise FileError(f"{path}, line 4 names {len(names)} markers; allowed is 1 to {MAX_JOINTS}")
    table = [
        _row(path, i, line, len(names))
        for i, line in enumerate(lines)
        if i >= _HEADER_LINES and line.strip()
    ]
    if not table:
        raise FileError(f"{path} holds no frames")
    rows = np.stack(table)
    statement = _statement(path, lines[0])
    points = rows[:, 1:].reshape(len(rows), len(names), 3) * unit
    if statement is None:
        statement = foreign_meta("trc", _apart(names), [-1] * len(names), fps, f"trc file; {up} up")
    else:
        up = "y"
    points = to_z_up(points) if up == "y" else points
    return assemble(path, points, statement, frames=rows[:, 0])


def _unit_and_rate(path: Path, keys: Mapping[str, str]) -> tuple[float, float]:
    unit = keys.get("Units", "")
    if unit.lower() not in _UNITS_M:
        raise FileError(f"{path} states Units {clip(unit)!r}; allowed are {', '.join(_UNITS_M)}")
    try:
        return _UNITS_M[unit.lower()], float(keys["DataRate"])
    except (KeyError, ValueError):
        raise FileError(f"{path} states no DataRate in lines 2 and 3") from None


def _row(path: Path, index: int, line: str, count: int) -> np.ndarray:
    cells = line.split("\t")
    width = 2 + 3 * count
    # Trailing tabs are many writers' habit, missing ones many editors'.
    cells = cells[:width] + [""] * (width - len(cells)) if not any(cells[width:]) else cells
    if len(cells) != width:
        raise FileError(f"{path}, line {index + 1}: {len(cells)} values, expected {width}")
    try:
        values = [float(cell) if cell.strip() else np.nan for cell in cells]
    except ValueError as error:
        raise FileError(f"{path}, line {index + 1}: {clip(str(error))}") from None
    return np.array([values[0], *values[2:]])


def _statement(path: Path, line: str) -> dict[str, Any] | None:
    found = line.find("{")
    if found < 0:
        return None
    try:
        statement = json.loads(line[found:])
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}, line 1: the statement is damaged: {clip(str(error))}") from None
    if not isinstance(statement, dict):
        raise FileError(f"{path}, line 1: the statement is no JSON object")
    return statement


def _apart(names: list[str]) -> list[str]:
    named = [name or f"marker_{i}" for i, name in enumerate(names, 1)]
    return [n if named.index(n) == i else f"{n}_{i}" for i, n in enumerate(named)]
