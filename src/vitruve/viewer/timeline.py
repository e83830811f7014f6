"""One frame axis for everything on a page: people, keypoints, video. Axes: t frames."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, Shaped

from vitruve.poses import KeypointSequence, PoseSequence

MAX_FRAMES = 36_000
"""Frames a page shows at most, 20 minutes at 30 per second; longer clips are thinned evenly."""
_SAME_RATE = 1e-3


@dataclass(frozen=True)
class Timeline:
    """Every ``step``-th source frame from ``first``, ``count`` of them."""

    first: int
    step: int
    count: int
    fps: float
    """Source frames per second; source frame ``i`` shows at ``i / fps`` seconds."""
    thinned: int = 1
    """How many frames of the material stand behind one of the page."""

    def place(
        self, frames: Int64[np.ndarray, "n"], values: Shaped[np.ndarray, "n *c"]
    ) -> Shaped[np.ndarray, "t *c"]:
        """Spread rows over the axis; frames without a row are zeros of the array's type."""
        row, off = np.divmod(frames - self.first, self.step)
        shown = (off == 0) & (row >= 0) & (row < self.count)
        placed = np.zeros((self.count, *values.shape[1:]), values.dtype)
        placed[row[shown]] = values[shown]
        return placed


def make_timeline(
    people: Sequence[PoseSequence],
    keypoints: Sequence[KeypointSequence] = (),
    max_frames: int = MAX_FRAMES,
) -> Timeline:
    """Find the coarsest axis that holds every row, thinned where it is longer than a page may be.

    Raises:
        ValueError: There is no frame, or the rates differ.
    """
    sequences = [s for s in (*people, *keypoints) if len(s.frames)]
    if not sequences:
        raise ValueError("nothing to show: no person has a frame")
    rates = sorted({float(s.fps) for s in sequences})
    if not math.isfinite(rates[-1]) or rates[0] <= 0:
        raise ValueError(f"frame rates {rates}: every rate must be above 0 and finite")
    if rates[-1] / rates[0] - 1 > _SAME_RATE:
        shown = ", ".join(f"{r:g}" for r in rates)
        raise ValueError(f"frame rates differ ({shown} per second): show one clip on a page")
    frames = np.unique(np.concatenate([s.frames.cpu().numpy() for s in sequences]))
    first, last = int(frames[0]), int(frames[-1])
    step = int(np.gcd.reduce(frames - first)) or 1
    thinned = -(-((last - first) // step + 1) // max_frames)
    count = (last - first) // (step * thinned) + 1
    return Timeline(first, step * thinned, count, rates[0], thinned)
