"""MuCo-3DHP as it comes with 3DMPPE PoseNet: composed pictures and one json of labels.

``MuCo-3DHP.json`` is laid out like COCO's: ``images`` with ``f`` and ``c``, ``annotations`` with
``keypoints_cam`` (21, 3), camera-frame millimetres. They are 21 of MPI-INF-3DHP's 28 joints.

Source: Mehta et al., "Single-shot multi-person 3D pose estimation from monocular RGB", 3DV 2018;
the json: Moon et al., ICCV 2019, https://arxiv.org/abs/1907.11346.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.readers.boxes import box_from_corner
from vitruve.data.readers.release import (
    MM,
    clean_joints,
    field,
    make_camera,
    numbers,
    read_json_file,
    require,
    within,
)
from vitruve.skeletons import SKELETONS

NAME = "muco_3dhp"
LABELS = "MuCo-3DHP.json"
JOINTS_21 = (
    *("head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder"),
    *("left_elbow", "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip"),
    *("left_knee", "left_ankle", "pelvis", "spine", "head", "right_hand", "left_hand"),
    *("right_toe", "left_toe"),
)


def parts(root: Path, split: str | None = None) -> list[Part]:
    """The one file of labels.

    Raises:
        FileNotFoundError: It is missing.
    """
    require(NAME, root / LABELS)
    return [Part(root, LABELS, "train")] if split in (None, "train") else []


def read(part: Part) -> Iterator[PictureExample]:
    """Every person of every picture.

    Raises:
        ValueError: The labels are damaged or of another layout.
    """
    path = part.root / LABELS
    labels = read_json_file(path)
    people: dict[Any, list[Any]] = defaultdict(list)
    for annotation in field(path, labels, "annotations"):
        people[field(path, annotation, "image_id")].append(annotation)
    for number, image in enumerate(field(path, labels, "images")):
        its_people = people.get(field(path, image, "id"), [])
        for person, annotation in enumerate(its_people):
            yield _example(part, path, (number, person), image, annotation)


def _example(
    part: Part, path: Path, numbered: tuple[int, int], image: Any, annotation: Any
) -> PictureExample:
    frame, person = numbered
    f = numbers(path, "f", field(path, image, "f"), (2,))
    c = numbers(path, "c", field(path, image, "c"), (2,))
    K = np.array([[f[0], 0, c[0]], [0, f[1], c[1]], [0, 0, 1]])
    size = int(field(path, image, "width")), int(field(path, image, "height"))
    given = field(path, annotation, "keypoints_cam")
    skeleton = SKELETONS["mpi_inf_3dhp_28"]
    joints = np.full((skeleton.num_joints, 3), np.nan)
    where = [skeleton.names.index(name) for name in JOINTS_21]
    joints[where] = numbers(path, "keypoints_cam", given, (len(JOINTS_21), 3)) * MM
    joints_cam, valid = clean_joints(joints)
    file_name = str(field(path, image, "file_name"))
    return PictureExample(
        picture=within(path, part.root, file_name),
        video_frame=None,
        skeleton=skeleton,
        valid=valid,
        joints_cam=joints_cam,
        keypoints_px=None,
        camera=make_camera(path, K, size),
        # Composed pictures do not follow each other.
        sequence=file_name,
        frame=frame,
        split=part.split,
        person=person,
        box_px=box_from_corner(path, annotation),
    )
