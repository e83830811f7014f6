"""SPEC-SYN: people rendered into places, seen by cameras that pitch, roll and zoom.

``annotations/<train|test>.npz`` has a row for each person: ``imgname``; ``pose`` (72) and ``shape``
(10) of the neutral SMPL; ``openpose_gt`` (25, 3), pixels; ``S``, whose first twelve rows are limb
joints at their true size, metres; ``cam_int`` and ``cam_rotmat``, from a world with y down. Where
the person stands is not told: the body is put where its joints meet their pixels, at its true size.
People for whom there is no such place are left out.

Source: Kocabas et al., "SPEC: seeing people in the wild with an estimated camera", ICCV 2021;
format: posepile.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.boxes import picture_size_px
from vitruve.data.readers.find_camera import find_camera
from vitruve.data.readers.release import find, finite, make_camera, require, within
from vitruve.data.readers.smpl_fits import NUM_BETAS, fitted_joints, load_model
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.npz_members import open_archive, read_member
from vitruve.skeletons import SKELETONS

NAME = "spec"
MAX_ERROR = 0.1
"""A body that misses its pixels by more than this part of their spread has no place."""
_SHAPES: dict[str, tuple[int | None, ...]] = {
    "pose": (72,),
    "shape": (NUM_BETAS,),
    "S": (None, 4),
    "openpose_gt": (25, 3),
    "cam_int": (3, 3),
    "cam_rotmat": (3, 3),
}
"""Of the row of each person."""
_PIXELS_OF = (
    *("neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow"),
    *("left_wrist", "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee"),
    "left_ankle",
)
"""SMPL's joints that are rows 1 to 14 of OpenPose."""
_SIZE_OF = (
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist"),
)
"""The first rows of ``S``."""


def parts(root: Path, split: str | None = None) -> list[Part]:
    """The files of labels.

    Raises:
        FileNotFoundError: There is none.
    """
    files = find(NAME, root, "spec-syn/annotations/*.npz")
    return [Part(root, path.stem, path.stem) for path in files if split in (None, path.stem)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every person of a split.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    path = require(NAME, part.root / f"spec-syn/annotations/{part.name}.npz")
    names, rows = _read(path)
    body = load_model("smpl", require(NAME, part.root / "body_models/smpl/SMPL_NEUTRAL.pkl"))
    skeleton = SKELETONS["smpl_24"]
    pose, nowhere = rows["pose"].reshape(-1, 24, 3), np.zeros((len(names), 3))
    bodies, valid = fitted_joints(body, skeleton, pose, rows["shape"], nowhere)
    people: dict[str, int] = {}
    for number, name in enumerate(names):
        person = people[name] = people.get(name, -1) + 1
        own = {key: array[number] for key, array in rows.items()}
        joints_cam = _placed(bodies[number], own)
        if joints_cam is None:
            continue
        picture = within(path, part.root / "spec-syn", name)
        yield PictureExample(
            picture=picture,
            video_frame=None,
            skeleton=skeleton,
            valid=valid,
            joints_cam=joints_cam,
            keypoints_px=None,
            camera=_camera(path, picture, own),
            sequence=f"{part.name}/{name}",
            frame=0,
            split=part.split,
            person=person,
        )


def _camera(path: Path, picture: Path, own: dict[str, np.ndarray]) -> Camera:
    return make_camera(
        path,
        own["cam_int"],
        picture_size_px(picture),
        R_cam_world=own["cam_rotmat"],
        t_cam_world=np.zeros(3),
        up="-y",
    )


def _placed(body: np.ndarray, own: dict[str, np.ndarray]) -> np.ndarray | None:
    """A body's joints in the camera's frame, metres; None if there is no place for it."""
    names = SKELETONS["smpl_24"].names
    shown, pixels = body[[names.index(name) for name in _PIXELS_OF]], own["openpose_gt"][1:15, :2]
    try:
        found = find_camera(pixels, shown, own["cam_int"])
    except ValueError:
        return None
    if not found.error_px < MAX_ERROR * _spread(pixels):
        return None
    limbs = body[[names.index(name) for name in _SIZE_OF]]
    size = _spread(own["S"][: len(_SIZE_OF), :3]) / _spread(limbs)
    return found.see(body) * size


def _spread(points: np.ndarray) -> float:
    return float(np.sqrt(np.square(points - points.mean(0)).mean()))


def _read(path: Path) -> tuple[list[str], dict[str, np.ndarray]]:
    """Names of pictures, and the arrays of `_SHAPES`."""
    rows: dict[str, Any] = {}
    try:
        with open_archive(path) as archive:
            names = [str(name) for name in read_member(archive, "imgname", objects=True)]
            for key, shape in _SHAPES.items():
                rows[key] = finite(path, key, read_member(archive, key), (len(names), *shape))
    except KeyError as error:
        raise FileError(str(error.args[0])) from None
    if rows["S"].shape[1] < len(_SIZE_OF):
        raise FileError(f"{path}: S has {rows['S'].shape[1]} joints, expected 12 or more")
    return names, rows
