"""Pictures out of encoded bytes that may come from anywhere."""

import io
import warnings

import numpy as np
from PIL import Image

from vitruve.io.errors import FileError
from vitruve.io.limits import clip

MAX_SIDE_PX = 8192


def decode_picture(content: bytes, mode: str, where: str) -> np.ndarray:
    """The pixels of a JPEG or PNG picture.

    Args:
        content: The file.
        mode: Pillow's: ``RGB``, ``L`` for labels, ``1`` for masks.
        where: What the picture belongs to, for the message.

    Raises:
        FileError: It is no such picture, damaged, or larger than ``MAX_SIDE_PX``.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as picture:
                if max(picture.size) > MAX_SIDE_PX:
                    raise FileError(
                        f"{where}: picture of {picture.width}x{picture.height} pixels; sides are "
                        f"{MAX_SIDE_PX} at most"
                    )
                return np.array(picture.convert(mode))
    except FileError:
        raise
    # Pillow's decoders raise many kinds on damaged input.
    except Exception as error:
        raise FileError(f"{where}: the picture cannot be decoded ({clip(str(error))})") from error
