"""Still pictures as frames: which files of a folder they are, and their pixels as displayed."""

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from vitruve.io.errors import FileError
from vitruve.io.natural_order import natural_key

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
MAX_PIXELS = 100_000_000
"""Largest picture or video frame read: 100 megapixels, 300 MB as RGB."""


def list_images(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order: ``f2.jpg`` before ``f10.jpg``.

    Raises:
        FileError: The folder holds none.
    """
    images = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file()]
    if not images:
        allowed = " ".join(sorted(IMAGE_SUFFIXES))
        raise FileError(
            f"{folder} holds no images (looked for {allowed}): name a video or such a folder"
        )
    return sorted(images, key=natural_key)


def load_image(path: Path) -> UInt8[np.ndarray, "y x 3"]:
    """One picture as RGB, turned upright by its EXIF orientation.

    Raises:
        FileError: It is not a picture, is damaged, or exceeds ``MAX_PIXELS``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                check_pixels(path, image.width, image.height)
                return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except FileError:
        raise
    except FileNotFoundError:
        raise FileNotFoundError(f"no such image: {path}") from None
    # Pillow's decoders raise many kinds on damaged input (SyntaxError, struct.error, EOFError...).
    except Exception as error:
        raise FileError(f"{path} cannot be read as an image: {_one_line(error)}") from error


def check_pixels(path: Path, width: int, height: int) -> None:
    """Refuse pictures whose pixels would not fit in memory.

    Raises:
        FileError: More than ``MAX_PIXELS``.
    """
    if width * height > MAX_PIXELS:
        raise FileError(
            f"{path} has frames of {width}x{height} pixels; at most {MAX_PIXELS:,} are read"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
