"""C3D, the binary marker file of motion capture: millimetres, z up, one point per joint.

Written through ezc3d, read by our own parser. Missing points have residual -1. Our statement
stands as JSON in the parameter VITRUVE:JSON; spread has no place in the format.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.io.atomic import atomic_path
from vitruve.io.c3d_parameters import Points, parse_c3d
from vitruve.io.contents import (
    Z_UP,
    arrays,
    assemble,
    describe,
    foreign_meta,
    frames_from_runs,
    frames_to_runs,
)
from vitruve.io.errors import FileError
from vitruve.io.limits import MAX_JOINTS, clip, read_bytes
from vitruve.poses import PoseSequence

_UNITS_M = {"mm": 0.001, "cm": 0.01, "m": 1.0, "in": 0.0254}
_MM_PER_M = 1000.0
_CHUNK = 120
_MAX_CHUNKS = 250
_LABELS_PER_PARAMETER = 255


def write_c3d(sequence: PoseSequence, path: Path) -> None:
    """Write a point per joint.

    Raises:
        ValueError: Source frames with so many gaps that their list does not fit the format.
        OSError: The folder cannot be written.
    """
    import ezc3d  # a C++ library; loaded only by those who write C3D

    joints, valid, frames, _ = arrays(sequence)
    file = ezc3d.c3d()
    parameters = file["parameters"]
    parameters["POINT"]["RATE"]["value"] = [float(sequence.fps)]
    parameters["POINT"]["UNITS"]["value"] = ["mm"]
    names = list(sequence.skeleton.names)
    parameters["POINT"]["LABELS"]["value"] = names[:_LABELS_PER_PARAMETER]
    for part, start in enumerate(
        range(_LABELS_PER_PARAMETER, len(names), _LABELS_PER_PARAMETER), 2
    ):
        file.add_parameter("POINT", f"LABELS{part}", names[start : start + _LABELS_PER_PARAMETER])
    file.add_parameter("POINT", "X_SCREEN", "+X")
    file.add_parameter("POINT", "Y_SCREEN", "+Z")
    file.add_parameter("VITRUVE", "JSON", _chunks(sequence, frames))
    points = np.ones((4, joints.shape[1], len(joints)))
    points[:3] = np.where(valid[..., None], joints * _MM_PER_M, np.nan).transpose(2, 1, 0)
    file["data"]["points"] = points
    file["data"]["meta_points"]["residuals"] = np.where(valid, 0.0, -1.0).T[None]
    with atomic_path(path) as tmp:
        try:
            file.write(str(tmp))
        except RuntimeError as error:
            raise OSError(f"{path} cannot be written: {clip(str(error))}") from None


def _chunks(sequence: PoseSequence, frames: np.ndarray) -> list[str]:
    statement = describe(sequence, "mm", Z_UP) | {"source_frames": frames_to_runs(frames)}
    text = json.dumps(statement, allow_nan=False, separators=(",", ":"))
    # The format strips blanks at the end of a chunk; they stand only inside texts here.
    text = text.replace(" ", "\\u0020")
    chunks = [text[i : i + _CHUNK] for i in range(0, len(text), _CHUNK)]
    if len(chunks) > _MAX_CHUNKS:
        raise ValueError(
            f"the statement needs {len(text)} characters, C3D holds {_CHUNK * _MAX_CHUNKS}: the "
            "source frames have too many gaps or the skeleton too many joints; "
            "write trc or npz instead"
        )
    return chunks


def read_c3d(path: Path) -> PoseSequence:
    """Read points as joints.

    Unit and axes are the file's (POINT:UNITS, POINT:X_SCREEN, POINT:Y_SCREEN); without them
    millimetres and z up, as motion capture systems write, and ``PoseSequence.model`` says so.

    Raises:
        FileError: Not a sound C3D file.
        OSError: It does not exist or may not be read.
    """
    points = parse_c3d(path, read_bytes(path))
    if points.xyz.shape[1] > MAX_JOINTS:
        raise FileError(f"{path} has {points.xyz.shape[1]} points; at most {MAX_JOINTS} are read")
    statement = _statement(path, points)
    unit = _text(points, "UNITS").lower()
    if unit and unit not in _UNITS_M:
        raise FileError(f"{path} states unit {clip(unit)!r}; allowed are {', '.join(_UNITS_M)}")
    xyz = points.xyz * _UNITS_M[unit or "mm"] @ _axes(points).T
    frames = points.first_frame - 1 + np.arange(len(xyz))
    if statement is None:
        names = _labels(points)
        said = f"unit {unit or 'mm assumed'}, up {_text(points, 'Y_SCREEN') or '+Z assumed'}"
        statement = foreign_meta("c3d", names, [-1] * len(names), points.fps, f"c3d file; {said}")
    elif "source_frames" in statement:
        frames = _stated_frames(path, statement["source_frames"])
    return assemble(path, xyz, statement, frames=frames, valid=points.residual >= 0)


def _statement(path: Path, points: Points) -> dict[str, Any] | None:
    chunks = points.parameters.get(("VITRUVE", "JSON"))
    if not isinstance(chunks, list):
        return None
    try:
        statement = json.loads("".join(chunks))
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: parameter VITRUVE:JSON is damaged: {clip(str(error))}") from None
    if not isinstance(statement, dict):
        raise FileError(f"{path}: parameter VITRUVE:JSON is no JSON object")
    return statement


def _stated_frames(path: Path, runs: Any) -> np.ndarray:
    try:
        return frames_from_runs(path, runs)
    except FileError:
        raise
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise FileError(f"{path}: source frames are damaged: {clip(str(error))}") from None


def _text(points: Points, name: str) -> str:
    value = points.parameters.get(("POINT", name))
    return value[0].strip() if isinstance(value, list) and value else ""


def _labels(points: Points) -> list[str]:
    count = points.xyz.shape[1]
    labels: list[str] = []
    for part in ("LABELS", *(f"LABELS{i}" for i in range(2, 10))):
        stated = points.parameters.get(("POINT", part))
        labels += stated if isinstance(stated, list) else []
    named = [label.strip() for label in labels[:count]]
    named += [""] * (count - len(named))
    named = [name or f"point_{i}" for i, name in enumerate(named, 1)]
    return [n if named.index(n) == i else f"{n}_{i}" for i, n in enumerate(named)]


def _axes(points: Points) -> np.ndarray:
    """Rows: the house's x, y and z in the file's axes."""
    x, up = (_axis(_text(points, name)) for name in ("X_SCREEN", "Y_SCREEN"))
    up = np.array([0.0, 0.0, 1.0]) if up is None else up
    if x is None or abs(x @ up) > 0:
        x = np.array([1.0, 0.0, 0.0]) if up[0] == 0 else np.array([0.0, 1.0, 0.0])
    return np.stack([x, np.cross(up, x), up])


def _axis(text: str) -> np.ndarray | None:
    letter = text.strip().upper().lstrip("+-")
    if letter not in {"X", "Y", "Z"}:
        return None
    axis = np.zeros(3)
    axis["XYZ".index(letter)] = -1.0 if text.strip().startswith("-") else 1.0
    return axis
