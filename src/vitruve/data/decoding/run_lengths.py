"""Masks as COCO's text of run lengths.

Pixels go down the columns; runs of background and mask take turns, background first. Each length
is a number of 5 bits to a character, lowest first, after 48: bit 6 says that it goes on, bit 5 of
the last one is the sign; from the fourth on a length is told as what it exceeds the one two before.

Source: the mask format of the COCO API, cocodataset.org. Axes: y x pixels.
"""

import numpy as np
from jaxtyping import Bool

from vitruve.io.errors import FileError
from vitruve.io.limits import MAX_VALUES, clip

_FIRST, _MORE, _SIGN, _BITS = 48, 0x20, 0x10, 5
_MAX_PARTS = 8


def decode_runs(runs: str, size_px: tuple[int, int], where: str) -> Bool[np.ndarray, "y x"]:
    """The mask.

    Args:
        runs: The text.
        size_px: Width, height.
        where: What the mask belongs to, for the message.

    Raises:
        FileError: The text is none of run lengths, or not of a picture of this size.
    """
    width, height = size_px
    if min(size_px) < 1 or width * height > MAX_VALUES:
        raise FileError(f"{where}: a mask of {width}x{height} pixels cannot be")
    lengths = np.array(_lengths(runs, where), np.int64)
    if (lengths < 0).any() or lengths.sum() != width * height:
        raise FileError(
            f"{where}: a mask's runs have {int(lengths.sum())} pixels, its picture {width * height}"
        )
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T


def encode_runs(mask: Bool[np.ndarray, "y x"]) -> str:
    """The text of a mask."""
    flat = np.concatenate([[False], mask.T.ravel()])
    starts = np.flatnonzero(flat[1:] != flat[:-1])
    lengths = np.diff(np.concatenate([[0], starts, [mask.size]])).tolist()
    told = [n - lengths[i - 2] if i > 2 else n for i, n in enumerate(lengths)]
    return "".join(map(_text, told))


def _lengths(runs: str, where: str) -> list[int]:
    found: list[int] = []
    value, part = 0, 0
    for letter in runs:
        bits = ord(letter) - _FIRST
        if not 0 <= bits < 2 * _MORE or part == _MAX_PARTS:
            raise FileError(f"{where}: {clip(runs)!r} is no text of run lengths")
        value |= (bits & (_MORE - 1)) << (_BITS * part)
        part += 1
        if bits & _MORE:
            continue
        if bits & _SIGN:
            value -= 1 << (_BITS * part)
        found.append(value + (found[-2] if len(found) > 2 else 0))
        value, part = 0, 0
    if part:
        raise FileError(f"{where}: the text of run lengths ends in the middle of one")
    return found


def _text(value: int) -> str:
    letters = ""
    while True:
        bits, value = value & (_MORE - 1), value >> _BITS
        done = value == (-1 if bits & _SIGN else 0)
        letters += chr(_FIRST + (bits if done else bits | _MORE))
        if done:
            return letters
