"""What every motion file states about itself, and the way back from it to a `PoseSequence`.

Axes: t frames, j joints. Arrays here are numpy, because files are.
"""

import importlib.metadata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.limits import MAX_JOINTS, check_values, clip
from vitruve.poses import PoseSequence
from vitruve.skeletons import Skeleton, skeleton

FORMAT = "vitruve.pose_sequence"
Z_UP = "x right, y forward, z up; right-handed; floor at z = 0"
Y_UP = "x right, y up, z backward; right-handed; floor at y = 0"
_MAX_M = 1e5
_MAX_FPS = 1e5


def describe(sequence: PoseSequence, units: str, axes: str) -> dict[str, Any]:
    """The statement that stands inside each file; JSON types only.

    Args:
        sequence: What is written.
        units: Length unit of the file's numbers, such as ``m``.
        axes: Axes of the file's numbers.
    """
    s = sequence.skeleton
    return {
        "format": FORMAT,
        "version": importlib.metadata.version("vitruve"),
        "skeleton": {"name": s.name, "names": list(s.names), "parents": list(s.parents)},
        "units": units,
        "axes": axes,
        "fps": float(sequence.fps),
        "person": int(sequence.person),
        "model": sequence.model,
        "camera": None if sequence.camera is None else _camera_to_json(sequence.camera),
    }


def assemble(
    path: Path,
    joints: np.ndarray,
    meta: Mapping[str, Any],
    *,
    frames: np.ndarray | None = None,
    valid: np.ndarray | None = None,
    spread: np.ndarray | None = None,
) -> PoseSequence:
    """Build the record from a file's arrays and its statement, trusting neither.

    Joints that are not finite become ``valid`` False.

    Args:
        path: Named in errors.
        joints: World frame, z up, metres, (t, j, 3).
        meta: As of `describe`; a foreign file's reader fills in what it knows.
        frames: Source frame indices; 0, 1, 2... if None.
        valid: (t, j); all if None.
        spread: (t, j), metres.

    Raises:
        FileError: Shapes that disagree, no frames, a rate or camera that cannot be.
    """
    try:
        with np.errstate(all="ignore"):
            return _assemble(joints, meta, frames, valid, spread)
    except FileError as error:
        raise FileError(f"{path}: {clip(str(error))}") from None
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError) as error:
        what = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
        raise FileError(f"{path} holds no sound motion: {clip(what)}") from None


def foreign_meta(
    kind: str, names: Sequence[str], parents: Sequence[int], fps: float, model: str
) -> dict[str, Any]:
    """The statement for a file that makes none: its own joints, under the format's name."""
    joint_set = {"name": kind, "names": list(names), "parents": list(parents)}
    return {"skeleton": joint_set, "fps": fps, "model": model}


def to_z_up(points: np.ndarray) -> np.ndarray:
    """From y up to the house's z up, right-handed, x kept."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def to_y_up(points: np.ndarray) -> np.ndarray:
    """From the house's z up to y up, right-handed, x kept."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def arrays(sequence: PoseSequence) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Joints (t, j, 3) in float64, valid, frames and spread as numpy.

    Raises:
        ValueError: There are no frames or no joints, or a valid joint is not finite.
    """
    joints = sequence.joints_world.detach().cpu().numpy().astype(np.float64)
    valid = sequence.valid.cpu().numpy()
    if joints.shape[0] == 0 or joints.shape[1] == 0:
        raise ValueError(
            f"a sequence of {joints.shape[0]} frames and {joints.shape[1]} joints cannot be written"
        )
    if not np.isfinite(joints[valid]).all():
        raise ValueError("a joint is marked valid but is not finite; set its `valid` to False")
    joints = np.where(valid[..., None], joints, np.nan_to_num(joints, posinf=0.0, neginf=0.0))
    spread = None if sequence.spread is None else sequence.spread.detach().cpu().numpy()
    return joints, valid, sequence.frames.cpu().numpy(), spread


def _assemble(
    joints: np.ndarray,
    meta: Mapping[str, Any],
    frames: np.ndarray | None,
    valid: np.ndarray | None,
    spread: np.ndarray | None,
) -> PoseSequence:
    joint_set = _skeleton(meta["skeleton"])
    shape = (len(joints), joint_set.num_joints)
    _check_shapes(joints, frames, valid, spread, shape)
    near = np.abs(np.nan_to_num(joints, nan=np.inf)).max(-1) < _MAX_M
    camera = meta.get("camera")
    return PoseSequence(
        skeleton=joint_set,
        joints_world=_float32(np.where(near[..., None], joints, 0.0)),
        valid=torch.from_numpy(near if valid is None else near & valid.astype(bool)),
        frames=_frames(frames, shape[0]),
        fps=_number(meta["fps"], "fps", 1e-5, _MAX_FPS),
        spread=None if spread is None else _float32(_known_spread(spread)),
        camera=None if camera is None else _camera_from_json(camera),
        person=int(_number(meta.get("person", 0), "person", 0.0, 2.0**31)),
        model=str(meta.get("model", "")),
    )


def _known_spread(spread: np.ndarray) -> np.ndarray:
    if (np.nan_to_num(spread, nan=0.0, posinf=np.inf) > _MAX_M).any() or (spread < 0).any():
        raise FileError("a spread is negative or beyond all measure")
    return spread


def _check_shapes(
    joints: np.ndarray,
    frames: np.ndarray | None,
    valid: np.ndarray | None,
    spread: np.ndarray | None,
    shape: tuple[int, int],
) -> None:
    if joints.shape != (*shape, 3):
        raise FileError(f"joints of shape {joints.shape}, expected {(*shape, 3)}")
    if not all(shape):
        raise FileError(f"{shape[0]} frames of {shape[1]} joints: nothing to read")
    for name, array, expected in (
        ("frames", frames, shape[:1]),
        ("valid", valid, shape),
        ("spread", spread, shape),
    ):
        if array is not None and array.shape != expected:
            raise FileError(f"{name} of shape {array.shape}, expected {expected}")


def _skeleton(stated: Mapping[str, Any]) -> Skeleton:
    names = tuple(str(n) for n in stated["names"])
    parents = tuple(int(p) for p in stated["parents"])
    if len(names) > MAX_JOINTS:
        raise FileError(f"{len(names)} joints; at most {MAX_JOINTS}")
    name = clip(str(stated["name"]))
    try:
        known = skeleton(name)
    except KeyError:
        known = None
    if known is not None and names in (known.names, known.aliases):
        return known
    return Skeleton(name=name, names=names, parents=parents)


def _frames(frames: np.ndarray | None, count: int) -> torch.Tensor:
    if frames is None:
        return torch.arange(count, dtype=torch.int64)
    whole = np.asarray(frames)
    if not np.isfinite(whole).all() or np.abs(whole.astype(np.float64)).max() > 2**53:
        raise FileError("a frame index is out of range")
    whole = np.ascontiguousarray(whole.astype(np.int64))
    if (np.diff(whole) <= 0).any():
        raise FileError("frame indices must increase")
    return torch.from_numpy(whole)


def _float32(values: np.ndarray) -> torch.Tensor:
    with np.errstate(over="ignore"):
        return torch.from_numpy(np.ascontiguousarray(values.astype(np.float32)))


def _number(value: object, name: str, low: float, high: float) -> float:
    number = float(value) if isinstance(value, int | float) else float("nan")
    if not low <= number <= high:
        raise FileError(f"{name} is {clip(repr(value))}; allowed is {low:g} to {high:g}")
    return number


def _camera_to_json(camera: Camera) -> dict[str, Any]:
    def listed(tensor: torch.Tensor | None) -> Any:
        return None if tensor is None else tensor.detach().cpu().double().tolist()

    return {
        "intrinsics": listed(camera.intrinsics),
        "image_size_px": [int(n) for n in camera.image_size_px],
        "distortion": listed(camera.distortion),
        "T_world_cam": listed(camera.T_world_cam),
    }


def _camera_from_json(stated: Mapping[str, Any]) -> Camera:
    def tensor(name: str, shapes: tuple[tuple[int, ...], ...]) -> torch.Tensor | None:
        if stated.get(name) is None:
            return None
        values = np.array(stated[name], dtype=np.float64)
        if values.shape not in shapes or not np.isfinite(values).all():
            raise FileError(f"camera.{name} has shape {values.shape}, allowed {shapes}")
        return _float32(values)

    intrinsics = tensor("intrinsics", ((3, 3),))
    width, height = (int(n) for n in stated["image_size_px"])
    if intrinsics is None:
        raise FileError("the camera states no intrinsics")
    return Camera(
        intrinsics=intrinsics,
        image_size_px=(width, height),
        distortion=tensor("distortion", ((5,), (8,), (12,))),
        T_world_cam=tensor("T_world_cam", ((4, 4),)),
    )


def to_runs(flags: np.ndarray) -> list[list[int]]:
    """``[first, count]`` of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [[int(a), int(b - a)] for a, b in zip(edges[::2], edges[1::2], strict=True)]


def from_runs(path: Path, runs: Sequence[Sequence[int]], length: int) -> np.ndarray:
    """The flags that `to_runs` listed.

    Raises:
        FileError: A run lies outside ``length``.
    """
    flags = np.zeros(length, dtype=bool)
    for run in runs:
        first, count = (int(n) for n in run)
        if first < 0 or count < 1 or first + count > length:
            raise FileError(
                f"{path}: rows {first} to {first + count} of {length} are named invalid"
            )
        flags[first : first + count] = True
    return flags


def frames_to_runs(frames: np.ndarray) -> list[list[int]]:
    """``[first, count]`` of each run of consecutive frame indices."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(frames) != 1) + 1, [len(frames)]])
    return [[int(frames[a]), int(b - a)] for a, b in pairwise(starts)]


def frames_from_runs(path: Path, runs: Sequence[Sequence[int]]) -> np.ndarray:
    """The indices that `frames_to_runs` listed.

    Raises:
        FileError: More frames than a file may hold.
    """
    pairs = [(int(run[0]), int(run[1])) for run in runs]
    check_values(path, (sum(max(count, 0) for _, count in pairs),))
    parts = [np.arange(first, first + count, dtype=np.int64) for first, count in pairs]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
