"""Berkeley MHAD: people with 43 markers before twelve cameras in four clusters, and two Kinects.

``Mocap/OpticalData/moc_<take>.c3d`` are millimetres; to get the cameras' world (y up), x turns its
sign, y and z change places. The third column of ``Correspondences/corr_moc_*_<take>.txt`` is the
frame of the motion for each picture. ``RwTw_<device>.txt`` takes the world to a device, and
``PosRel`` of each camera in ``camcfg_<device>.yml``, a shift and a rotation vector, the device to
it. Pictures of the clusters are raw mosaics (.pgm), or .jpg that somebody made of them.

Source: Ofli et al., "Berkeley MHAD", WACV 2013; format: posepile.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.boxes import picture_size_px
from vitruve.data.readers.release import (
    MM,
    check_pose,
    clean_joints,
    finite,
    frame_number,
    make_camera,
    numbers,
    require,
)
from vitruve.geometry.camera import Camera
from vitruve.io.c3d_parameters import parse_c3d
from vitruve.io.errors import FileError
from vitruve.io.limits import read_bytes, read_text
from vitruve.skeletons import SKELETONS

NAME = "berkeley_mhad"
RAW, MOSAIC = ".pgm", "grbg"
"""How raw pictures end, and the colours of their first four pixels."""
WORLD_MOTION = np.array([[-1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
"""Turns the motion's axes into those of the cameras' world."""
FOLDERS = ("Camera/Cluster*/Cam*/S*/A*/R*", "Kinect/Kin*/S*/A*/R*")
_FOLDER = re.compile(
    r"(?:Camera/Cluster(?P<cluster>\d\d)/Cam(?P<camera>\d\d)|Kinect/Kin(?P<kinect>\d\d))"
    r"/S(?P<subject>\d\d)/A(?P<action>\d\d)/R(?P<take>\d\d)"
)
_COLUMNS = 3
_NUMBER = r"[-+.\deE]+"
_POSE = re.compile(rf"Rw=((?:\s*{_NUMBER}){{9}})\s+Tw=((?:\s*{_NUMBER}){{3}})\s*")


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every take of every camera whose motion is there; there are no splits.

    Raises:
        FileNotFoundError: There are no pictures.
    """
    folders = [folder for pattern in FOLDERS for folder in sorted(root.glob(pattern))]
    if not folders:
        require(NAME, root / FOLDERS[0])
    names = [folder.relative_to(root).as_posix() for folder in folders]
    known = [name for name in names if (m := _FOLDER.fullmatch(name)) and _motion(root, m).exists()]
    return [Part(root, name) for name in known] if split in (None, "") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every picture of a take.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    named = _FOLDER.fullmatch(part.name)
    if named is None:
        raise FileError(f"{part.name} is no folder of a camera's take: expected {FOLDERS}")
    pictures = _pictures(part.root / part.name)
    first = next(iter(pictures.values()))
    camera, R, t = _camera(part.root / "Calibration", named, picture_size_px(first))
    motion = _motion(part.root, named)
    joints_cam, valid = clean_joints(_markers(motion) @ R.T + t)
    path = require(NAME, _correspondences(part.root, named))
    for frame, at in _motion_frames(path, pictures):
        if at >= len(joints_cam):
            raise FileError(f"{path} names frame {at} of a motion of {len(joints_cam)}")
        yield PictureExample(
            picture=pictures[frame],
            video_frame=None,
            skeleton=SKELETONS["berkeley_mhad_43"],
            valid=valid[at],
            joints_cam=joints_cam[at],
            keypoints_px=None,
            camera=camera,
            sequence=part.name,
            frame=frame,
            subject=f"S{named['subject']}",
            mosaic=MOSAIC if pictures[frame].suffix == RAW else "",
        )


def _pictures(folder: Path) -> dict[int, Path]:
    """By frame; what was made of a raw picture stands for it."""
    found = {}
    for suffix in (RAW, ".ppm", ".jpg"):
        for path in sorted(folder.glob(f"*{suffix}")):
            found[frame_number(path, path.stem.rpartition("_")[2])] = path
    if not found:
        raise FileNotFoundError(f"{folder} holds no pictures: expected .pgm, .ppm or .jpg")
    return dict(sorted(found.items()))


def _take(named: re.Match[str]) -> str:
    return f"s{named['subject']}_a{named['action']}_r{named['take']}"


def _motion(root: Path, named: re.Match[str]) -> Path:
    return root / f"Mocap/OpticalData/moc_{_take(named)}.c3d"


def _correspondences(root: Path, named: re.Match[str]) -> Path:
    kinect = named["kinect"]
    folder, device = ("Kinect", f"kin{kinect}") if kinect else ("Camera", "img")
    return root / f"{folder}/Correspondences/corr_moc_{device}_{_take(named)}.txt"


def _motion_frames(path: Path, pictures: dict[int, Path]) -> Iterator[tuple[int, int]]:
    """Each picture's frame and that of the motion."""
    lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
    if min(map(len, lines)) < _COLUMNS:
        raise FileError(f"{path} has lines of {min(map(len, lines))} numbers, expected 3 or more")
    column = finite(path, "its third column", [line[2] for line in lines], (None,))
    for frame in pictures:
        if frame >= len(column) or column[frame] < 0:
            raise FileError(f"{path} has no frame of the motion for picture {frame}")
        yield frame, int(column[frame])


def _markers(path: Path) -> np.ndarray:
    """(t, 43, 3) metres in the cameras' world; NaN where a marker is missing."""
    points = parse_c3d(path, read_bytes(path))
    count = SKELETONS["berkeley_mhad_43"].num_joints
    markers = numbers(path, "its points", points.xyz, (None, count, 3)) * MM
    markers[points.residual < 0] = np.nan
    return markers @ WORLD_MOTION.T


def _camera(
    folder: Path, named: re.Match[str], size_px: tuple[int, int]
) -> tuple[Camera, np.ndarray, np.ndarray]:
    device = f"k{named['kinect']}" if named["kinect"] else f"l{named['cluster']}"
    path = require(NAME, folder / f"RwTw_{device}.txt")
    said = _POSE.fullmatch(read_text(path).strip())
    if said is None:
        raise FileError(f"{path} is not Rw= and 9 numbers, then Tw= and 3")
    R_device, t_device = check_pose(
        path,
        finite(path, "Rw", said[1].split(), (9,)).reshape(3, 3),
        finite(path, "Tw", said[2].split(), (3,)) * MM,
    )
    path = require(NAME, folder / f"camcfg_{device}.yml")
    values = _settings(path, int(named["camera"] or 1))
    own = Rotation.from_rotvec(values("PosRel", 6)[3:]).as_matrix()
    R, t = check_pose(path, own @ R_device, own @ t_device + values("PosRel", 6)[:3] * MM)
    K, lens = values("K", 9).reshape(3, 3), values("Dist", 4)
    camera = make_camera(path, K, size_px, distortion=lens, R_cam_world=R, t_cam_world=t, up="y")
    return camera, R, t


def _settings(path: Path, camera: int) -> Callable[[str, int], np.ndarray]:
    """Matrices of one camera in a file of OpenCV's, by name and how many numbers they have."""
    text = read_text(path)
    own = re.search(rf"^\s*Camera_{camera}:(.*?)(?=^\s*Camera_|\Z)", text, re.DOTALL | re.MULTILINE)
    if own is None:
        raise FileError(f"{path} has no Camera_{camera}")

    def values(name: str, count: int) -> np.ndarray:
        said = re.search(rf"\b{name}:[^\[]*?data:\s*\[([^\]]*)\]", own[1])
        if said is None:
            raise FileError(f"{path}: Camera_{camera} has no matrix {name}")
        return finite(path, name, said[1].replace(",", " ").split(), (count,))

    return values
