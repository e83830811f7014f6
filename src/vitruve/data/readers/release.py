"""What readers of official releases share: finding files, checking arrays, cameras of any axes.

Axes: t frames, j joints.
"""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from vitruve.data.datasets.cards import dataset_card
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.limits import check_file, clip

MAX_LABEL_BYTES = 8 * 2**30
"""Largest file of labels read; composed datasets keep all of theirs in one json."""
MM = 0.001
CM = 0.01
UP = {
    "z": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "y": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    "-y": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
}
"""A release's world, by its axis that points up, to ours with z up."""


def require(dataset: str, path: Path) -> Path:
    """A file or folder that a release must have.

    Raises:
        FileNotFoundError: It is missing; the message tells page and layout.
    """
    if not path.exists():
        card = dataset_card(dataset)
        layout = "; ".join(" ".join(line.split()) for line in card.layout.strip().splitlines())
        raise FileNotFoundError(
            f"{path} is missing: get {card.title} from {card.page}; expected is {layout}"
        )
    return path


def find(dataset: str, root: Path, pattern: str) -> list[Path]:
    """Files of a release, sorted.

    Raises:
        FileNotFoundError: There is none; the message tells page and layout.
    """
    found = sorted(root.glob(pattern))
    return found or [require(dataset, root / pattern)]


def read_json_file(path: Path) -> Any:
    """What a json file holds.

    Raises:
        FileError: It is damaged, empty, or too large.
        OSError: It does not exist or may not be read.
    """
    check_file(path, MAX_LABEL_BYTES)
    try:
        with path.open(encoding="utf-8") as file:
            return json.load(file)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is not JSON: {clip(str(error))}") from None


def read_npy(path: Path) -> np.ndarray:
    """The array of a ``.npy`` file; nothing is allocated on its word alone.

    Raises:
        FileError: It is damaged, empty, or holds objects.
        OSError: It does not exist or may not be read.
    """
    check_file(path, MAX_LABEL_BYTES)
    try:
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise FileError(f"{path} is no plain .npy file: {clip(str(error))}") from None


def field(path: Path, record: Any, *keys: str | int) -> Any:
    """``record[keys[0]][keys[1]]...``.

    Raises:
        FileError: There is no such field; the message lists what is there.
    """
    for depth, key in enumerate(keys):
        try:
            record = record[key]
        except (KeyError, IndexError, TypeError):
            there = f"; there are {clip(', '.join(map(str, record)))}" if record else ""
            at = ".".join(map(str, keys[: depth + 1]))
            raise FileError(f"{path} has no {at!r}{there}") from None
    return record


def within(path: Path, folder: Path, name: Any) -> Path:
    """A picture that labels name, inside a folder of the release.

    Raises:
        FileError: The name leads out of the folder.
    """
    named = PurePosixPath(str(name))
    if named.is_absolute() or ".." in named.parts:
        raise FileError(f"{path} names {clip(str(name))!r}, which is outside the release")
    return folder / named


def frame_number(path: Path, name: str) -> int:
    """The number that a file or folder is called by.

    Raises:
        FileError: The name is none.
    """
    if not name.isdecimal():
        raise FileError(f"{path} is called by no number: {name!r}, expected digits")
    return int(name)


def numbers(path: Path, name: str, value: Any, shape: Sequence[int | None]) -> np.ndarray:
    """An array of numbers with a known shape; None stands for any length.

    Raises:
        FileError: It has another shape, or is no array of numbers.
    """
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise FileError(f"{path}: {name} is no array of numbers: {clip(str(error))}") from None
    fits = array.ndim == len(shape) and all(
        e in (None, n) for n, e in zip(array.shape, shape, strict=True)
    )
    if not fits:
        expected = tuple("any" if n is None else n for n in shape)
        raise FileError(f"{path}: {name} has shape {array.shape}, expected {expected}")
    return array


def finite(path: Path, name: str, value: Any, shape: Sequence[int | None]) -> np.ndarray:
    """`numbers`, all of them finite.

    Raises:
        FileError: They are not.
    """
    array = numbers(path, name, value, shape)
    if not np.isfinite(array).all():
        raise FileError(f"{path}: {name} holds a number that is not finite")
    return array


def make_camera(
    path: Path,
    intrinsics: Any,
    size_px: tuple[int, int],
    *,
    distortion: Any = None,
    R_cam_world: Any = None,
    t_cam_world: Any = None,
    up: str = "z",
) -> Camera:
    """A camera of a release in house units.

    Args:
        path: Where it is from, for messages.
        intrinsics: (3, 3), pixels.
        size_px: Width, height.
        distortion: OpenCV terms, 4 to 12; shorter ones are filled up with zeros.
        R_cam_world: Rotation from the release's world to the camera.
        t_cam_world: Its translation, metres.
        up: The axis of the release's world that points up; a key of `UP`.

    Raises:
        FileError: Intrinsics are no pinhole's, the rotation is none, or a number is not finite.
    """
    K = finite(path, "intrinsics", intrinsics, (3, 3))
    lens = None if distortion is None else _lens(path, distortion)
    if min(K[0, 0], K[1, 1]) <= 1 or not np.allclose(K[2], (0, 0, 1)):
        raise FileError(f"{path}: intrinsics {K.tolist()} are no pinhole's in pixels")
    T_world_cam = None
    if R_cam_world is not None:
        R, t = check_pose(path, R_cam_world, t_cam_world)
        A = np.array(UP[up])
        T_world_cam = torch.eye(4)
        T_world_cam[:3, :3] = torch.from_numpy(A @ R.T)
        T_world_cam[:3, 3] = torch.from_numpy(-A @ R.T @ t)
    return Camera(torch.from_numpy(K).float(), size_px, lens, T_world_cam)


def _lens(path: Path, distortion: Any) -> torch.Tensor:
    terms = finite(path, "distortion", np.ravel(distortion), (None,))
    length = next((n for n in (5, 8, 12) if n >= len(terms)), None)
    if length is None:
        raise FileError(f"{path}: distortion has {len(terms)} terms, at most 12")
    return torch.from_numpy(np.pad(terms, (0, length - len(terms)))).float()


def check_pose(
    path: Path, R_cam_world: Any, t_cam_world: Any
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """A rotation and a translation from world to camera.

    Raises:
        FileError: The rotation is none, or a number is not finite.
    """
    R = finite(path, "rotation", R_cam_world, (3, 3))
    t = finite(path, "translation", np.ravel(t_cam_world), (3,))
    if not np.allclose(R @ R.T, np.eye(3), atol=1e-3) or np.linalg.det(R) < 0:
        raise FileError(f"{path}: {np.round(R, 4).tolist()} is no rotation from world to camera")
    return R, t


def clean_joints(
    joints: Float[np.ndarray, "*t j 3"],
) -> tuple[Float[np.ndarray, "*t j 3"], Bool[np.ndarray, "*t j"]]:
    """Joints without numbers that are not finite, and which were."""
    valid = np.asarray(np.isfinite(joints).all(-1))
    return np.where(valid[..., None], joints, 0.0), valid
