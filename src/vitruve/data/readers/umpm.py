"""UMPM: up to four people with markers before four cameras.

``<sequence>.json`` names its calibration, ``Calib/<calibration>_<f|s|r|l>.ini``: three lines of
intrinsics, then four terms of distortion, a rotation vector, and a translation in millimetres.
``Groundtruth/<sequence>_vm.c3d`` has 15 points for each person, world millimetres (z up), at twice
the rate of ``Video/<sequence>_<f|s|r|l>.avi``.

Source: van der Aa et al., ICCV workshops 2011; format: posepile.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from vitruve.data.datasets.examples import Part, PictureExample, examples_of_film
from vitruve.data.readers.release import (
    MM,
    check_pose,
    clean_joints,
    field,
    find,
    finite,
    make_camera,
    numbers,
    require,
)
from vitruve.geometry.camera import Camera
from vitruve.io.c3d_parameters import parse_c3d
from vitruve.io.errors import FileError
from vitruve.io.limits import clip, read_bytes, read_text
from vitruve.io.video import probe
from vitruve.skeletons import SKELETONS

NAME = "umpm"
CAMERAS = ("f", "s", "r", "l")
MOTION_FRAMES_PER_PICTURE = 2
BROKEN = {"p2_free_1": "calib_n27", "p3_circle_2": "calib_l06"}
"""Sequences whose json is broken in the release, and their calibration."""
UNKNOWN = ("p2_free_2",)
"""Broken likewise, and with no calibration known."""
_NUM_POINTS = 15
_LINES = (3, 3, 3, 4, 3, 3)
"""Numbers in each line of a calibration."""
_SUFFIX = "_vm"


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every video whose motion and calibration are known; there are no splits.

    Raises:
        FileNotFoundError: There is no motion.
    """
    motions = find(NAME, root, f"Groundtruth/*{_SUFFIX}.c3d")
    sequences = [path.stem.removesuffix(_SUFFIX) for path in motions]
    known = [f"{s}_{camera}" for s in sequences if s not in UNKNOWN for camera in CAMERAS]
    there = [name for name in known if (root / f"Video/{name}.avi").exists()]
    return [Part(root, name) for name in there] if split in (None, "") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every person in every frame of a video.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    sequence, _, camera_name = part.name.rpartition("_")
    video = require(NAME, part.root / f"Video/{part.name}.avi")
    calibration = part.root / f"Calib/{_calibration(part.root, sequence)}_{camera_name}.ini"
    camera, R, t = _camera(require(NAME, calibration), video)
    people = _motion(require(NAME, part.root / f"Groundtruth/{sequence}{_SUFFIX}.c3d"))
    films = [
        examples_of_film(
            part,
            video,
            SKELETONS["umpm_15"],
            camera,
            clean_joints(world @ R.T + t),
            subject=f"{sequence}/{person}",
        )
        for person, world in enumerate(people)
    ]
    for together in zip(*films, strict=True):
        yield from (replace(one, person=person) for person, one in enumerate(together))


def _calibration(root: Path, sequence: str) -> str:
    if sequence in BROKEN:
        return BROKEN[sequence]
    path = require(NAME, root / f"{sequence}.json")
    # The release's files end their last entry with a comma, which JSON has not.
    text = re.sub(r",(\s*})", r"\1", read_text(path))
    try:
        said = str(field(path, json.loads(text), "calib"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise FileError(f"{path} is not JSON: {clip(str(error))}") from None
    if not re.fullmatch(r"\w+", said):
        raise FileError(f"{path}: calib {clip(said)!r} is no name of a calibration")
    return said


def _motion(path: Path) -> list[np.ndarray]:
    """(t, 15, 3) world metres of each person, a frame for each of the video."""
    points = parse_c3d(path, read_bytes(path))
    joints = numbers(path, "its points", points.xyz, (None, None, 3)) * MM
    joints[points.residual < 0] = np.nan
    people, more = divmod(joints.shape[1], _NUM_POINTS)
    if more or not people:
        raise FileError(f"{path} has {joints.shape[1]} points, expected 15 for each person")
    return np.split(joints[::MOTION_FRAMES_PER_PICTURE], people, axis=1)


def _camera(path: Path, video: Path) -> tuple[Camera, np.ndarray, np.ndarray]:
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
    if tuple(map(len, lines)) != _LINES:
        raise FileError(
            f"{path} has lines of {', '.join(map(str, map(len, lines[:9])))} numbers, expected "
            f"{', '.join(map(str, _LINES))}"
        )
    K, lens, turn = lines[:3], lines[3], finite(path, "rotation vector", lines[4], (3,))
    shift = finite(path, "translation", lines[5], (3,)) * MM
    R, t = check_pose(path, Rotation.from_rotvec(turn).as_matrix(), shift)
    size = probe(video).image_size_px
    camera = make_camera(path, K, size, distortion=lens, R_cam_world=R, t_cam_world=t)
    return camera, R, t
