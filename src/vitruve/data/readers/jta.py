"""JTA: crowds in a video game's streets, with joints in 3D whether they are seen or not.

``annotations/<split>/seq_<n>.json`` is a list of rows: frame (from 1), person, joint, x and y
pixels, X, Y, Z camera metres, occluded, occluded by the person. All videos have one camera.

Source: Fabbri et al., "Learning to detect and track visible and occluded body joints in a virtual
world", ECCV 2018; format: README of github.com/fabbrimatteo/JTA-Dataset.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.release import find, finite, make_camera, read_json_file, require
from vitruve.io.errors import FileError
from vitruve.skeletons import SKELETONS

NAME = "jta"
SIZE_PX = (1920, 1080)
FOCAL_PX = 1158.0
_COLUMNS = 10


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every sequence of a split: train, val or test.

    Raises:
        FileNotFoundError: There is none.
    """
    found = find(NAME, root, "annotations/*/seq_*.json")
    names = [(f"{path.parent.name}/{path.stem}", path.parent.name) for path in found]
    return [Part(root, name, its) for name, its in names if split in (None, its)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every person of every frame, in the order of frames.

    Raises:
        FileNotFoundError: The video is missing.
        ValueError: The labels are damaged or of another layout.
    """
    path = part.root / f"annotations/{part.name}.json"
    video = require(NAME, part.root / f"videos/{part.name}.mp4")
    rows = finite(path, "its rows", read_json_file(path), (None, _COLUMNS))
    skeleton = SKELETONS["jta_22"]
    if len(rows) and not np.isin(rows[:, 2], np.arange(skeleton.num_joints)).all():
        raise FileError(f"{path} has joints beyond 0 to {skeleton.num_joints - 1}")
    K = [[FOCAL_PX, 0, SIZE_PX[0] / 2], [0, FOCAL_PX, SIZE_PX[1] / 2], [0, 0, 1]]
    camera = make_camera(path, K, SIZE_PX)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    starts = np.flatnonzero(np.diff(rows[:, :2], axis=0, prepend=-1).any(1))
    for of_one in np.split(rows, starts[1:]) if len(rows) else []:
        joint = of_one[:, 2].astype(int)
        joints, points = np.zeros((skeleton.num_joints, 3)), np.zeros((skeleton.num_joints, 2))
        valid = np.zeros(skeleton.num_joints, dtype=bool)
        joints[joint], points[joint], valid[joint] = of_one[:, 5:8], of_one[:, 3:5], True
        frame, person = int(of_one[0, 0]) - 1, int(of_one[0, 1])
        yield PictureExample(
            picture=video,
            video_frame=frame,
            skeleton=skeleton,
            valid=valid,
            joints_cam=joints,
            keypoints_px=points,
            camera=camera,
            sequence=part.name,
            frame=frame,
            split=part.split,
            subject=f"{part.name}/{person}",
            person=person,
        )
