"""HUMAN4D: people with markers before four RealSense cameras that stand on their side.

``<subject>/<time>/Dump/color/<frame>_<device>_color_<n>.png`` are pictures of 1280 x 720.
``Dump/gposes3d/<n>.npy`` (1, 33, 3) are world millimetres; each take's ``offsets.txt`` says by how
much, less one, the number of a picture is larger. ``pose/<device>.extrinsics`` has three rows of
the rotation and the place of a depth camera in the world; ``device_repository.json`` the intrinsics
of its colour camera, whose place in the depth camera's frame it tells too, in metres.

Source: Chatzitofis et al., IEEE Access 2020; format: github.com/tofis/human4d_dataset (MIT),
posepile.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.release import (
    MM,
    check_pose,
    clean_joints,
    field,
    find,
    make_camera,
    numbers,
    read_json_file,
    read_npy,
    require,
)
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.limits import clip, read_text
from vitruve.skeletons import SKELETONS

NAME = "human4d"
SIZE_PX = (1280, 720)
REPEATED = 15
"""The sixteenth of the 33 joints is the neck once more."""
_NUM_POINTS = 33


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every take of every camera whose place is known; there are no splits.

    Raises:
        FileNotFoundError: There are no pictures.
    """
    takes = [path.parents[1] for path in find(NAME, root, "S*/*/Dump/color")]
    found = [
        Part(root, f"{take.parent.name}/{take.name}/{path.stem}")
        for take in takes
        for path in sorted((take.parent / "pose").glob("*.extrinsics"))
    ]
    return found if split in (None, "") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every picture of a take that has motion.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    subject, take, device = part.name.split("/")
    folder = part.root / subject
    camera, R, t = _camera(part.root, subject, device)
    later = _offset(require(NAME, folder / "offsets.txt"), take) - 1
    named = re.compile(rf"(\d+)_{re.escape(device)}_.*")
    pictures = (folder / take / "Dump/color").glob(f"*_{device}_*.png")
    by_frame = {int(m[1]): path for path in pictures if (m := named.fullmatch(path.stem))}
    for frame, picture in sorted(by_frame.items()):
        path = folder / take / f"Dump/gposes3d/{frame - later}.npy"
        if not path.exists():
            continue
        points = numbers(path, "its joints", read_npy(path), (1, _NUM_POINTS, 3))[0] * MM
        joints_cam, valid = clean_joints(np.delete(points, REPEATED, axis=0) @ R.T + t)
        yield PictureExample(
            picture=picture,
            video_frame=None,
            skeleton=SKELETONS["human4d_32"],
            valid=valid,
            joints_cam=joints_cam,
            keypoints_px=None,
            camera=camera,
            sequence=part.name,
            frame=frame,
            subject=subject,
        )


def _camera(root: Path, subject: str, device: str) -> tuple[Camera, np.ndarray, np.ndarray]:
    """A colour camera, and the rotation and translation from the world to it."""
    path = root / subject / f"pose/{device}.extrinsics"
    rows = [line.split() for line in read_text(require(NAME, path)).splitlines() if line.strip()]
    place = numbers(path, "its rows", rows, (4, 3))
    R, t = check_pose(path, place[:3].T, -place[:3].T @ place[3] * MM)
    path = root / subject / "device_repository.json"
    path = require(NAME, path if path.exists() else root / path.name)
    own = _device(path, device)
    turn = numbers(path, "rotation", np.ravel(field(path, own, "Color Depth Rotation")), (9,))
    shift = np.ravel(field(path, own, "Color Depth Translation"))
    turn, shift = check_pose(path, turn.reshape(3, 3), shift)
    R, t = turn.T @ R, turn.T @ (t - shift)
    K = field(path, own, "Color Intrinsics", 0, "1280x720")
    return (
        make_camera(path, np.reshape(numbers(path, "intrinsics", K, (9,)), (3, 3)), SIZE_PX),
        R,
        t,
    )


def _device(path: Path, name: str) -> Any:
    for device in read_json_file(path):
        if field(path, device, "Device") == name:
            return device
    raise FileError(f"{path} has no device {name!r}")


def _offset(path: Path, take: str) -> int:
    for line in read_text(path).splitlines():
        words = line.split("\t")
        if words[0] == take:
            if len(words) > 1 and words[1].strip().isdecimal():
                return int(words[1])
            raise FileError(f"{path}: {clip(line)!r} is not a take and its offsets, parted by tabs")
    raise FileError(f"{path} has no offset of take {take}")
