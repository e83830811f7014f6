"""Fit3D, HumanSC3D and CHI3D: people before four cameras, in the layout they share.

``<name>_info.json`` lists ``train_subj_names`` and ``subj_to_act``. ``joints3d_25`` are world
metres (z up). In ``camera_parameters`` ``extrinsics`` has R and the camera's centre T, and
``intrinsics_w_distortion`` has f, c, k (three radial terms) and p. CHI3D shows two people at a
time, whose joints have an axis more: first the one who wears markers, then the other.

Source: Fieraru et al., CVPR 2021, AAAI 2021 and CVPR 2020; format: posepile, and for two people
github.com/sminchisescu-research/imar_vision_datasets_tools.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample, examples_of_film
from vitruve.data.readers.release import (
    check_pose,
    clean_joints,
    field,
    finite,
    make_camera,
    numbers,
    read_json_file,
    require,
)
from vitruve.geometry.camera import Camera
from vitruve.skeletons import SKELETONS

SIZE_PX = (900, 900)
_NUM_JOINTS = 25
_PEOPLE = {"chi3d": 2}
"""How many there are in every frame, where it is more than one."""


def parts(name: str, root: Path, split: str | None = None) -> list[Part]:
    """Every video of the training set; the test set has no labels.

    Raises:
        FileNotFoundError: The list of subjects is missing.
        ValueError: It is of another layout.
    """
    path = require(name, root / f"{name}_info.json")
    info = read_json_file(path)
    if split not in (None, "train"):
        return []
    found = []
    for subject in field(path, info, "train_subj_names"):
        folders = (root / "train" / str(subject) / "videos").glob("*")
        cameras = sorted(folder.name for folder in folders if folder.is_dir())
        actions = field(path, info, "subj_to_act", subject)
        found += [Part(root, f"{subject}/{c}/{a}", "train") for a in actions for c in cameras]
    return found


def read(name: str, part: Part) -> Iterator[PictureExample]:
    """Every frame of a video.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    subject, camera_name, action = part.name.split("/")
    folder = part.root / "train" / subject
    video = require(name, folder / f"videos/{camera_name}/{action}.mp4")
    path = require(name, folder / f"camera_parameters/{camera_name}/{action}.json")
    camera, R, centre = _camera(path, read_json_file(path))
    path = require(name, folder / f"joints3d_25/{action}.json")
    joints = field(path, read_json_file(path), "joints3d_25")
    count = _PEOPLE.get(name, 1)
    shape = (None, _NUM_JOINTS, 3) if count == 1 else (count, None, _NUM_JOINTS, 3)
    joints = numbers(path, "joints3d_25", joints, shape).reshape(count, -1, _NUM_JOINTS, 3)
    films = [
        examples_of_film(
            part,
            video,
            SKELETONS["imar_25"],
            camera,
            clean_joints((one - centre) @ R.T),
            subject=subject if count == 1 else f"{subject}/{person}",
        )
        for person, one in enumerate(joints)
    ]
    for people in zip(*films, strict=True):
        yield from (replace(one, person=person) for person, one in enumerate(people))


def _camera(path: Path, stated: Any) -> tuple[Camera, np.ndarray, np.ndarray]:
    def row(key: str, length: int) -> np.ndarray:
        value = field(path, stated, "intrinsics_w_distortion", key)
        return finite(path, key, np.ravel(value), (length,))

    f, c, k, p = row("f", 2), row("c", 2), row("k", 3), row("p", 2)
    centre = finite(path, "T", np.ravel(field(path, stated, "extrinsics", "T")), (3,))
    R = np.array(field(path, stated, "extrinsics", "R"), dtype=np.float64)
    R, t = check_pose(path, R, -R @ centre)
    camera = make_camera(
        path,
        [[f[0], 0, c[0]], [0, f[1], c[1]], [0, 0, 1]],
        SIZE_PX,
        distortion=[k[0], k[1], p[0], p[1], k[2]],
        R_cam_world=R,
        t_cam_world=t,
    )
    return camera, R, centre
