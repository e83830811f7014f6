"""HUMBI's body session: snapshots of people in a dome of 107 cameras.

``body/intrinsic.txt`` and ``body/extrinsic.txt`` have three lines of heading; then for each camera
its number and a matrix, and its number, centre and rotation. ``keypoints.txt`` has 25 rows, metres.
SMPL joints, which need the body model, stay invalid.

Source: Yu et al., "HUMBI", CVPR 2020; format: posepile.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.openpose_fits import with_unknown_smpl
from vitruve.data.readers.release import check_pose, find, make_camera, numbers, require
from vitruve.geometry.camera import Camera
from vitruve.io.limits import read_text
from vitruve.skeletons import SKELETONS

NAME = "humbi"
SIZE_PX = (1920, 1080)
_PICTURE = re.compile(r"image(\d+)")
_HEADING = 3


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every subject; there are no splits.

    Raises:
        FileNotFoundError: There is none.
    """
    found = find(NAME, root, "subject_*/body/intrinsic.txt")
    return [Part(root, path.parents[1].name) for path in found] if split in (None, "") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every picture of every snapshot whose camera is calibrated.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    body = part.root / part.name / "body"
    cameras = _cameras(body)
    for path in sorted(body.glob("*/reconstruction/keypoints.txt")):
        snapshot = path.parents[1]
        rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
        world = numbers(path, "its joints", rows, (25, 3))
        for picture in sorted((snapshot / "image").glob("image*.jpg")):
            named = _PICTURE.fullmatch(picture.stem)
            if named is None or int(named[1]) not in cameras:
                continue
            camera, R, t = cameras[int(named[1])]
            joints, valid = with_unknown_smpl(
                world @ R.T + t, np.asarray(np.isfinite(world).all(1))
            )
            yield PictureExample(
                picture=picture,
                video_frame=None,
                skeleton=SKELETONS["humbi_49"],
                valid=valid,
                joints_cam=joints,
                keypoints_px=None,
                camera=camera,
                sequence=f"{part.name}/{named[1]}",
                frame=int(snapshot.name),
                subject=part.name,
            )


def _cameras(body: Path) -> dict[int, tuple[Camera, np.ndarray, np.ndarray]]:
    lenses = dict(_blocks(require(NAME, body / "intrinsic.txt"), 4))
    path = require(NAME, body / "extrinsic.txt")
    found = {}
    for number, rows in _blocks(path, 5):
        if number not in lenses:
            continue
        R = numbers(path, "rotation", rows[1:], (3, 3))
        R, t = check_pose(path, R, -R @ numbers(path, "centre", rows[0], (3,)))
        K = numbers(body / "intrinsic.txt", "intrinsics", lenses[number], (3, 3))
        camera = make_camera(path, K, SIZE_PX, R_cam_world=R, t_cam_world=t, up="-y")
        found[number] = camera, R, t
    return found


def _blocks(path: Path, lines: int) -> Iterator[tuple[int, list[list[str]]]]:
    rows = [line.split() for line in read_text(path).splitlines()[_HEADING:] if line.strip()]
    for start in range(0, len(rows) - lines + 1, lines):
        heading, *block = rows[start : start + lines]
        yield int(numbers(path, "a camera's number", heading[1:2], (1,))[0]), block
