"""MADS: martial arts, dance and sports before three cameras.

``multi_view_data/<discipline>/<clip>_GT.mat`` holds ``GTpose2``, a cell of (15, 3) or (19, 3) world
millimetres (y up) for each frame, NaN where there is no truth; the 15 lack hands and toes.
``Calib_Cam<n>.mat`` holds ``KK``, ``kc``, ``om_ext`` (rotation vector) and ``T_ext``.

Source: Zhang et al., "Martial arts, dancing and sports dataset", IVC 2017; format: posepile.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.decoding.mat_file import read_cells, read_mat
from vitruve.data.readers.release import (
    MM,
    check_pose,
    clean_joints,
    find,
    finite,
    make_camera,
    numbers,
    require,
)
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.video import probe
from vitruve.skeletons import SKELETONS

NAME = "mads"
_FEW = 15


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every video; there are no splits.

    Raises:
        FileNotFoundError: There is none.
    """
    videos = find(NAME, root, "multi_view_data/*/*_C[0-2].avi")
    return [Part(root, f"{v.parent.name}/{v.stem}") for v in videos] if split in (None, "") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every frame of a video that has truth.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    discipline, _, stem = part.name.partition("/")
    folder = part.root / "multi_view_data" / discipline
    clip, _, number = stem.rpartition("_C")
    video = require(NAME, folder / f"{stem}.avi")
    camera, R, t = _camera(require(NAME, folder / f"Calib_Cam{number}.mat"), video)
    truth = require(NAME, folder / f"{clip}_GT.mat")
    for frame, cell in enumerate(read_cells(truth, "GTpose2")):
        joints_cam, valid = clean_joints(_pose(truth, cell) @ R.T + t)
        if not valid.any():
            continue
        yield PictureExample(
            picture=video,
            video_frame=frame,
            skeleton=SKELETONS["mads_19"],
            valid=valid,
            joints_cam=joints_cam,
            keypoints_px=None,
            camera=camera,
            sequence=part.name,
            frame=frame,
        )


def _pose(path: Path, cell: np.ndarray) -> np.ndarray:
    """(19, 3) world metres; NaN where a joint is missing."""
    skeleton = SKELETONS["mads_19"]
    given = numbers(path, "GTpose2", cell, (None, 3)) * MM
    if len(given) == skeleton.num_joints:
        return given
    if len(given) != _FEW:
        raise FileError(f"{path}: a pose has {len(given)} joints, expected 15 or 19")
    few = [i for i, n in enumerate(skeleton.names) if not n.endswith(("toe", "hand"))]
    pose = np.full((skeleton.num_joints, 3), np.nan)
    pose[few] = given
    return pose


def _camera(path: Path, video: Path) -> tuple[Camera, np.ndarray, np.ndarray]:
    # Axes come reversed.
    arrays = read_mat(path, ("KK", "kc", "om_ext", "T_ext"))
    turn = finite(path, "om_ext", arrays["om_ext"].ravel(), (3,))
    shift = finite(path, "T_ext", arrays["T_ext"].ravel(), (3,)) * MM
    R, t = check_pose(path, Rotation.from_rotvec(turn).as_matrix(), shift)
    camera = make_camera(
        path,
        arrays["KK"].T,
        probe(video).image_size_px,
        distortion=arrays["kc"],
        R_cam_world=R,
        t_cam_world=t,
        up="y",
    )
    return camera, R, t
