"""AGORA: scanned people rendered into places, several in a picture of 3840 x 2160.

``<split>_<n>_withjv.pkl`` are pandas tables with a row for each picture: ``imgPath``; and a list
over its people in ``isValid``, ``occlusion`` (percent), ``gt_joints_2d`` and ``gt_joints_3d``
(camera metres), whose first 24 joints are SMPL's. Tables of SMPL-X joints give ``smplx_42``.

Source: Patel et al., "AGORA", CVPR 2021.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.datasets.examples import Part, PictureExample
from vitruve.data.decoding.table_pickle import read_table
from vitruve.data.readers.release import clean_joints, find, make_camera, numbers, require, within
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.skeletons import SKELETONS

NAME = "agora"
SIZE_PX = (3840, 2160)
SMALL_SIZE_PX = (1280, 720)
MAX_OCCLUSION = 75.0
"""Percent; people hidden more than this are left out."""
SENSOR_MM = 36.0
LENSES_MM = (("hdri", 50.0), ("cam00", 18.0), ("cam01", 18.0), ("cam02", 18.0), ("cam03", 18.0))
"""What a picture's name says of its lens; all others have 28 mm."""
OTHER_LENS_MM = 28.0
SMPLX_42 = (*range(25), 28, 43, *range(55, 67), 68, 71, 73)
"""Which of SMPL-X's 127 joints are read."""
_NUM_SMPL, _NUM_SMPLX = 24, 127
_COLUMNS = ("imgPath", "isValid", "occlusion", "gt_joints_2d", "gt_joints_3d")


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every table of labels.

    Raises:
        FileNotFoundError: There is none.
    """
    tables = find(NAME, root, "**/*_withjv.pkl")
    names = [path.relative_to(root).as_posix() for path in tables]
    found = [Part(root, name, Path(name).name.partition("_")[0]) for name in names]
    return [part for part in found if split in (None, part.split)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every person of every picture who is not too much hidden.

    Raises:
        FileNotFoundError: There is no picture at all.
        ValueError: The table is damaged, hostile, or of another layout.
    """
    path = part.root / part.name
    table = read_table(require(NAME, path))
    if missing := [name for name in _COLUMNS if name not in table]:
        raise FileError(f"{path} has no column {missing[0]!r}; there are {', '.join(table)}")
    pictures = {p.name: p for p in find(NAME, part.root, "**/*.png")}
    for row in range(len(table["imgPath"])):
        its = {name: table[name][row] for name in _COLUMNS}
        yield from _people(part, path, row, its, pictures)


def _people(
    part: Part, path: Path, row: int, its: dict[str, Any], pictures: dict[str, Path]
) -> Iterator[PictureExample]:
    name = str(its["imgPath"])
    small = f"{name.removesuffix('.png')}_1280x720.png"
    picture = pictures.get(name, pictures.get(small, within(path, part.root, name)))
    size = SMALL_SIZE_PX if picture.name == small else SIZE_PX
    for person, (usable, hidden) in enumerate(zip(its["isValid"], its["occlusion"], strict=True)):
        if not usable or hidden > MAX_OCCLUSION:
            continue
        joints, points = (its[key][person] for key in ("gt_joints_3d", "gt_joints_2d"))
        skeleton, chosen = _body(path, joints)
        joints_cam, valid = clean_joints(
            numbers(path, "gt_joints_3d", joints, (None, 3))[list(chosen)]
        )
        points_px = numbers(path, "gt_joints_2d", points, (None, 2))[list(chosen)]
        yield PictureExample(
            picture=picture,
            video_frame=None,
            skeleton=SKELETONS[skeleton],
            valid=valid,
            joints_cam=joints_cam,
            keypoints_px=points_px * size[0] / SIZE_PX[0],
            camera=_camera(path, name, size),
            sequence=name,
            frame=row,
            split=part.split,
            person=person,
        )


def _body(path: Path, joints: Any) -> tuple[str, tuple[int, ...]]:
    """Which format a person's joints are read in, and which of them."""
    count = len(np.asarray(joints))
    if count >= _NUM_SMPLX:
        return "smplx_42", SMPLX_42
    if count >= _NUM_SMPL:
        return "smpl_24", tuple(range(_NUM_SMPL))
    raise FileError(f"{path}: a person has {count} joints, expected {_NUM_SMPL} or more")


def _camera(path: Path, picture: str, size: tuple[int, int]) -> Camera:
    lens_mm = next((mm for word, mm in LENSES_MM if word in picture), OTHER_LENS_MM)
    focal = lens_mm / SENSOR_MM * size[0]
    return make_camera(path, [[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]], size)
