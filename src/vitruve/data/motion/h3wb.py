"""H3WB: Human3.6M with 133 whole-body joints on 100,000 images.

Two official layouts, millimetres and pixels. ``2Dto3D_train.json`` and ``2Dto3D_test_3d.json``:
sample -> ``keypoints_2d`` {joint: {x, y}} and ``keypoints_3d`` {joint: {x, y, z}}, joints in
camera axes without the camera's place. ``h3wb_train.npz`` (``train_data``) and
``task1_test_3d.npz`` (``data``): subject -> action -> ``global_3d`` (t, 133, 3) and for each camera
of Human3.6M's rigs ``pose_2d``. Consecutive rows are not consecutive in time.

Source: Zhu et al., "H3WB: Human3.6M 3D WholeBody dataset and benchmark", ICCV 2023,
https://arxiv.org/abs/2211.15692.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vitruve.data.cameras.level import level_world
from vitruve.data.cameras.virtual import h36m_rigs
from vitruve.data.sequences.clip import MotionSequence, finite_joints
from vitruve.io.archive import load_json
from vitruve.io.npz_members import open_archive, read_member
from vitruve.poses import KeypointSequence
from vitruve.skeletons import SKELETONS

PAGE = "https://github.com/wholebody3d/wholebody3d"
JSON_FILES = {"train": "2Dto3D_train.json", "test": "2Dto3D_test_3d.json"}
NPZ_FILES = {"train": ("h3wb_train.npz", "train_data"), "test": ("task1_test_3d.npz", "data")}
CAMERAS = ("54138969", "55011271", "58860488", "60457274")
"""Names of the rig's cameras, in the published order."""
_IMAGE_SIZE_PX = (1000, 1000)
"""Of the json files, which do not name the camera; two of the four are 2 pixels higher."""
_FPS = 10.0
"""Of the images that samples were chosen from; samples have gaps."""
_NUM_JOINTS = 133
_MAX_JSON_BYTES = 4 * 2**30


def read(root: str | Path, split: str | None = None) -> Iterator[MotionSequence]:
    """Yield the samples of a split: by action from the npz files, as one clip from the json ones.

    Where a split is there in both layouts, npz is read.

    Raises:
        FileNotFoundError: A split is missing in both layouts.
        ValueError: A file is damaged, hostile, or of another layout.
    """
    root = Path(root)
    splits = [split] if split is not None else list(NPZ_FILES)
    if unknown := [s for s in splits if s not in NPZ_FILES]:
        raise ValueError(f"H3WB has no split {unknown[0]!r}; there are train and test")
    parts = [_part(root, s) for s in splits]
    return (sequence for part in parts for sequence in part)


def _part(root: Path, split: str) -> Iterator[MotionSequence]:
    npz, member = NPZ_FILES[split]
    if (root / npz).is_file():
        return _from_npz(root / npz, member, split)
    path = root / JSON_FILES[split]
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: get H3WB's annotations from {PAGE}; expected are "
            f"{JSON_FILES[split]} or {npz} in one folder"
        )
    return _from_json(path, split)


def _from_npz(path: Path, member: str, split: str) -> Iterator[MotionSequence]:
    with open_archive(path) as archive:
        content = read_member(archive, member, objects=True)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: {member!r} holds {type(content).__name__}, expected a dict")
    return (
        _action(path, split, subject, action, fields)
        for subject, actions in content.items()
        for action, fields in actions.items()
    )


def _action(
    path: Path, split: str, subject: str, action: str, fields: Mapping[str, Any]
) -> MotionSequence:
    name = f"{subject} {action}"
    rig = h36m_rigs().get(subject)
    if rig is None:
        raise ValueError(f"{path}: {subject!r} is no subject of Human3.6M with a known rig")
    try:
        joints = _shaped(path, name, fields["global_3d"], 3)
        points = [_shaped(path, name, fields[camera]["pose_2d"], 2) for camera in CAMERAS]
        frames = [int(frame) for frame in fields.get("frame_id", range(len(joints)))]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: {name} is no {{global_3d, <camera>: {{pose_2d}}}}: {error}"
        ) from error
    joints_world, valid = finite_joints(joints / 1000)
    return MotionSequence(
        name=name,
        subject=subject,
        action=action,
        split=split,
        skeleton=SKELETONS["h3wb_133"],
        fps=_FPS,
        joints_world=joints_world,
        valid=valid,
        cameras=rig,
        keypoints=tuple(
            _keypoints(view, frames, camera.image_size_px)
            for view, camera in zip(points, rig, strict=True)
        ),
    )


def _shaped(path: Path, name: str, array: Any, width: int) -> np.ndarray:
    """An array of (t, 133, width); the published ones have an axis of one person in between."""
    joints = np.asarray(array, dtype=np.float64)
    if joints.shape[-2:] != (_NUM_JOINTS, width) or joints.size == 0:
        raise ValueError(f"{path}: {name} has {joints.shape}, expected (t, 133, {width})")
    return joints.reshape(-1, _NUM_JOINTS, width)


def _keypoints(
    points: np.ndarray, frames: list[int], image_size_px: tuple[int, int]
) -> KeypointSequence:
    seen = torch.from_numpy(np.isfinite(points).all(-1))
    return KeypointSequence(
        skeleton=SKELETONS["h3wb_133"],
        keypoints_px=torch.from_numpy(np.nan_to_num(points, posinf=0, neginf=0).astype(np.float32)),
        valid=seen,
        confidence=seen.float(),
        frames=torch.tensor(frames),
        fps=_FPS,
        image_size_px=image_size_px,
        model="h3wb",
    )


def _from_json(path: Path, split: str) -> Iterator[MotionSequence]:
    samples = load_json(path, _MAX_JSON_BYTES, object_hook=_point)
    try:
        order = sorted(samples, key=int)
        points, joints = (
            np.array([_rows(samples[sample][key], width) for sample in order])
            for key, width in (("keypoints_2d", 2), ("keypoints_3d", 3))
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path} is not {{sample: {{keypoints_2d, keypoints_3d}}}} with 133 joints: {error!r}"
        ) from error
    if not order:
        raise ValueError(f"{path} holds no sample")
    finite, valid = finite_joints(joints / 1000)
    joints_world, _ = level_world(finite, valid)
    yield MotionSequence(
        name=path.stem,
        subject="",
        action="",
        split=split,
        skeleton=SKELETONS["h3wb_133"],
        fps=_FPS,
        joints_world=joints_world,
        valid=valid,
        keypoints=(_keypoints(points, [int(s) for s in order], _IMAGE_SIZE_PX),),
    )


def _point(entry: dict[str, Any]) -> Any:
    """Coordinates become a tuple as soon as they are read: dicts take ten times the memory."""
    if entry.keys() <= {"x", "y", "z"} and len(entry) > 1:
        return tuple(float(entry[axis]) for axis in "xyz" if axis in entry)
    return entry


def _rows(joints: Mapping[str, tuple[float, ...]], width: int) -> list[tuple[float, ...]]:
    rows = [joints[str(joint)] for joint in range(_NUM_JOINTS)]
    if any(len(row) != width for row in rows):
        raise ValueError(f"a joint has not {width} coordinates")
    return rows
