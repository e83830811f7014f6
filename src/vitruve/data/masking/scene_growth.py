"""In which frames a pixel shows the scene, behind somebody who stays in one place.

A median shows who is there for more than half of a clip. But where a pixel shows the scene its
neighbours nearly always do, for an outline passes between them in few frames. So what is seen grows
inwards from where nobody ever is: a pixel at its rim has the colour that it has in the frames in
which its neighbours are seen. Ours. It errs where somebody has the colours of what is beside them,
and where an outline stays in one place for long: there it grows last.

Axes: n frames, y x pixels, p pixels of the rim.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int16, UInt8
from scipy import ndimage

NEAR = 8.0
"""Colours within this distance are one, of 255, at the noise of a usual camera."""
_NOISES = 2.0
"""The same in standard deviations, of noisier ones."""
_SURE = 0.85
"""Share of frames in which a pixel has one colour where nobody ever is."""
_OPEN = 0.75
"""Share of a pixel's neighbours that are seen in a frame that tells its colour."""
_AGREE = (0.75, 0.6)
"""Share of these frames in which it has that colour: where most of them agree it grows first."""
_LEAST = 2
"""Such frames, at least."""
_AROUND = tuple((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0))


@dataclass(frozen=True, eq=False)
class GrownScene:
    """Which pixels the scene grew into, and when they show it."""

    grown: Bool[np.ndarray, "y x"]
    """Not those at which it began."""
    seen: Bool[np.ndarray, "n y x"]


def grow_scene(stack: UInt8[np.ndarray, "n y x 3"], noise: float) -> GrownScene:
    """Follow the scene inwards from where nobody ever is.

    Args:
        stack: Frames of a camera that stands still, spread over the clip.
        noise: Standard deviation of a pixel, of 255.
    """
    near, frames = max(NEAR, _NOISES * noise), stack.astype(np.int16)
    middle = np.median(frames, axis=0).astype(np.int16)
    seen = np.abs(frames - middle).max(-1) <= near
    begun = _touching_edge(ndimage.minimum_filter(seen.mean(0) >= _SURE, 3))
    known, seen = begun.copy(), seen & begun
    for share in _AGREE:
        grown = 1
        while grown:
            grown = _grow(frames, known, seen, near, share)
    return GrownScene(known & ~begun, seen)


def _grow(
    frames: Int16[np.ndarray, "n y x 3"],
    known: Bool[np.ndarray, "y x"],
    seen: Bool[np.ndarray, "n y x"],
    near: float,
    share: float,
) -> int:
    """Go on by a pixel, in place; how many pixels were told."""
    y, x = np.nonzero(ndimage.binary_dilation(known, np.ones((3, 3))) & ~known)
    told = _told_by_neighbours(known, seen, y, x)
    enough = told.sum(0) >= _LEAST
    y, x, told = y[enough], x[enough], told[:, enough]
    here = frames[:, y, x]
    alike = np.abs(here - median_of_seen(here, ~told[..., None])).max(-1) <= near
    sure = (alike & told).sum(0) >= share * told.sum(0)
    known[y[sure], x[sure]] = True
    seen[:, y[sure], x[sure]] = alike[:, sure]
    return int(sure.sum())


def _touching_edge(sure: Bool[np.ndarray, "y x"]) -> Bool[np.ndarray, "y x"]:
    """Its pieces that reach the edge of the picture: who stands quite still is an island."""
    pieces = np.zeros(sure.shape, np.int32)
    ndimage.label(sure, output=pieces)
    edge = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    return sure & np.isin(pieces, edge)


def _told_by_neighbours(
    known: Bool[np.ndarray, "y x"], seen: Bool[np.ndarray, "n y x"], y: np.ndarray, x: np.ndarray
) -> Bool[np.ndarray, "n p"]:
    """Frames in which most of the known neighbours of pixels show the scene."""
    height, width = known.shape
    count, total = np.zeros((len(seen), len(y)), np.int16), np.zeros(len(y), np.int16)
    for down, right in _AROUND:
        beside = np.clip(y + down, 0, height - 1), np.clip(x + right, 0, width - 1)
        total += known[beside]
        count += seen[:, beside[0], beside[1]]
    return count >= np.ceil(_OPEN * total)


def median_of_seen(values: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Median over the first axis of what is not hidden; of an even number the lower one.

    Args:
        values: Whole numbers, 0 to 255.
        hidden: Like it, or one for all of the last axis; never all of the first.
    """
    # What is hidden is sorted behind the rest, whose median is half way through.
    ordered = np.sort(np.where(hidden, np.int16(256), values), axis=0)
    half = ((~hidden).sum(0) - 1) // 2
    return np.take_along_axis(ordered, np.broadcast_to(half, (1, *ordered.shape[1:])), 0)[0]
