"""3DPeople: dressed people rendered before four cameras of 640 x 480.

``rgb/<subject>/<action>/<camera>/<clothes>/<frame>.jpg`` are the pictures; ``skeleton`` and
``segmentation_clothes`` leave out the folder of the clothes. A skeleton is a text of 67 rows: x and
y in pixels first, X, Y and Z in decimetres last. No camera is told: it follows from the two, at a
focal length of 700. Two orders of the 67 joints are published; which a take has, its hips and eyes
tell. Clothes are drawn on grey of 153.

Source: Pumarola et al., ICCV 2019; format: posepile, the authors' list of joints and README.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitruve.data.datasets.examples import Mask, Part, PictureExample
from vitruve.data.readers.find_camera import find_camera
from vitruve.data.readers.release import find, finite, frame_number, make_camera, require
from vitruve.io.errors import FileError
from vitruve.io.limits import read_text
from vitruve.skeletons import SKELETONS

NAME = "3dpeople"
SIZE_PX = (640, 480)
K = np.array([[700.0, 0.0, 320.0], [0.0, 700.0, 240.0], [0.0, 0.0, 1.0]])
DECIMETRE = 0.1
FIRST_TEST_SUBJECT = 34
"""Men and women from this number on are the test set."""
GREY, GREY_WITHIN = 153.0, 10.0
_NUM_ROWS = 67
_ORDERS = (
    (*range(14), *range(33, 37), 53, *range(57, 67)),
    (*range(6), 7, 8, 6, *range(9, 14), *range(33, 38), *range(62, 67), *range(57, 62)),
)
"""Which rows are the joints of ``3dpeople_29``: as posepile reads, and as the authors list them."""
_CLAVICLES, _HIPS = (9, 33), (57, 62)
_FACE = (6, 7, 8)
"""Rows of the eyes, then the crown, in one order; of the crown, then the eyes, in the other."""


def parts(root: Path, split: str | None = None) -> list[Part]:
    """Every camera of every take of a split: train or test.

    Raises:
        FileNotFoundError: There are no pictures.
    """
    folders = find(NAME, root, "rgb/*/*/camera*")
    named = ["/".join(folder.parts[-3:]) for folder in folders if folder.is_dir()]
    found = [Part(root, name, _split(root, name.partition("/")[0])) for name in named]
    return [part for part in found if split in (None, part.split)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every picture of a take.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: A file is damaged or of another layout.
    """
    skeletons, masks = part.root / "skeleton", part.root / "segmentation_clothes"
    pictures = find(NAME, part.root / "rgb" / part.name, "**/*.jpg")
    texts = [require(NAME, skeletons / part.name / f"{p.stem}.txt") for p in pictures]
    rows = np.stack([_rows(path) for path in texts])
    order = list(_order(texts[0].parent, rows[..., -3:]))
    for path, picture, row in zip(texts, pictures, rows, strict=True):
        points_px, world = row[:, :2], row[:, -3:] * DECIMETRE
        try:
            found = find_camera(points_px, world, K)
        except ValueError as error:
            raise FileError(f"{path}: {error}") from None
        mask = masks / part.name / f"{picture.stem}.png"
        yield PictureExample(
            picture=picture,
            video_frame=None,
            skeleton=SKELETONS["3dpeople_29"],
            valid=np.ones(len(order), dtype=bool),
            joints_cam=found.see(world[order]),
            keypoints_px=points_px[order],
            camera=make_camera(path, K, SIZE_PX),
            sequence=part.name,
            frame=frame_number(picture, picture.stem),
            split=part.split,
            subject=part.name.partition("/")[0],
            mask=Mask(mask, above=GREY_WITHIN, background=GREY) if mask.exists() else None,
        )


def _rows(path: Path) -> np.ndarray:
    """(67, 5) x and y in pixels; X, Y and Z in decimetres."""
    rows = [line.split() for line in read_text(path).splitlines() if line.strip()]
    if len(rows) != _NUM_ROWS or min(map(len, rows)) < 5:
        raise FileError(f"{path} has {len(rows)} rows of numbers, expected 67 of 5 or more")
    return finite(path, "its joints", [row[:2] + row[-3:] for row in rows], (_NUM_ROWS, 5))


def _order(take: Path, joints: np.ndarray) -> tuple[int, ...]:
    """Which rows the joints are in.

    In the first order left comes first at the hips as it does at the clavicles, and the eyes before
    the crown; in the second it is the other way round.
    """
    clavicles, hips = (joints[:, a] - joints[:, b] for a, b in (_CLAVICLES, _HIPS))
    first, middle, last = (joints[:, row] for row in _FACE)
    left_first = float((clavicles * hips).sum()) > 0
    eyes_first = np.linalg.norm(first - middle) < np.linalg.norm(middle - last)
    if left_first != eyes_first:
        raise FileError(f"{take}: joints are in no known order: hips and eyes do not agree")
    return _ORDERS[0] if left_first else _ORDERS[1]


def _split(root: Path, subject: str) -> str:
    number = subject.lstrip("manwo")
    if not number.isdecimal():
        raise FileError(f"{root}: subject {subject!r} is not man<number> or woman<number>")
    return "test" if int(number) >= FIRST_TEST_SUBJECT else "train"
