"""MPI-INF-3DHP's training set as released: eight people before fourteen studio cameras.

``S<n>/Seq<n>/annot.mat`` holds ``annot3``, a cell of (t, 84) camera-frame millimetres for each
camera: 28 joints of the person's own size. ``camera.calibration`` is a text with ``intrinsic`` and
``extrinsic``, 16 numbers each, for each camera.

Source: Mehta et al., "Monocular 3D human pose estimation in the wild using improved CNN
supervision", 3DV 2017, https://arxiv.org/abs/1611.09813.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Mask, Part, PictureExample, examples_of_film
from vitruve.data.decoding.mat_file import read_cells
from vitruve.data.readers.release import MM, clean_joints, find, make_camera, numbers, require
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.limits import read_text
from vitruve.skeletons import SKELETONS

NAME = "mpi_inf_3dhp"
SIZE_PX = (2048, 2048)
MASK_ABOVE = 32.0
"""Masks come as compressed video: nearly black is background."""
_CAMERA = re.compile(
    r"name\s+(?P<name>\d+).*?intrinsic\s+(?P<intrinsic>[^a-z]+?)\s*extrinsic\s+(?P<extrinsic>[^a-z]+)",
    re.DOTALL,
)
_NUM_JOINTS = 28


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every video of the training set.

    Raises:
        FileNotFoundError: There is none.
    """
    videos = find(NAME, root, "S[1-8]/Seq[12]/imageSequence/video_*.avi")
    if split not in (None, "train"):
        return []
    return [
        Part(root, f"{v.parents[2].name}/{v.parents[1].name}/{v.stem}", "train") for v in videos
    ]


def read(part: Part) -> Iterator[PictureExample]:
    """Every annotated frame of a video.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    subject, sequence, video_name = part.name.split("/")
    folder = part.root / subject / sequence
    number = int(video_name.removeprefix("video_"))
    video = require(NAME, folder / "imageSequence" / f"{video_name}.avi")
    camera = read_calibration(require(NAME, folder / "camera.calibration"), number)
    path = require(NAME, folder / "annot.mat")
    cells = read_cells(path, "annot3")
    if number >= len(cells):
        raise FileError(f"{path}: annot3 has {len(cells)} cameras, none is {number}")
    joints = numbers(path, f"annot3[{number}]", cells[number], (None, 3 * _NUM_JOINTS))
    masks = folder / "FGmasks" / video.name

    def mask(frame: int) -> Mask | None:
        return Mask(masks, frame, above=MASK_ABOVE) if masks.exists() else None

    yield from examples_of_film(
        part,
        video,
        SKELETONS["mpi_inf_3dhp_28"],
        camera,
        clean_joints(joints.reshape(-1, _NUM_JOINTS, 3) * MM),
        subject=subject,
        masks=mask,
    )


def read_calibration(path: Path, number: int) -> Camera:
    """One camera of a ``camera.calibration``.

    Raises:
        ValueError: There is no such camera, or its numbers are none of a camera.
    """
    found = {int(m["name"]): m for m in _CAMERA.finditer(read_text(path))}
    if number not in found:
        raise FileError(f"{path} has no camera {number}; it has {sorted(found)}")
    K, T = (_matrix(path, found[number][key]) for key in ("intrinsic", "extrinsic"))
    return make_camera(
        path, K[:3, :3], SIZE_PX, R_cam_world=T[:3, :3], t_cam_world=T[:3, 3] * MM, up="y"
    )


def _matrix(path: Path, text: str) -> np.ndarray:
    return numbers(path, "a camera's matrix", text.split(), (16,)).reshape(4, 4)
