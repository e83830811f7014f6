"""BVH: a standing figure and the rotations that move it, for animation software.

Centimetres, y up, the figure looking along +z with its left at +x (what Maya, MotionBuilder and
most libraries take a BVH to be; in Blender import with scale 0.01). The format has room for tree,
rate and numbers only, and readers such as Blender's stumble over added lines, so the rest (camera,
gaps, source frames, spread, how far the rigid figure is from the joints) stands beside it in
``<name>.bvh.json``.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.geometry.kinematics import children_of
from vitruve.io.atomic import atomic_path
from vitruve.io.contents import Y_UP, arrays, describe, frames_to_runs, to_runs, to_y_up
from vitruve.io.euler import to_zxy
from vitruve.io.rest_pose import RiggedClip, rig
from vitruve.poses import PoseSequence

_ROTATION = "Zrotation Xrotation Yrotation"
_CM_PER_M = 100.0
_TIP = 0.3
"""Length of an end site as a share of the bone before it, so that viewers draw a tip."""
_MIN_TIP_M = 0.01


def sidecar_of(path: Path) -> Path:
    """Where the statement of a BVH file stands."""
    return path.with_name(path.name + ".json")


def bvh_name(name: str) -> str:
    """A joint name as BVH can hold it: no blanks, no braces."""
    return re.sub(r"[\s{}]+", "_", name)


def write_bvh(sequence: PoseSequence, path: Path) -> None:
    """Write ``path`` and its sidecar.

    Gaps are bridged by straight lines and named in the sidecar. Bones get their median length; what
    that costs stands in the sidecar as ``fit_error_m``.

    Raises:
        ValueError: The skeleton is no single tree, or its root is never valid.
        OSError: The folder cannot be written.
    """
    _, valid, frames, spread = arrays(sequence)
    clip = rig(sequence, "bvh")
    order = depth_first(sequence.skeleton.parents)
    statement = describe(sequence, "cm", Y_UP) | {
        "source_frames": frames_to_runs(frames),
        "invalid_rows": {
            sequence.skeleton.names[j]: to_runs(~valid[:, j])
            for j in range(valid.shape[1])
            if not valid[:, j].all()
        },
        "spread_m": None if spread is None else np.round(spread.astype(float), 7).tolist(),
        "fit_error_m": {"mean": float(clip.error_m.mean()), "max": float(clip.error_m.max())},
        "joint_order": [int(j) for j in order],
    }
    with atomic_path(path) as tmp, atomic_path(sidecar_of(path)) as tmp_sidecar:
        with tmp.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in _lines(sequence, clip, order))
        tmp_sidecar.write_text(json.dumps(statement, indent=1, allow_nan=False), encoding="utf-8")


def depth_first(parents: tuple[int, ...]) -> list[int]:
    """Joints in the order BVH lists them; a single tree."""
    children = children_of(parents)
    order, waiting = [], [parents.index(-1)]
    while waiting:
        joint = waiting.pop()
        order.append(joint)
        waiting.extend(reversed(children[joint]))
    return order


def _lines(sequence: PoseSequence, clip: RiggedClip, order: list[int]) -> Iterator[str]:
    yield from _hierarchy(sequence, to_y_up(clip.offsets.numpy()) * _CM_PER_M, order)
    root = to_y_up(clip.joints[:, order[0]].numpy()) * _CM_PER_M
    basis = to_y_up(np.eye(3)).T
    angles = np.rad2deg(to_zxy(basis @ clip.rotations.numpy() @ basis.T))[:, order]
    rows = np.concatenate([root, angles.reshape(len(angles), -1)], axis=1)
    yield "MOTION"
    yield f"Frames: {len(rows)}"
    yield f"Frame Time: {1.0 / sequence.fps:.12g}"
    pattern = " ".join(["%.6f"] * rows.shape[1])
    for row in rows.tolist():
        yield pattern % tuple(row)


def _hierarchy(sequence: PoseSequence, offsets_cm: np.ndarray, order: list[int]) -> Iterator[str]:
    parents, names = sequence.skeleton.parents, sequence.skeleton.names
    children = children_of(parents)
    open_joints: list[int] = []
    yield "HIERARCHY"
    for joint in order:
        while open_joints and open_joints[-1] != parents[joint]:
            open_joints.pop()
            yield "  " * len(open_joints) + "}"
        pad = "  " * len(open_joints)
        yield f"{pad}{'JOINT' if open_joints else 'ROOT'} {bvh_name(names[joint])}"
        yield f"{pad}{{"
        yield f"{pad}  OFFSET {_numbers(offsets_cm[joint])}"
        position = "" if open_joints else "Xposition Yposition Zposition "
        yield f"{pad}  CHANNELS {3 if open_joints else 6} {position}{_ROTATION}"
        if not children[joint]:
            yield f"{pad}  End Site"
            yield f"{pad}  {{"
            yield f"{pad}    OFFSET {_numbers(_tip(offsets_cm[joint]))}"
            yield f"{pad}  }}"
        open_joints.append(joint)
    while open_joints:
        open_joints.pop()
        yield "  " * len(open_joints) + "}"


def _tip(offset_cm: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(offset_cm))
    if length == 0:
        return np.array([0.0, _MIN_TIP_M * _CM_PER_M, 0.0])
    return offset_cm / length * max(length * _TIP, _MIN_TIP_M * _CM_PER_M)


def _numbers(values: Any) -> str:
    return " ".join(f"{v:.6f}" for v in values)
