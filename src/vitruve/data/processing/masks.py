"""One person out of a raw mask: the largest piece without small holes, and what looks wrong.

Axes: y x pixels.
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage

Kind = Literal["good", "empty", "full", "several"]
"""``several``: other pieces are nearly as large as the largest, as those of two people are."""
KINDS: tuple[Kind, ...] = ("good", "empty", "full", "several")
WHITE_ABOVE = 127.0
"""What is brighter than this in a picture of a mask, in any channel, is the person."""
EMPTY_SHARE = 0.0005
"""What is smaller than this part of the picture is nobody."""
FULL_SHARE = 0.85
"""What is larger than this part of the picture is no person but everything."""
LIKE_SIZE = 0.4
"""A piece of this part of the largest one's area is perhaps another person."""
HOLE_SHARE = 0.01
"""Holes up to this part of the person's area are closed; larger ones are between limbs."""
BRIDGE_SHARE = 0.004
"""Pieces are joined over gaps of this part of the picture's longer side."""
_EIGHT = np.ones((3, 3), bool)
_FOUR = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)


def mask_of(picture: UInt8[np.ndarray, "y x c"]) -> Bool[np.ndarray, "y x"]:
    """What is white in a picture of a mask."""
    return np.asarray((picture > WHITE_ABOVE).any(-1))


def clean_mask(
    raw: Bool[np.ndarray, "y x"], box_px: Float[np.ndarray, "4"] | None = None
) -> tuple[Bool[np.ndarray, "y x"], Kind]:
    """The person of a mask.

    Args:
        raw: Pixels that may be of the person.
        box_px: Around the person, if known: left, top, right, bottom; what lies outside is not.

    Returns:
        The largest piece, nothing if there is none; and what is to be thought of it.
    """
    raw = raw if box_px is None else raw & inside_box((raw.shape[0], raw.shape[1]), box_px)
    reach = max(1, round(BRIDGE_SHARE * max(raw.shape)))
    padded = np.pad(raw, reach).astype(np.uint8)
    joined = ndimage.grey_closing(padded, (2 * reach + 1, 2 * reach + 1))
    pieces, count = _label(joined[reach:-reach, reach:-reach], _EIGHT)
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    if not count or areas.max() < EMPTY_SHARE * raw.size:
        return np.zeros_like(raw), "empty"
    person = _without_small_holes(raw & (pieces == 1 + areas.argmax()))
    if person.mean() > FULL_SHARE:
        return person, "full"
    others = np.delete(areas, areas.argmax())
    several = bool((others > LIKE_SIZE * areas.max()).any())
    return person, "several" if several else "good"


def inside_box(shape: tuple[int, int], box_px: Float[np.ndarray, "4"]) -> Bool[np.ndarray, "y x"]:
    """Pixels whose centres lie in a box: left, top, right, bottom."""
    left, top, right, bottom = box_px
    y, x = (np.arange(n) + 0.5 for n in shape)
    return ((y >= top) & (y <= bottom))[:, None] & ((x >= left) & (x <= right))


def mask_box(mask: Bool[np.ndarray, "y x"]) -> Float[np.ndarray, "4"]:
    """The box around a mask: left, top, right, bottom, pixels.

    Raises:
        ValueError: The mask is empty.
    """
    if not mask.any():
        raise ValueError("an empty mask has no box")
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    return np.array([columns[0], rows[0], columns[-1] + 1.0, rows[-1] + 1.0])


def _without_small_holes(person: Bool[np.ndarray, "y x"]) -> Bool[np.ndarray, "y x"]:
    holes, count = _label(~person, _FOUR)
    areas = np.bincount(holes.ravel(), minlength=count + 1)
    closed = areas <= HOLE_SHARE * person.sum()
    closed[0] = True  # The person's own pixels.
    return closed[holes]


def _label(mask: np.ndarray, touching: np.ndarray) -> tuple[np.ndarray, int]:
    """Number of the piece that each pixel is in, 0 for none, and how many there are."""
    found = np.zeros(mask.shape, np.int32)
    ndimage.label(mask, touching, output=found)
    return found, int(found.max())
