"""3DPW with its pictures: people outdoors before a moving phone, 30 frames a second.

``sequenceFiles/<split>/<sequence>.pkl`` holds for each person ``jointPositions`` (t, 72) world
metres of the 24 SMPL joints and ``poses2d`` (t, 3, 18); ``cam_poses`` (t, 4, 4) world to camera.
``imageFiles/<sequence>/image_<frame>.jpg`` are the pictures.

Source: von Marcard et al., "Recovering accurate 3D human pose in the wild using IMUs and a moving
camera", ECCV 2018.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.release import field, find, finite, make_camera, numbers, require
from vitruve.io.restricted_pickle import read_pickle
from vitruve.skeletons import SKELETONS

NAME = "3dpw"
SPLITS = ("train", "validation", "test")
_NUM_JOINTS, _NUM_KEYPOINTS = 24, 18
_LONG_PX, _SHORT_PX = 1920, 1080


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every sequence of a split.

    Raises:
        FileNotFoundError: There is none.
    """
    found = find(NAME, root, "sequenceFiles/*/*.pkl")
    return [
        Part(root, f"{path.parent.name}/{path.stem}", path.parent.name)
        for path in found
        if split in (None, path.parent.name)
    ]


def read(part: Part) -> Iterator[PictureExample]:
    """Every person of every frame whose camera was aligned and who was seen.

    Raises:
        FileNotFoundError: The pictures are missing.
        ValueError: The file is damaged, hostile, or of another layout.
    """
    path = part.root / "sequenceFiles" / f"{part.name}.pkl"
    content = read_pickle(require(NAME, path))
    folder = require(NAME, part.root / "imageFiles" / path.stem)
    poses = finite(path, "cam_poses", field(path, content, "cam_poses"), (None, 4, 4))
    K = field(path, content, "cam_intrinsics")
    middle = finite(path, "cam_intrinsics", K, (3, 3))[:2, 2]
    # Phones were held upright or across; the principal point tells which.
    upright = middle[0] < middle[1]
    size = (_SHORT_PX, _LONG_PX) if upright else (_LONG_PX, _SHORT_PX)
    people = _people(path, content, len(poses))
    for frame, pose in enumerate(poses):
        camera = make_camera(
            path, K, size, R_cam_world=pose[:3, :3], t_cam_world=pose[:3, 3], up="y"
        )
        for person, (joints, seen) in enumerate(people):
            if not seen[frame]:
                continue
            yield PictureExample(
                picture=folder / f"image_{frame:05d}.jpg",
                video_frame=None,
                skeleton=SKELETONS["smpl_24"],
                valid=np.ones(_NUM_JOINTS, dtype=bool),
                joints_cam=joints[frame] @ pose[:3, :3].T + pose[:3, 3],
                keypoints_px=None,
                camera=camera,
                sequence=part.name,
                frame=frame,
                split=part.split,
                subject=f"{path.stem}/{person}",
                person=person,
            )


def _people(path: Path, content: object, t: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """World joints and whether the frame may be used, for each person."""
    found = []
    fields = [field(path, content, k) for k in ("jointPositions", "poses2d", "campose_valid")]
    for positions, detections, aligned in zip(*fields, strict=True):
        joints = finite(path, "jointPositions", positions, (t, 3 * _NUM_JOINTS))
        points = numbers(path, "poses2d", detections, (t, 3, _NUM_KEYPOINTS))
        ok = numbers(path, "campose_valid", aligned, (t,)).astype(bool)
        found.append((joints.reshape(t, _NUM_JOINTS, 3), ok & (points != 0).any((1, 2))))
    return found
