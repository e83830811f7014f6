"""TotalCapture: people with markers and inertial sensors before eight cameras, 60 frames a second.

``calibration.cal`` has seven lines for each camera: its size, ``fx fy cx cy``, one radial term,
three rows of the rotation, and the translation in metres. ``gt_skel_gbl_pos.txt`` has the joints'
names, then for each frame ``x y z`` in inches, joints parted by tabs (world y up).

Source: Trumble et al., "Total Capture", BMVC 2017; format: posepile.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Mask, Part, PictureExample, examples_of_film
from vitruve.data.readers.release import (
    check_pose,
    clean_joints,
    find,
    make_camera,
    numbers,
    require,
)
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.limits import read_text
from vitruve.skeletons import SKELETONS

NAME = "total_capture"
SIZE_PX = (1920, 1080)
INCH = 0.0254
MASK_ABOVE = 127.0
TEST_SUBJECTS, TEST_TAKES = ("4", "5"), ("walking2", "freestyle3", "acting3")
_VIDEO = re.compile(r"TC_[sS](\d)_([a-z]+\d)_cam(\d)", re.IGNORECASE)
_LINES = 7


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every video of a split: train or test.

    Raises:
        FileNotFoundError: There is none.
    """
    found = []
    for path in find(NAME, root, "video/**/*.mp4"):
        named = _VIDEO.fullmatch(path.stem)
        if named is None:
            continue
        test = named[1] in TEST_SUBJECTS or named[2] in TEST_TAKES
        name = path.relative_to(root / "video").with_suffix("").as_posix()
        found.append(Part(root, name, "test" if test else "train"))
    return [part for part in found if split in (None, part.split)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every frame of a video.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    named = _VIDEO.fullmatch(part.name.rpartition("/")[2])
    if named is None:
        raise FileError(f"{part.name} is not TC_S<n>_<take>_cam<n>")
    subject, take, number = named.groups()
    video = require(NAME, part.root / "video" / f"{part.name}.mp4")
    camera, R, t = _camera(require(NAME, part.root / "calibration.cal"), int(number))
    path = part.root / f"vicon/S{subject}/{take}/gt_skel_gbl_pos.txt"
    mattes = part.root / "mattes" / f"{part.name}.mp4"

    def mask(frame: int) -> Mask | None:
        return Mask(mattes, frame, above=MASK_ABOVE) if mattes.exists() else None

    yield from examples_of_film(
        part,
        video,
        SKELETONS["total_capture_21"],
        camera,
        clean_joints(_motion(require(NAME, path)) @ R.T + t),
        subject=f"S{subject}",
        masks=mask,
    )


def _camera(path: Path, number: int) -> tuple[Camera, np.ndarray, np.ndarray]:
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()][1:]
    of_one = lines[_LINES * (number - 1) : _LINES * number]
    if len(of_one) != _LINES:
        raise FileError(f"{path} has {len(lines) // _LINES} cameras, none is {number}")
    fx, fy, cx, cy = numbers(path, "fx fy cx cy", of_one[1], (4,))
    radial = numbers(path, "distortion", of_one[2][:1], (1,))
    R, t = check_pose(path, of_one[3:6], of_one[6])
    K = [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]
    camera = make_camera(
        path, K, SIZE_PX, distortion=[radial[0]], R_cam_world=R, t_cam_world=t, up="y"
    )
    return camera, R, t


def _motion(path: Path) -> np.ndarray:
    """(t, 21, 3) world metres."""
    lines = [line for line in read_text(path).splitlines()[1:] if line.strip()]
    rows = [[point.split() for point in line.split("\t") if point.strip()] for line in lines]
    joints = SKELETONS["total_capture_21"].num_joints
    return numbers(path, "its joints", rows, (None, joints, 3)) * INCH
