"""2D poses of other people in other pictures, as one file that an objective draws from.

Axes: n poses, j joints.
"""

from pathlib import Path

import numpy as np
import torch

from vitruve.data.motion import keypoint_files
from vitruve.io.atomic import atomic_path
from vitruve.io.errors import FileError
from vitruve.skeletons import Skeleton, conversion

MOST = 20_000
"""Poses that are kept, evenly spread."""


def write_poses_2d(source: Path, skeleton: Skeleton, out: Path) -> int:
    """Write every pose of some 2D keypoint files that has all joints of a format.

    Args:
        source: A file, or a folder of files, as `data.motion.keypoint_files` reads them.
        skeleton: The format.
        out: Arrays ``points`` (n, j, 2), pixels, and ``names`` (j,).

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
        np.savez(file, points=poses[chosen].float().numpy(), names=np.array(skeleton.names))
    return len(chosen)
