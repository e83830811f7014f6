"""BML-MoVi, round F: people with 67 markers before two calibrated cameras.

``F_v3d_Subject_<n>.mat`` holds ``Subject_<n>_F.move.markerLocation`` (t, 87, 3) world millimetres,
120 a second: the markers, then 20 joints derived from them. ``F_<PG1|PG2>_Subject_<n>_L.avi`` are
30 a second. ``cameraParams_<camera>.npz`` and ``Extrinsics_<camera>.npz`` follow MATLAB: matrices
are transposed, the first pixel is 1.

Source: Ghorbani et al., "MoVi", PLOS ONE 2021.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample, examples_of_film
from vitruve.data.decoding.mat_file import read_nested
from vitruve.data.readers.release import (
    MM,
    check_pose,
    clean_joints,
    find,
    finite,
    make_camera,
    numbers,
)
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.npz_members import open_archive, read_member
from vitruve.skeletons import SKELETONS

NAME = "bml_movi"
SIZE_PX = (800, 600)
MOTION_FRAMES_PER_PICTURE = 4
MATLAB_PIXEL = 0.5
"""MATLAB's pixel positions less ours."""
_VIDEO = re.compile(r"F_(PG[12])_Subject_(\d+)_L")
_NUM_JOINTS = 87


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every video of a calibrated camera; there are no splits.

    Raises:
        FileNotFoundError: There is none.
    """
    videos = find(NAME, root, "**/F_PG[12]_Subject_*_L.avi")
    return [Part(root, v.stem) for v in videos] if split in (None, "") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every frame of a video that has motion; a missing marker is not valid.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    named = _VIDEO.fullmatch(part.name)
    if named is None:
        raise FileError(f"{part.name} is not F_<PG1|PG2>_Subject_<number>_L")
    camera_name, subject = named.groups()
    camera, R, t = _camera(part.root, camera_name)
    video = find(NAME, part.root, f"**/{part.name}.avi")[0]
    path = find(NAME, part.root, f"**/F_v3d_Subject_{subject}.mat")[0]
    markers = read_nested(path, f"Subject_{subject}_F", "move", "markerLocation")
    markers = numbers(path, "markerLocation", markers, (None, _NUM_JOINTS, 3)) * MM
    markers[(markers == 0).all(-1)] = np.nan
    yield from examples_of_film(
        part,
        video,
        SKELETONS["bml_movi_87"],
        camera,
        clean_joints(markers[::MOTION_FRAMES_PER_PICTURE] @ R.T + t),
        subject=subject,
    )


def _camera(root: Path, name: str) -> tuple[Camera, np.ndarray, np.ndarray]:
    lens_path = find(NAME, root, f"**/cameraParams_{name}.npz")[0]
    pose_path = find(NAME, root, f"**/Extrinsics_{name}.npz")[0]
    with open_archive(lens_path) as archive:
        K = finite(lens_path, "IntrinsicMatrix", read_member(archive, "IntrinsicMatrix"), (3, 3)).T
        radial = np.ravel(read_member(archive, "RadialDistortion"))
    with open_archive(pose_path) as archive:
        R = finite(pose_path, "rotationMatrix", read_member(archive, "rotationMatrix"), (3, 3)).T
        t = np.ravel(read_member(archive, "translationVector")) * MM
    R, t = check_pose(pose_path, R, t)
    K[:2, 2] -= MATLAB_PIXEL
    terms = [*radial[:2], 0.0, 0.0, *radial[2:3]]
    return make_camera(lens_path, K, SIZE_PX, distortion=terms, R_cam_world=R, t_cam_world=t), R, t
