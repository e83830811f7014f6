"""3DPW: people outdoors before a moving phone, in the layout of its ``sequenceFiles``.

``sequenceFiles/<split>/<sequence>.pkl`` holds for each person ``jointPositions`` (t, 72) world
metres of the 24 SMPL joints, ``poses2d`` (t, 3, 18) detections (x, y, confidence) and
``campose_valid`` (t,); for the camera ``cam_poses`` (t, 4, 4) world to camera and
``cam_intrinsics`` (3, 3). The files are pickles of Python 2, read by an unpickler that builds
arrays only.

Source: von Marcard et al., "Recovering accurate 3D human pose in the wild using IMUs and a moving
camera", ECCV 2018; https://virtualhumans.mpi-inf.mpg.de/3DPW.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vitruve.data.cameras.level import level_world
from vitruve.data.sequences.clip import MotionSequence
from vitruve.geometry.camera import Camera
from vitruve.io.restricted_pickle import read_pickle
from vitruve.poses import KeypointSequence
from vitruve.skeletons import SKELETONS

PAGE = "https://virtualhumans.mpi-inf.mpg.de/3DPW"
SPLITS = ("train", "validation", "test")
FPS = 30.0
_FIELDS = ("jointPositions", "poses2d", "cam_poses", "cam_intrinsics", "campose_valid")
_NUM_JOINTS, _NUM_KEYPOINTS = 24, 18


def read(root: str | Path, split: str | None = None) -> Iterator[MotionSequence]:
    """Yield every person of every sequence: SMPL joints and the detections in ``3dpw_18``.

    The world is that of a level camera which follows the real one, so a moving camera's motion is
    in the joints. Frames whose camera pose was not aligned have no valid joint.

    Raises:
        FileNotFoundError: A split is missing.
        ValueError: A file is damaged, hostile, or of another layout.
    """
    root = Path(root)
    folder = root if root.name == "sequenceFiles" else root / "sequenceFiles"
    splits = SPLITS if split is None else (split,)
    if unknown := [s for s in splits if s not in SPLITS]:
        raise ValueError(f"3DPW has no split {unknown[0]!r}; there are {', '.join(SPLITS)}")
    files = {s: sorted((folder / s).glob("*.pkl")) for s in splits}
    if missing := [s for s, found in files.items() if not found]:
        raise FileNotFoundError(
            f"no .pkl files in {folder / missing[0]}: get 3DPW's sequenceFiles.zip from {PAGE}; "
            f"expected are sequenceFiles/{{{','.join(SPLITS)}}}/<sequence>.pkl"
        )
    return (person for s, found in files.items() for path in found for person in _people(path, s))


def _people(path: Path, split: str) -> Iterator[MotionSequence]:
    content = read_pickle(path)
    if missing := [f for f in _FIELDS if not isinstance(content, dict) or f not in content]:
        raise ValueError(f"{path} has no {missing[0]!r}; a sequence file has {', '.join(_FIELDS)}")
    cam_poses = _array(path, "cam_poses", content["cam_poses"], (None, 4, 4))
    intrinsics = _array(path, "cam_intrinsics", content["cam_intrinsics"], (3, 3))
    t = len(cam_poses)
    each = zip(content["jointPositions"], content["poses2d"], content["campose_valid"], strict=True)
    for number, (joints, points, valid) in enumerate(each):
        yield _person(
            f"{path.stem}/{number}",
            split,
            (
                _array(path, "jointPositions", joints, (t, 3 * _NUM_JOINTS)),
                _array(path, "poses2d", points, (t, 3, _NUM_KEYPOINTS)),
                _array(path, "campose_valid", valid, (t,)).astype(bool),
            ),
            cam_poses,
            intrinsics,
        )


def _array(path: Path, name: str, value: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {name} is no array of numbers: {error}") from error
    fits = array.ndim == len(shape) and all(
        e in (None, n) for n, e in zip(array.shape, shape, strict=True)
    )
    if not fits or not np.isfinite(array).all():
        raise ValueError(f"{path}: {name} has shape {array.shape}, expected finite {shape}")
    return array


def _person(
    name: str,
    split: str,
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray],
    cam_poses: np.ndarray,
    intrinsics: np.ndarray,
) -> MotionSequence:
    positions, detections, aligned = arrays
    joints = positions.reshape(-1, _NUM_JOINTS, 3)
    joints_cam = joints @ cam_poses[:, :3, :3].transpose(0, 2, 1) + cam_poses[:, None, :3, 3]
    valid = np.repeat(aligned[:, None], _NUM_JOINTS, 1)
    joints_world, T_world_cam = level_world(joints_cam, valid)
    # Phones were held upright or across; the principal point tells which.
    size = (1080, 1920) if intrinsics[0, 2] < intrinsics[1, 2] else (1920, 1080)
    return MotionSequence(
        name=name,
        subject="",
        action="",
        split=split,
        skeleton=SKELETONS["smpl_24"],
        fps=FPS,
        joints_world=joints_world,
        valid=valid,
        cameras=(Camera(torch.from_numpy(intrinsics).float(), size, T_world_cam=T_world_cam),),
        keypoints=(_keypoints(detections, size),),
    )


def _keypoints(detections: np.ndarray, size: tuple[int, int]) -> KeypointSequence:
    points = torch.from_numpy(detections.transpose(0, 2, 1).astype(np.float32))
    confidence = points[..., 2].clamp(0, 1)
    return KeypointSequence(
        skeleton=SKELETONS["3dpw_18"],
        keypoints_px=points[..., :2].contiguous(),
        valid=confidence > 0,
        confidence=confidence,
        frames=torch.arange(len(points)),
        fps=FPS,
        image_size_px=size,
        model="poses2d",
    )
