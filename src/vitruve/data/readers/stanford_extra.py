"""StanfordExtra: photographs of dogs with 24 2D keypoints and masks.

``StanfordExtra_v12.json`` (or ``_v1``), perhaps in a folder of its own, is a list of dogs:
``img_path``, ``img_width``, ``img_height``, ``img_bbox`` (x, y, width, height), ``joints`` (24 of
x, y, seen), ``seg`` (a mask as COCO's run lengths) and ``is_multiple_dogs``. Pictures are those of
Stanford Dogs, in ``Images``. Where ``<split>_stanford_StanfordExtra_v12.npy`` lie beside it, they
list the dogs of ``train``, ``val`` and ``test``.

Source: Biggs et al., "Who left the dogs out?", ECCV 2020, https://arxiv.org/abs/2007.11110;
github.com/benjiebob/StanfordExtra, demo.ipynb.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.datasets.examples import Mask, Part, PictureExample
from vitruve.data.readers.boxes import box_from_corner
from vitruve.data.readers.release import field, find, numbers, read_json_file, read_npy, within
from vitruve.io.errors import FileError
from vitruve.io.limits import clip
from vitruve.skeletons import SKELETONS

NAME = "stanford_extra"
PICTURES = "Images"
SPLITS = ("train", "val", "test")


def parts(root: Path, split: str | None = None) -> list[Part]:
    """The file of labels, once for each split that is listed, else once.

    Raises:
        FileNotFoundError: There is none.
    """
    inner = sorted(root.glob("*/StanfordExtra_v*.json"))
    path = (inner or find(NAME, root, "StanfordExtra_v*.json"))[-1]
    name = path.relative_to(root).with_suffix("").as_posix()
    listed = [s for s in SPLITS if _split_file(path, s).is_file()]
    if not listed:
        return [Part(root, name)] if split is None else []
    return [Part(root, name, s) for s in listed if split in (None, s)]


def read(part: Part) -> Iterator[PictureExample]:
    """Every dog with a labelled joint.

    Raises:
        FileError: The labels or the list of the split are damaged or of another layout.
    """
    path = part.root / f"{part.name}.json"
    dogs = read_json_file(path)
    for number in _numbers(path, part.split, len(dogs)):
        dog = field(path, dogs, number)
        points, valid = _joints(path, dog)
        if not valid.any():
            continue
        name = str(field(path, dog, "img_path"))
        yield PictureExample(
            picture=within(path, part.root / PICTURES, name),
            video_frame=None,
            skeleton=SKELETONS["stanfordextra_24"],
            valid=valid,
            joints_cam=None,
            keypoints_px=points,
            camera=None,
            sequence=name,
            frame=number,
            split=part.split,
            box_px=box_from_corner(path, dog, "img_bbox"),
            mask=_mask(path, dog, name),
        )


def _joints(path: Path, dog: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    joints = numbers(path, "joints", field(path, dog, "joints"), (24, 3))
    valid = (joints[:, 2] > 0) & np.isfinite(joints).all(1)
    return np.where(valid[:, None], joints[:, :2], 0.0), valid


def _mask(path: Path, dog: dict[str, Any], name: str) -> Mask | None:
    """Some dogs have none."""
    runs = field(path, dog, "seg")
    if not runs:
        return None
    if not isinstance(runs, str):
        raise FileError(f"{path}: the seg of {clip(name)} is no text of run lengths")
    size = tuple(int(field(path, dog, f"img_{side}")) for side in ("width", "height"))
    return Mask(path, runs=runs, size_px=(size[0], size[1]))


def _split_file(path: Path, split: str) -> Path:
    return path.with_name(f"{split}_stanford_{path.stem}.npy")


def _numbers(path: Path, split: str, count: int) -> list[int]:
    if not split:
        return list(range(count))
    listed = _split_file(path, split)
    found = read_npy(listed)
    if (
        found.ndim != 1
        or found.dtype.kind not in "iu"
        or not ((found >= 0) & (found < count)).all()
    ):
        raise FileError(f"{listed} does not list dogs of {path.name} by numbers 0 to {count - 1}")
    return found.tolist()
