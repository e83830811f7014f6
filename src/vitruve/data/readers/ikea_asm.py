"""IKEA ASM: people who assemble furniture before three cameras, joints triangulated from 2D.

``Calibration/camera_parameters.pkl`` holds ``K`` of each camera of each calibration; the fourth
word of an assembly's name is its calibration. ``pose3d/<frame>.json`` has ``pose_keypoints_3d``: x,
y, z and a score for each joint, centimetres in the camera frame, 0 where a joint is missing. Which
way is up is not told.

Source: Ben-Shabat et al., WACV 2021, https://arxiv.org/abs/2007.00394; format: posepile.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.release import (
    CM,
    clean_joints,
    field,
    find,
    frame_number,
    make_camera,
    numbers,
    read_json_file,
    require,
)
from vitruve.io.errors import FileError
from vitruve.io.restricted_pickle import read_pickle
from vitruve.skeletons import SKELETONS

NAME = "ikea_asm"
SIZE_PX = (1920, 1080)
_SKIPPED = "special_test"
"""Assemblies of this name have no calibration."""
_CALIBRATION_WORD = 3


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every film that has poses; the release's splits are not of poses.

    Raises:
        FileNotFoundError: There is none.
    """
    folders = find(NAME, root, "*/*/*/pose3d")
    names = ["/".join(folder.parent.relative_to(root).parts) for folder in folders]
    kept = [name for name in names if name.split("/")[1] != _SKIPPED]
    return [Part(root, name) for name in kept] if split in (None, "") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every frame of a film that has a pose.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    _, assembly, name = part.name.split("/")
    folder = part.root / part.name
    video = require(NAME, folder / "images/scan_video.avi")
    camera = make_camera(*_intrinsics(part.root, assembly, name), SIZE_PX)
    for frame, path in sorted(
        (frame_number(p, p.stem), p) for p in (folder / "pose3d").glob("*.json")
    ):
        joints_cam, valid = clean_joints(_pose(path))
        yield PictureExample(
            picture=video,
            video_frame=frame,
            skeleton=SKELETONS["ikea_asm_17"],
            valid=valid,
            joints_cam=joints_cam,
            keypoints_px=None,
            camera=camera,
            sequence=part.name,
            frame=frame,
        )


def _intrinsics(root: Path, assembly: str, camera: str) -> tuple[Path, np.ndarray]:
    path = require(NAME, root / "Calibration/camera_parameters.pkl")
    words = assembly.split("_")
    if len(words) <= _CALIBRATION_WORD:
        raise FileError(f"assembly {assembly!r} names no calibration: expected a fourth word")
    return path, field(path, read_pickle(path), words[_CALIBRATION_WORD], camera, "K")


def _pose(path: Path) -> np.ndarray:
    """(17, 3) metres; NaN where a joint is missing."""
    said = field(path, read_json_file(path), "pose_keypoints_3d")
    count = SKELETONS["ikea_asm_17"].num_joints
    pose = numbers(path, "pose_keypoints_3d", said, (4 * count,)).reshape(count, 4)[:, :3] * CM
    pose[(pose == 0).all(-1)] = np.nan
    return pose
