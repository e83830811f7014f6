"""ASPset-510: sports outdoors before three cameras, 50 frames a second, in the public domain.

``splits.csv`` lists subject, clip, split and camera (or ``all``). ``joints_3d`` are C3D files of 17
points, world millimetres with y down; ``cameras`` hold ``intrinsic_matrix`` (3 x 4) and
``extrinsic_matrix`` (4 x 4); ``boxes`` hold left, top, right, bottom of each frame.

Source: Nibali et al., "ASPset", IVC 2021; format: github.com/anibali/aspset-510 (CC0).
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.release import (
    MM,
    check_pose,
    clean_joints,
    field,
    finite,
    make_camera,
    numbers,
    read_json_file,
    require,
)
from vitruve.io.c3d_parameters import parse_c3d
from vitruve.io.errors import FileError
from vitruve.io.limits import read_bytes, read_text
from vitruve.skeletons import SKELETONS

NAME = "aspset"
CAMERAS = ("left", "mid", "right")
SIZE_PX = (3840, 2160)
_NUM_JOINTS = 17


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every video that ``splits.csv`` lists.

    Raises:
        FileNotFoundError: It is missing.
        ValueError: It is of another layout.
    """
    path = require(NAME, root / "splits.csv")
    found = []
    for row in csv.reader(read_text(path).splitlines()):
        if len(row) != 4:
            raise FileError(f"{path}: {','.join(row)!r} is not subject, clip, split, camera")
        subject, clip, its_split, camera = row
        if split in (None, its_split):
            cameras = CAMERAS if camera == "all" else (camera,)
            found += [Part(root, f"{subject}/{clip}/{name}", its_split) for name in cameras]
    return found


def read(part: Part) -> Iterator[PictureExample]:
    """Every frame of a video.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    subject, clip, name = part.name.split("/")
    folder = part.root / ("test" if part.split == "test" else "trainval")
    video = require(NAME, folder / f"videos/{subject}/{subject}-{clip}-{name}.mkv")
    path = require(NAME, folder / f"cameras/{subject}/{subject}-{name}.json")
    stated = read_json_file(path)
    T = finite(path, "extrinsic_matrix", np.ravel(field(path, stated, "extrinsic_matrix")), (16,))
    K = finite(path, "intrinsic_matrix", np.ravel(field(path, stated, "intrinsic_matrix")), (12,))
    T, K = T.reshape(4, 4), K.reshape(3, 4)[:, :3]
    R, t = check_pose(path, T[:3, :3], T[:3, 3] * MM)
    camera = make_camera(path, K, SIZE_PX, R_cam_world=R, t_cam_world=t, up="-y")
    joints = _motion(require(NAME, folder / f"joints_3d/{subject}/{subject}-{clip}.c3d"))
    boxes = _boxes(require(NAME, folder / f"boxes/{subject}/{subject}-{clip}-{name}.csv"))
    joints_cam, valid = clean_joints(joints @ R.T + t)
    for frame in range(min(len(joints), len(boxes))):
        yield PictureExample(
            picture=video,
            video_frame=frame,
            skeleton=SKELETONS["aspset_17"],
            valid=valid[frame],
            joints_cam=joints_cam[frame],
            keypoints_px=None,
            camera=camera,
            sequence=part.name,
            frame=frame,
            split=part.split,
            subject=subject,
            box_px=boxes[frame],
        )


def _motion(path: Path) -> np.ndarray:
    """(t, 17, 3) world metres; NaN where a point is missing."""
    points = parse_c3d(path, read_bytes(path))
    joints = numbers(path, "its points", points.xyz, (None, _NUM_JOINTS, 3)) * MM
    joints[points.residual < 0] = np.nan
    return joints


def _boxes(path: Path) -> np.ndarray:
    rows = list(csv.reader(read_text(path).splitlines()))[1:]
    return finite(path, "its boxes", rows, (None, 4))
