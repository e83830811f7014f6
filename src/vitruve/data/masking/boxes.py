"""Boxes around the person of each picture, from a table or from masks.

A box is left, top, right, bottom, pixels.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from vitruve.data.own.clips import frame_name
from vitruve.data.processing.masks import clean_mask, mask_box, mask_of
from vitruve.io.errors import FileError
from vitruve.io.images import list_images, load_image
from vitruve.io.limits import clip, read_text

HEADER = ("picture", "left", "top", "right", "bottom")


def boxes_of_clip(path: Path, name: str) -> dict[str, Float[np.ndarray, "4"]]:
    """As `read_boxes`, of one of several clips: ``NAME.csv`` or the folder ``NAME`` in a folder.

    Raises:
        FileNotFoundError: There is no such file or folder.
        FileError: It is damaged, or a box is empty.
    """
    own = (path / f"{name}.csv", path / name)
    return read_boxes(next((p for p in own if p.exists()), path))


def read_boxes(path: Path) -> dict[str, Float[np.ndarray, "4"]]:
    """The box of each picture by the picture's name; frames of a video are 000000 and so on.

    Args:
        path: A ``.csv`` table with the columns picture, left, top, right, bottom (a frame may be
            given by its number), or a folder of masks, of which the largest piece counts.

    Raises:
        FileNotFoundError: There is no such file or folder.
        FileError: It is damaged, or a box is empty.
    """
    if not path.exists():
        raise FileNotFoundError(f"no such table of boxes or folder of masks: {path}")
    return _of_masks(path) if path.is_dir() else _of_table(path)


def write_boxes(boxes: dict[str, Float[np.ndarray, "4"]]) -> str:
    """The table that `read_boxes` reads."""
    rows = [f"{name},{','.join(f'{edge:.1f}' for edge in box)}" for name, box in boxes.items()]
    return "\n".join([",".join(HEADER), *rows, ""])


def _of_masks(folder: Path) -> dict[str, Float[np.ndarray, "4"]]:
    found = {}
    for path in list_images(folder):
        mask, kind = clean_mask(mask_of(load_image(path)))
        if kind != "empty":
            found[path.stem] = mask_box(mask)
    return found


def _of_table(path: Path) -> dict[str, Float[np.ndarray, "4"]]:
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    first = lines[0] if lines else ""
    if tuple(c.strip().lower() for c in first.split(",")) != HEADER:
        raise FileError(f"{path} begins with {clip(first)!r}, expected {','.join(HEADER)}")
    found = {}
    for number, line in enumerate(lines[1:], 2):
        name, *edges = (cell.strip() for cell in line.split(","))
        try:
            box = np.array([float(edge) for edge in edges])
        except ValueError:
            box = np.zeros(0)
        sound = box.shape == (4,) and np.isfinite(box).all() and (box[2:] > box[:2]).all()
        if not sound or not name:
            raise FileError(f"{path}, line {number}: {clip(line)!r} is no name and box")
        found[name] = box
        if name.isdecimal():
            found.setdefault(frame_name(int(name)), box)
    return found
