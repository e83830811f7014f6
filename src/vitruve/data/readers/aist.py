"""AIST++: dancers before nine cameras, annotated at 60 frames a second.

``keypoints3d/<sequence>.pkl`` holds ``keypoints3d_optim`` (t, 17, 3), COCO joints in world
centimetres (y up); neck and pelvis are added as the middles of shoulders and hips.
``cameras/mapping.txt`` names each sequence's setting, ``cameras/<setting>.json`` lists its cameras.

Source: Li et al., "AI choreographer", ICCV 2021; format: github.com/google/aistplusplus_api.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from vitruve.data.datasets.examples import Part, PictureExample, examples_of_film
from vitruve.data.readers.release import (
    CM,
    check_pose,
    clean_joints,
    field,
    find,
    finite,
    make_camera,
    numbers,
    read_json_file,
    require,
)
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.limits import read_text
from vitruve.io.restricted_pickle import read_pickle
from vitruve.skeletons import SKELETONS

NAME = "aist"
SPLITS = {"train": "pose_train", "val": "pose_val", "test": "pose_test"}
_ALL = "cAll"
"""Stands in a sequence's name where a video's has its camera."""


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every video whose sequence is not on the list of wrong ones.

    Raises:
        FileNotFoundError: There are no videos, no annotations, or no splits.
    """
    videos = find(NAME, root, "videos/*_c[0-9][0-9]_*.mp4")
    ignored = set(read_text(require(NAME, root / "ignore_list.txt")).split())
    of = {
        sequence: name
        for name, file in SPLITS.items()
        for sequence in read_text(require(NAME, root / f"splits/{file}.txt")).split()
    }
    found = [Part(root, v.stem, of.get(_sequence(v.stem)[0], "")) for v in videos]
    return [p for p in found if _sequence(p.name)[0] not in ignored and split in (None, p.split)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every frame of a video.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged, hostile, or of another layout.
    """
    sequence, camera_name = _sequence(part.name)
    camera, R, t = _camera(part.root, sequence, camera_name)
    joints = _motion(require(NAME, part.root / f"keypoints3d/{sequence}.pkl"))
    yield from examples_of_film(
        part,
        part.root / "videos" / f"{part.name}.mp4",
        SKELETONS["aist_19"],
        camera,
        clean_joints(joints @ R.T + t),
        subject="_".join(word for word in part.name.split("_") if word.startswith("d")),
    )


def _pairs(path: Path) -> dict[str, str]:
    """Two words in each line, as a dict.

    Raises:
        FileNotFoundError: There is no such file.
        FileError: A line has not two words.
    """
    lines = [line.split() for line in read_text(require(NAME, path)).splitlines() if line.strip()]
    if odd := [line for line in lines if len(line) != 2]:
        raise FileError(f"{path}: {' '.join(odd[0])!r} is not a sequence and its setting")
    return {sequence: setting for sequence, setting in lines}


def _sequence(video: str) -> tuple[str, str]:
    """Name of the sequence, name of the camera."""
    words = video.split("_")
    at = next(i for i, w in enumerate(words) if len(w) == 3 and w[0] == "c" and w[1:].isdigit())
    return "_".join([*words[:at], _ALL, *words[at + 1 :]]), words[at]


def _camera(root: Path, sequence: str, name: str) -> tuple[Camera, np.ndarray, np.ndarray]:
    settings = _pairs(root / "cameras/mapping.txt")
    if sequence not in settings:
        raise FileError(f"{root / 'cameras/mapping.txt'} does not name {sequence}")
    path = require(NAME, root / f"cameras/{settings[sequence]}.json")
    entry = next((e for e in read_json_file(path) if field(path, e, "name") == name), None)
    if entry is None:
        raise FileError(f"{path} has no camera {name!r}")
    turn = finite(path, "rotation", field(path, entry, "rotation"), (3,))
    shift = finite(path, "translation", field(path, entry, "translation"), (3,)) * CM
    R, t = check_pose(path, Rotation.from_rotvec(turn).as_matrix(), shift)
    width, height = finite(path, "size", field(path, entry, "size"), (2,))
    camera = make_camera(
        path,
        field(path, entry, "matrix"),
        (int(width), int(height)),
        distortion=field(path, entry, "distortions"),
        R_cam_world=R,
        t_cam_world=t,
        up="y",
    )
    return camera, R, t


def _motion(path: Path) -> np.ndarray:
    """(t, 19, 3) world metres."""
    joints = field(path, read_pickle(path), "keypoints3d_optim")
    joints = numbers(path, "keypoints3d_optim", joints, (None, 17, 3)) * CM
    names = SKELETONS["aist_19"].names
    middles = [
        joints[:, [names.index(f"{side}_{joint}") for side in ("left", "right")]].mean(1)
        for joint in ("shoulder", "hip")
    ]
    return np.concatenate([joints, np.stack(middles, axis=1)], axis=1)
