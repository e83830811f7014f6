"""Boxes as releases state them, as ours: left, top, right, bottom, pixels."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from vitruve.data.readers.release import numbers


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
