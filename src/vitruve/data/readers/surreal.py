"""SURREAL: bodies rendered into photographs of rooms, 320 x 240, clips of about 100 frames.

``<clip>_info.mat`` holds ``joints3D`` (3, 24, t) world metres, ``joints2D`` (2, 24, t) and
``camLoc``; ``<clip>_segm.mat`` holds ``segm_1``, ``segm_2``, ... 0 for background.

The renderer's camera mirrors: its matrix from world to camera has determinant -1. Joints are given
in the camera's axes with their sides exchanged, which is what the picture shows.

Source: Varol et al., "Learning from synthetic humans", CVPR 2017, https://arxiv.org/abs/1701.01370.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Mask, Part, PictureExample
from vitruve.data.decoding.mat_file import read_mat
from vitruve.data.readers.release import clean_joints, find, finite, make_camera, numbers, require
from vitruve.skeletons import SKELETONS

NAME = "surreal"
SPLITS = ("train", "val", "test")
SIZE_PX = (320, 240)
INTRINSICS = ((600.0, 0.0, 160.0), (0.0, 600.0, 120.0), (0.0, 0.0, 1.0))
"""A 60 mm lens before a sensor of 32 mm."""
MIRRORED_CAM_WORLD = ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0))
"""World axes to ours of the camera; no rotation, its determinant is -1."""
_INFO = "_info.mat"
_NUM_JOINTS = 24


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every clip of a split.

    Raises:
        FileNotFoundError: There is none.
    """
    found = []
    for path in find(NAME, root, f"**/*{_INFO}"):
        inside = path.relative_to(root)
        its_split = next((s for s in SPLITS if s in inside.parts), "")
        if split in (None, its_split):
            found.append(Part(root, inside.as_posix().removesuffix(_INFO), its_split))
    return found


def read(part: Part) -> Iterator[PictureExample]:
    """Every frame of a clip; a clip of one frame has none.

    Raises:
        FileNotFoundError: The video is missing.
        ValueError: A file is damaged or of another layout.
    """
    path = part.root / f"{part.name}{_INFO}"
    video = require(NAME, part.root / f"{part.name}.mp4")
    arrays = read_mat(path, ("joints3D", "joints2D", "camLoc"))
    if arrays["joints3D"].ndim == 2:
        return
    world = numbers(path, "joints3D, transposed", arrays["joints3D"], (None, _NUM_JOINTS, 3))
    points = numbers(path, "joints2D, transposed", arrays["joints2D"], (len(world), _NUM_JOINTS, 2))
    place = finite(path, "camLoc", arrays["camLoc"].ravel(), (3,))
    camera = make_camera(path, INTRINSICS, SIZE_PX)
    skeleton = SKELETONS["smpl_24"]
    sides = list(skeleton.mirror_index)
    joints_cam, valid = clean_joints((world - place) @ np.array(MIRRORED_CAM_WORLD).T)
    masks = part.root / f"{part.name}_segm.mat"
    for frame in range(len(joints_cam)):
        yield PictureExample(
            picture=video,
            video_frame=frame,
            skeleton=skeleton,
            valid=valid[frame, sides],
            joints_cam=joints_cam[frame, sides],
            keypoints_px=points[frame, sides],
            camera=camera,
            sequence=part.name,
            frame=frame,
            split=part.split,
            mask=Mask(masks, array=f"segm_{frame + 1}") if masks.exists() else None,
        )
