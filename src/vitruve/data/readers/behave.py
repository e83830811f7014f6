"""BEHAVE: people with things before four Kinects.

``sequences/<sequence>/t<time>.000/k<n>.color.jpg`` are pictures, ``person/person_J3d.json`` has
``body_joints3d``, 25 rows of x, y, z (metres) and a score. ``info.json`` tells which calibration
holds: ``config.json`` has the rotation from camera to world and the camera's centre.
SMPL joints, which need the body model, stay invalid.

Source: Bhatnagar et al., "BEHAVE", CVPR 2022; format: its README, posepile.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.datasets.examples import Mask, Part, PictureExample
from vitruve.data.readers.openpose_fits import with_unknown_smpl
from vitruve.data.readers.release import (
    check_pose,
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
from vitruve.skeletons import SKELETONS

NAME = "behave"
SIZE_PX = (2048, 1536)
MASK_ABOVE = 127.0
_LENS = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every sequence of a split: train or test.

    Raises:
        FileNotFoundError: There is none.
    """
    infos = find(NAME, root, "sequences/*/info.json")
    path = require(NAME, root / "split.json")
    of = {name: s for s, names in read_json_file(path).items() for name in names}
    found = [Part(root, p.parent.name, of.get(p.parent.name, "")) for p in infos]
    return [part for part in found if split in (None, part.split)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every picture of every frame, camera after camera.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    folder = part.root / "sequences" / part.name
    info_path = folder / "info.json"
    info = read_json_file(info_path)
    snapshots = sorted(folder.glob("t*/person/person_J3d.json"))
    for kinect in field(info_path, info, "kinects"):
        camera, R, t = _camera(part.root, info_path, info, int(kinect))
        for frame, path in enumerate(snapshots):
            rows = field(path, read_json_file(path), "body_joints3d")
            given = numbers(path, "body_joints3d", np.ravel(rows), (100,)).reshape(25, 4)
            joints, valid = with_unknown_smpl(given[:, :3] @ R.T + t, given[:, 3] > 0)
            snapshot = path.parents[1]
            mask = snapshot / f"k{kinect}.person_mask.jpg"
            yield PictureExample(
                picture=snapshot / f"k{kinect}.color.jpg",
                video_frame=None,
                skeleton=SKELETONS["behave_49"],
                valid=valid,
                joints_cam=joints,
                keypoints_px=None,
                camera=camera,
                sequence=f"{part.name}/k{kinect}",
                frame=frame,
                split=part.split,
                subject=next((w for w in part.name.split("_") if w.startswith("Sub")), ""),
                mask=Mask(mask, above=MASK_ABOVE) if mask.exists() else None,
            )


def _camera(
    root: Path, info_path: Path, info: Any, kinect: int
) -> tuple[Camera, np.ndarray, np.ndarray]:
    # The folders that info.json names lie under calibs, wherever they were when it was written.
    def calibs(key: str) -> Path:
        stated = str(field(info_path, info, key)).replace("\\", "/")
        _, found, within = stated.rpartition("calibs/")
        if not found or ".." in within:
            raise FileError(f"{info_path}: {key} {stated!r} is no folder of calibs")
        return root / "calibs" / within

    path = require(NAME, calibs("config") / f"{kinect}/config.json")
    stated = read_json_file(path)
    R = finite(path, "rotation", np.ravel(field(path, stated, "rotation")), (9,)).reshape(3, 3).T
    centre = finite(path, "translation", field(path, stated, "translation"), (3,))
    R, t = check_pose(path, R, -R @ centre)
    path = require(NAME, calibs("intrinsic") / f"{kinect}/calibration.json")
    lens = field(path, read_json_file(path), "color")
    fx, fy, cx, cy, *terms = (
        float(field(path, lens, key)) for key in ("fx", "fy", "cx", "cy", *_LENS)
    )
    K = [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]
    camera = make_camera(path, K, SIZE_PX, distortion=terms, R_cam_world=R, t_cam_world=t, up="-y")
    return camera, R, t
