"""CMU-Panoptic: many people in a dome of 31 HD cameras, 29.97 frames a second.

``hdPose3d_stage1_coco19/body3DScene_<frame>.json`` lists ``bodies`` with ``joints19``: x, y, z in
world centimetres (y down) and a confidence for each joint. ``calibration_<sequence>.json`` lists
``cameras``.

Source: Joo et al., "Panoptic Studio", TPAMI 2017; format: README of the PanopticStudio Toolbox.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
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
from vitruve.skeletons import SKELETONS

NAME = "panoptic"
MIN_CONFIDENCE = 0.1
"""Joints at or below are guesses."""
_SCENE = re.compile(r"body3DScene_(\d{8})\.json")
_NUM_JOINTS = 19


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every HD video, or folder of its pictures, of every sequence; there are no splits.

    Raises:
        FileNotFoundError: There is none.
    """
    calibrations = find(NAME, root, "*/calibration_*.json")
    if split not in (None, ""):
        return []
    found = set()
    for folder in (path.parent for path in calibrations):
        found |= {(folder.name, v.stem[3:]) for v in (folder / "hdVideos").glob("hd_*_*.mp4")}
        found |= {(folder.name, p.name) for p in (folder / "hdImgs").glob("*_*")}
    return [Part(root, f"{sequence}/{camera}") for sequence, camera in sorted(found)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every body of every frame.

    Raises:
        FileNotFoundError: Calibration or poses are missing.
        ValueError: A file is damaged or of another layout.
    """
    sequence, _, name = part.name.partition("/")
    folder = part.root / sequence
    camera, R, t = _camera(folder / f"calibration_{sequence}.json", name)
    poses = folder / "hdPose3d_stage1_coco19"
    poses = poses / "hd" if (poses / "hd").is_dir() else poses
    pictures = folder / "hdImgs" / name
    for path in find(NAME, poses, "body3DScene_*.json"):
        frame = _frame(path)
        picture, video_frame = pictures / f"{name}_{frame:08d}.jpg", None
        if not pictures.is_dir():
            picture, video_frame = folder / "hdVideos" / f"hd_{name}.mp4", frame
        for body in field(path, read_json_file(path), "bodies"):
            joints, confidence = _body(path, body)
            joints_cam, valid = clean_joints(joints @ R.T + t)
            yield PictureExample(
                picture=picture,
                video_frame=video_frame,
                skeleton=SKELETONS["panoptic_19"],
                valid=valid & (confidence > MIN_CONFIDENCE),
                joints_cam=joints_cam,
                keypoints_px=None,
                camera=camera,
                sequence=part.name,
                frame=frame,
                person=int(field(path, body, "id")),
            )


def _frame(path: Path) -> int:
    named = _SCENE.fullmatch(path.name)
    if named is None:
        raise FileError(f"{path}: the name tells no frame; expected body3DScene_<8 digits>.json")
    return int(named[1])


def _body(path: Path, body: object) -> tuple[np.ndarray, np.ndarray]:
    values = numbers(path, "joints19", field(path, body, "joints19"), (4 * _NUM_JOINTS,))
    values = values.reshape(_NUM_JOINTS, 4)
    return values[:, :3] * CM, values[:, 3]


def _camera(path: Path, name: str) -> tuple[Camera, np.ndarray, np.ndarray]:
    cameras = field(path, read_json_file(require(NAME, path)), "cameras")
    entry = next((c for c in cameras if c.get("name") == name), None)
    if entry is None:
        raise FileError(f"{path} has no camera {name!r}")
    width, height = finite(path, "resolution", field(path, entry, "resolution"), (2,))
    t = finite(path, "t", np.ravel(field(path, entry, "t")), (3,)) * CM
    R, t = check_pose(path, field(path, entry, "R"), t)
    camera = make_camera(
        path,
        field(path, entry, "K"),
        (int(width), int(height)),
        distortion=field(path, entry, "distCoef"),
        R_cam_world=R,
        t_cam_world=t,
        up="-y",
    )
    return camera, R, t
