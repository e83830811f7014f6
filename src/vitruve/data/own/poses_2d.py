"""2D poses of other people in other pictures, as one file that an objective draws from.

Axes: n poses, j joints.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.motion import keypoint_files
from vitruve.io.archive import load_npz
from vitruve.io.atomic import atomic_path
from vitruve.io.errors import FileError
from vitruve.skeletons import Skeleton, conversion

POINTS, NAMES = "points", "names"
"""Arrays of the file: (n, j, 2), pixels, y down, in any place and of any size; and their joints."""
MOST = 20_000
"""Poses that are kept, evenly spread."""


def write_poses_2d(source: Path, skeleton: Skeleton, out: Path) -> int:
    """Write every pose of some 2D keypoint files that has all joints of a format.

    Args:
        source: A file, or a folder of files, as `data.motion.keypoint_files` reads them.
        skeleton: The format.
        out: The file.

    Returns:
        How many poses were written.

    Raises:
        FileNotFoundError: There are no keypoint files.
        FileError: A file is damaged, or no pose has all joints.
        OSError: The file cannot be written.
    """
    found = []
    for sequence in keypoint_files.read(source):
        for person in sequence.keypoints:
            between = conversion(person.skeleton, skeleton)
            points, valid = between.apply(person.keypoints_px, person.valid)
            found.append(points[valid.all(-1)])
    poses = torch.cat(found)
    if not len(poses):
        raise FileError(
            f"{source}: in no frame are all joints of {skeleton.name!r} seen or derivable, which "
            "unpaired 2D poses need"
        )
    chosen = torch.linspace(0, len(poses) - 1, min(len(poses), MOST)).round().long()
    with atomic_path(out) as temporary, temporary.open("wb") as file:
        arrays = {POINTS: poses[chosen].float().numpy(), NAMES: np.array(skeleton.names)}
        np.savez(file, allow_pickle=False, **arrays)
    return len(chosen)


def read_poses_2d(path: Path, skeleton: Skeleton) -> Float[Tensor, "n j 2"]:
    """The poses of a file of `write_poses_2d`, pixels.

    Args:
        path: The file.
        skeleton: Whose joints it must hold, in this order.

    Raises:
        FileNotFoundError: There is no such file.
        FileError: It is damaged, of other joints, or a number is missing.
    """
    arrays = load_npz(path)
    points, names = arrays.get(POINTS), arrays.get(NAMES)
    if names is None or tuple(names.astype(str).tolist()) != skeleton.names:
        raise FileError(f"{path} holds no 2D poses of joints {skeleton.name!r}")
    if points is None or points.dtype.kind != "f" or points.shape[1:] != (len(names), 2):
        raise FileError(f"{path}: {POINTS} must be (n, {len(names)}, 2) numbers")
    if not len(points) or not np.isfinite(points).all():
        raise FileError(f"{path}: {POINTS} must be finite and not empty; leave missing joints out")
    return torch.from_numpy(points).float()
