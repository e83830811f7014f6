"""Pictures out of encoded bytes that may come from anywhere."""

import io
import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from PIL import Image

from vitruve.io.errors import FileError
from vitruve.io.limits import clip

MAX_SIDE_PX = 8192
T = TypeVar("T")


def decode_picture(content: bytes, mode: str, where: str) -> np.ndarray:
    """The pixels of a JPEG or PNG picture.

    Args:
        content: The file.
        mode: Pillow's: ``RGB``, ``L`` for labels, ``1`` for masks.
        where: What the picture belongs to, for the message.

    Raises:
        FileError: It is no such picture, damaged, or larger than ``MAX_SIDE_PX``.
    """
    return _opened(content, where, lambda picture: np.array(picture.convert(mode)))


def encoded_size_px(content: bytes, where: str) -> tuple[int, int]:
    """Width and height of a JPEG or PNG picture, which is not decoded.

    Raises:
        FileError: It is no such picture, or larger than ``MAX_SIDE_PX``.
    """
    return _opened(content, where, lambda picture: picture.size)


def _opened(content: bytes, where: str, use: Callable[[Image.Image], T]) -> T:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as picture:
                if max(picture.size) > MAX_SIDE_PX:
                    raise FileError(
                        f"{where}: picture of {picture.width}x{picture.height} pixels; sides are "
                        f"{MAX_SIDE_PX} at most"
                    )
                return use(picture)
    except FileError:
        raise
    # Pillow's decoders raise many kinds on damaged input.
    except Exception as error:
        raise FileError(f"{where}: the picture cannot be decoded ({clip(str(error))})") from error
