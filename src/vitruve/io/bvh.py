"""Read BVH: any channel orders, tabs or blanks, with or without our sidecar.

The format states neither unit nor up axis. Our sidecar does; without it the caller may, and else
those that make the rest figure human are taken, and ``PoseSequence.model`` says which.
Source of the format: Meredith and Maddock, Motion Capture File Formats Explained (2001).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vitruve.io.bvh_writer import bvh_name, sidecar_of
from vitruve.io.contents import assemble, foreign_meta, frames_from_runs, from_runs, to_z_up
from vitruve.io.errors import FileError
from vitruve.io.euler import axis_rotation
from vitruve.io.limits import MAX_JOINTS, check_values, clip, read_text, to_floats
from vitruve.io.tokens import Tokens
from vitruve.poses import PoseSequence

UNITS_M = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254, "in/0.45": 0.0254 / 0.45}
"""Length units met in BVH files, metres; the last is that of CMU's motion and its conversions."""
_HUMAN_M = 1.65
_CHANNELS = {
    f"{a}{kind}": (kind, i) for i, a in enumerate("xyz") for kind in ("position", "rotation")
}


@dataclass
class _Joint:
    name: str
    parent: int
    offset: np.ndarray
    channels: list[tuple[str, int]] = field(default_factory=list)
    is_end: bool = False


def read_bvh(
    path: Path,
    *,
    unit_m: float | None = None,
    up: Literal["y", "z"] | None = None,
    end_sites: bool = False,
) -> PoseSequence:
    """Read one figure.

    Args:
        path: The file.
        unit_m: Metres per length unit of the file; None for the sidecar's, else a guess by size.
        up: Up axis of the file; None for the sidecar's, else the taller of y and z at rest.
        end_sites: Also give the ends of the chains, as joints named ``<joint>_end``.

    Raises:
        FileError: Not a sound BVH file of one figure.
        OSError: It does not exist or may not be read.
    """
    joints, frame_s, rows = _parse(path, read_text(path))
    statement = None if end_sites else _sidecar(path, joints, len(rows))
    points = _pose(joints, rows)
    if statement is not None and unit_m is None and up is None:
        return _ours(path, points[:, [i for i, j in enumerate(joints) if not j.is_end]], statement)
    rest = _rest(joints)
    unit, unit_m, unit_said = _unit(path, rest, unit_m)
    axis = up or ("z" if np.ptp(rest[:, 2]) > np.ptp(rest[:, 1]) else "y")
    keep = [i for i, j in enumerate(joints) if end_sites or not j.is_end]
    where = {old: new for new, old in enumerate(keep)}
    points = points[:, keep] * unit_m
    said = f"bvh file; unit {unit} ({unit_said}), {axis} up ({'given' if up else 'guessed'})"
    meta = foreign_meta(
        "bvh",
        [joints[i].name for i in keep],
        [where.get(joints[i].parent, -1) for i in keep],
        1.0 / frame_s,
        said,
    )
    return assemble(path, to_z_up(points) if axis == "y" else points, meta)


def _parse(path: Path, text: str) -> tuple[list[_Joint], float, np.ndarray]:
    tokens = Tokens(path, text)
    tokens.expect("HIERARCHY")
    joints = _hierarchy(path, tokens)
    if tokens.peek().upper() == "ROOT":
        raise FileError(f"{path} holds several figures; one is read: split the file at each ROOT")
    tokens.expect("MOTION")
    tokens.expect("FRAMES:")
    count = tokens.integer("number of frames")
    tokens.expect("FRAME")
    tokens.expect("TIME:")
    frame_s = tokens.number("frame time")
    if not 1e-5 < frame_s < 1e5:
        raise FileError(f"{path} states a frame time of {frame_s:g} s; it must be positive")
    width = sum(len(j.channels) for j in joints)
    check_values(path, (count, len(joints), 3))
    lines = [line for line in tokens.rest_lines() if line.strip()]
    if len(lines) < count or count < 1:
        raise FileError(f"{path} states {count} frames and holds {len(lines)}; is it cut short?")
    rows = [
        to_floats(path, f"frame {i}", line.split(), width) for i, line in enumerate(lines[:count])
    ]
    return joints, frame_s, np.stack(rows)


def _hierarchy(path: Path, tokens: Tokens) -> list[_Joint]:
    joints: list[_Joint] = []
    open_joints: list[int] = []
    while True:
        word = tokens.next("joint")
        if word == "}":
            if not open_joints:
                raise FileError(f"{path}, line {tokens.line}: a '}}' closes nothing")
            open_joints.pop()
            if not open_joints:
                break
            continue
        if (word.upper() == "ROOT") != (not open_joints):
            raise FileError(
                f"{path}, line {tokens.line}: {clip(word)!r} where a joint was expected"
            )
        joints.append(_joint(tokens, word.upper(), joints, open_joints))
        open_joints.append(len(joints) - 1)
        if len(joints) > 2 * MAX_JOINTS:
            raise FileError(f"{path} has more than {MAX_JOINTS} joints")
    _name_apart(joints)
    return joints


def _joint(tokens: Tokens, kind: str, joints: list[_Joint], open_joints: list[int]) -> _Joint:
    parent = open_joints[-1] if open_joints else -1
    if kind == "END":
        tokens.expect("SITE")
        name = f"{joints[parent].name}_end"
    elif kind in {"ROOT", "JOINT"}:
        name = tokens.rest_of_line()
    else:
        raise FileError(
            f"{tokens.path}, line {tokens.line}: {clip(kind)!r}; allowed are JOINT, End Site, '}}'"
        )
    tokens.expect("{")
    tokens.expect("OFFSET")
    offset = np.array([tokens.number("offset") for _ in range(3)])
    joint = _Joint(name, parent, offset, is_end=kind == "END")
    if kind != "END":
        tokens.expect("CHANNELS")
        for _ in range(tokens.integer("number of channels", 6)):
            channel = tokens.next("channel")
            if channel.lower() not in _CHANNELS:
                raise FileError(
                    f"{tokens.path}, line {tokens.line}: channel {clip(channel)!r}; "
                    "allowed are X, Y, Z with position or rotation"
                )
            joint.channels.append(_CHANNELS[channel.lower()])
    return joint


def _name_apart(joints: list[_Joint]) -> None:
    seen: set[str] = set()
    for i, joint in enumerate(joints):
        if joint.name in seen or not joint.name:
            joint.name = f"{joint.name}_{i}"
        seen.add(joint.name)


def _pose(joints: list[_Joint], rows: np.ndarray) -> np.ndarray:
    """Forward kinematics; a position channel replaces that part of the offset."""
    points = np.zeros((len(rows), len(joints), 3))
    rotations: list[np.ndarray] = []
    column = 0
    for i, joint in enumerate(joints):
        local = np.broadcast_to(joint.offset, (len(rows), 3)).copy()
        turn = np.broadcast_to(np.eye(3), (len(rows), 3, 3))
        for kind, axis in joint.channels:
            if kind == "position":
                local[:, axis] = rows[:, column]
            else:
                turn = turn @ axis_rotation(axis, np.deg2rad(rows[:, column]))
            column += 1
        if joint.parent < 0:
            points[:, i] = local
        else:
            above = rotations[joint.parent]
            points[:, i] = points[:, joint.parent] + (above @ local[..., None])[..., 0]
            turn = turn if joint.is_end else above @ turn
        rotations.append(turn)
    return points


def _rest(joints: list[_Joint]) -> np.ndarray:
    rest = np.zeros((len(joints), 3))
    for i, joint in enumerate(joints[1:], 1):
        rest[i] = rest[joint.parent] + joint.offset
    return rest


def _unit(path: Path, rest: np.ndarray, unit_m: float | None) -> tuple[str, float, str]:
    if unit_m is not None:
        if not 0 < unit_m < math.inf:
            raise ValueError(
                f"unit_m is {unit_m}; give the metres of one length unit, such as 0.01"
            )
        return f"{unit_m:g} m", unit_m, "given"
    size = float(np.ptp(rest, axis=0).max())
    if not 1e-3 < size < 1e6:
        raise FileError(
            f"{path}: the rest figure spans {size:g} units, so its unit is unclear: give unit_m"
        )
    unit = min(UNITS_M, key=lambda u: abs(math.log(size * UNITS_M[u] / _HUMAN_M)))
    return unit, UNITS_M[unit], f"guessed: the rest figure spans {size:.4g} units"


def _sidecar(path: Path, joints: list[_Joint], rows: int) -> Mapping[str, Any] | None:
    sidecar = sidecar_of(path)
    if not sidecar.is_file():
        return None
    try:
        statement = json.loads(read_text(sidecar))
        order = [int(j) for j in statement["joint_order"]]
        names = statement["skeleton"]["names"]
        stated = [bvh_name(str(names[j])) for j in order]
        frames = sum(int(run[1]) for run in statement["source_frames"])
        matches = stated == [j.name for j in joints if not j.is_end] and frames == rows
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError) as error:
        raise FileError(
            f"{sidecar} is damaged ({clip(str(error))}): delete or restore it"
        ) from None
    if not matches or sorted(order) != list(range(len(order))):
        raise FileError(
            f"{sidecar} belongs to another motion than {path.name}: delete or restore it"
        )
    return statement


def _ours(path: Path, points: np.ndarray, statement: Mapping[str, Any]) -> PoseSequence:
    try:
        joints = np.empty_like(points)
        joints[:, statement["joint_order"]] = to_z_up(points) * UNITS_M[statement["units"]]
        names = list(statement["skeleton"]["names"])
        valid = np.ones(points.shape[:2], dtype=bool)
        for name, runs in statement["invalid_rows"].items():
            valid[:, names.index(name)] = ~from_runs(path, runs, len(points))
        stated = statement.get("spread_m")
        spread = None if stated is None else np.array(stated, dtype=np.float64)
        frames = frames_from_runs(path, statement["source_frames"])
    except FileError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, AttributeError) as error:
        raise FileError(f"{sidecar_of(path)} is damaged: {clip(str(error))}") from None
    return assemble(path, joints, statement, frames=frames, valid=valid, spread=spread)
