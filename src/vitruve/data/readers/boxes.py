"""Boxes as releases state them, as ours: left, top, right, bottom, pixels."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image

from vitruve.data.readers.release import numbers
from vitruve.io.errors import FileError
from vitruve.io.limits import clip


def box_from_corner(
    path: Path, annotation: Any, key: str = "bbox"
) -> Float[np.ndarray, "4"] | None:
    """A box given as x, y, width, height; None where there is none or it is empty.

    Raises:
        FileError: It is no box.
    """
    if not annotation.get(key):
        return None
    x, y, width, height = numbers(path, key, annotation[key], (4,))
    if not (width > 0 and height > 0):
        return None
    return np.array([x, y, x + width, y + height])


def picture_size_px(picture: Path) -> tuple[int, int]:
    """Width and height of a picture, from its first bytes.

    Raises:
        FileNotFoundError: There is no such file.
        FileError: It is no picture.
    """
    try:
        with Image.open(picture) as opened:
            return opened.size
    except FileNotFoundError:
        raise FileNotFoundError(f"no such image: {picture}") from None
    # Pillow's decoders raise many kinds on damaged input.
    except Exception as error:
        raise FileError(f"{picture} is no picture: {clip(str(error))}") from error
