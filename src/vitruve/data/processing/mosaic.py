"""Colours out of a sensor's raw picture, in which each pixel has seen one of three.

Axes: y x pixels.
"""

import numpy as np
from jaxtyping import UInt8
from scipy.ndimage import convolve

COLOURS = "rgb"
_NEAR = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])
"""How much the pixels around say of a colour that one has not seen: linear between them."""


def demosaic(raw: UInt8[np.ndarray, "y x"], pattern: str) -> UInt8[np.ndarray, "y x 3"]:
    """A picture in RGB, colours filled in linearly.

    Args:
        raw: What the sensor saw.
        pattern: Colours of its first four pixels, row by row, as ``grbg``.
    """
    image = np.empty((*raw.shape, len(COLOURS)), dtype=np.uint8)
    for channel, colour in enumerate(COLOURS):
        seen = np.zeros(raw.shape)
        for at, its in enumerate(pattern):
            seen[at // 2 :: 2, at % 2 :: 2] = its == colour
        around = convolve(raw * seen, _NEAR, mode="mirror") / convolve(seen, _NEAR, mode="mirror")
        image[..., channel] = np.where(seen > 0, raw, np.rint(around))
    return image
