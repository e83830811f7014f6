"""MPII Human Pose: people doing 410 things, single frames of videos, with 16 2D joints.

``mpii_human_pose_v1_u12_1.mat`` holds ``RELEASE`` with ``annolist`` and ``img_train``. A picture's
``annorect`` lists people with ``annopoints.point``: x, y and the joint's id, from 0.

Source: Andriluka et al., "2D human pose estimation", CVPR 2014; human-pose.mpi-inf.mpg.de.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.decoding.mat_file import read_struct
from vitruve.data.readers.release import require
from vitruve.io.errors import FileError
from vitruve.io.limits import clip
from vitruve.skeletons import SKELETONS

NAME = "mpii"
LABELS = "mpii_human_pose_v1_u12_1.mat"


def parts(root: Path, split: str | None = None) -> list[Part]:
    """The training pictures; those of the test set have no labels.

    Raises:
        FileNotFoundError: The labels are missing.
    """
    require(NAME, root / LABELS)
    return [Part(root, LABELS, "train")] if split in (None, "train") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every person with labelled joints.

    Raises:
        ValueError: The labels are damaged or of another layout.
    """
    path = part.root / LABELS
    release = read_struct(path, "RELEASE")
    pictures = np.atleast_1d(_member(path, release, "annolist"))
    trained = np.atleast_1d(_member(path, release, "img_train"))
    for number, (picture, is_train) in enumerate(zip(pictures, trained, strict=True)):
        if not is_train:
            continue
        name = str(_member(path, picture, "image", "name"))
        for person, of_one in enumerate(np.atleast_1d(_member(path, picture, "annorect"))):
            points, valid = _joints(path, of_one)
            if not valid.any():
                continue
            yield PictureExample(
                picture=part.root / "images" / Path(name).name,
                video_frame=None,
                skeleton=SKELETONS["mpii_16"],
                valid=valid,
                joints_cam=None,
                keypoints_px=points,
                camera=None,
                sequence=name,
                frame=number,
                split=part.split,
                person=person,
            )


def _joints(path: Path, of_one: Any) -> tuple[np.ndarray, np.ndarray]:
    skeleton = SKELETONS["mpii_16"]
    points, valid = np.zeros((skeleton.num_joints, 2)), np.zeros(skeleton.num_joints, dtype=bool)
    annopoints = getattr(of_one, "annopoints", None)
    given = getattr(annopoints, "point", None)
    for point in [] if given is None else np.atleast_1d(given):
        joint = int(_member(path, point, "id"))
        if not 0 <= joint < skeleton.num_joints:
            raise FileError(f"{path}: a joint has id {joint}, allowed 0 to 15")
        points[joint] = float(_member(path, point, "x")), float(_member(path, point, "y"))
        valid[joint] = True
    return points, valid


def _member(path: Path, struct: Any, *names: str) -> Any:
    for name in names:
        if not hasattr(struct, name):
            there = clip(", ".join(getattr(struct, "_fieldnames", [])))
            raise FileError(f"{path}: a struct has no field {name!r}; it has {there or 'none'}")
        struct = getattr(struct, name)
    return struct
