"""A mask as a file: white is the person. Ours also say what is to be thought of them.

Of several pieces a mask shows the largest alone, and not that there were others: a text of the
PNG, which other programs pass over, keeps that. Axes: y x pixels.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from vitruve.data.processing.masks import KINDS, Kind, mask_of
from vitruve.io.atomic import atomic_path
from vitruve.io.images import load_image

_KIND = "vitruve-mask"


def write_mask(path: Path, mask: Bool[np.ndarray, "y x"], kind: Kind) -> None:
    """Write a mask as PNG, 255 for the person, and what is to be thought of it.

    Raises:
        OSError: The folder cannot be written.
    """
    text = PngInfo()
    text.add_text(_KIND, kind)
    with atomic_path(path) as temporary:
        Image.fromarray(mask).save(temporary, "PNG", compress_level=4, pnginfo=text)


def load_mask(folder: Path, name: str) -> Bool[np.ndarray, "y x"] | None:
    """The mask of a picture; None where there is none.

    Raises:
        FileError: It is damaged.
    """
    path = _path(folder, name)
    if not path.is_file():
        return None
    return mask_of(load_image(path))


def kind_of_mask(folder: Path, name: str) -> Kind | None:
    """What a mask that can be loaded says of itself; None of masks of other programs."""
    with Image.open(_path(folder, name)) as image:
        said = image.text.get(_KIND) if isinstance(image, PngImageFile) else None
    return next((kind for kind in KINDS if kind == said), None)


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.png"
