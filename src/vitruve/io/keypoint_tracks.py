"""Rows of 2D keypoints, and who is who over time where a file does not say.

Axes: t frames, k keypoints; last axis x, y in pixels, confidence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64

from vitruve.io.errors import FileError
from vitruve.io.limits import MAX_JOINTS, clip

MAX_GAP = 30
"""Frames a person may be unseen and still be the same one."""
MAX_PEOPLE = 200
"""Most people in one frame."""
MAX_STEP = 0.5
"""Largest mean step of a person's keypoints between sightings, in diagonals of their box."""


@dataclass(frozen=True, eq=False)
class Track:
    """One person's rows."""

    person: int
    frames: Int64[np.ndarray, "t"]
    keypoints: Float32[np.ndarray, "t k 3"]


@dataclass(frozen=True, eq=False)
class Found:
    """What a file was recognised as and what it states; None where it does not."""

    layout: str
    tracks: list[Track]
    skeleton: str | None = None
    fps: float | None = None
    image_size_px: tuple[int, int] | None = None
    model: str = ""


@dataclass(frozen=True, eq=False)
class Sighting:
    """One person in one frame."""

    frame: int
    person: int | None
    keypoints: Float32[np.ndarray, "k 3"]


def to_fps(value: object) -> float | None:
    """Frames per second as stated, None if that is no rate."""
    return float(value) if isinstance(value, int | float) and 0 < value < 1e5 else None


def to_size(width: object, height: object) -> tuple[int, int] | None:
    """Width and height as stated, None if they are none."""
    if not isinstance(width, int | float) or not isinstance(height, int | float):
        return None
    in_range = 1 <= width < 2**20 and 1 <= height < 2**20
    return (int(width), int(height)) if in_range else None


def to_keypoints(path: Path, value: object, scores: object = None) -> Float32[np.ndarray, "k 3"]:
    """``[x, y, c, ...]``, ``[[x, y], ...]`` or ``[[x, y, c], ...]`` as rows of x, y, confidence.

    Args:
        path: Named in errors.
        value: The list.
        scores: Confidences beside it, if any; 1 where neither states one.

    Raises:
        FileError: It is no such list.
    """
    try:
        with np.errstate(over="ignore"):
            array = np.array(value, dtype=np.float32)
            given = None if scores is None else np.array(scores, dtype=np.float32).reshape(-1)
        rows = array.reshape(-1, 3) if array.ndim == 1 else array
        if rows.ndim != 2 or rows.shape[1] not in (2, 3) or not 0 < len(rows) <= MAX_JOINTS:
            raise ValueError("it is neither x, y, c triples nor rows of x, y")
        if rows.shape[1] == 2 or given is not None:
            ones = np.ones(len(rows), np.float32)
            rows = np.column_stack([rows[:, :2], ones if given is None else given])
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise FileError(f"{path}: a keypoint list cannot be read: {clip(str(error))}") from None
    return rows


def to_tracks(path: Path, sightings: Iterable[Sighting]) -> list[Track]:
    """Group sightings by person; those without an identity follow the nearest keypoints.

    Two sightings of one person in one frame keep the surer one.

    Raises:
        FileError: Keypoint counts differ, or a frame holds more than ``MAX_PEOPLE``.
    """
    rows: dict[int, dict[int, np.ndarray]] = {}
    ordered = sorted(sightings, key=lambda s: s.frame)
    counts = sorted({len(s.keypoints) for s in ordered})
    if len(counts) > 1:
        raise FileError(
            f"{path} mixes people of {', '.join(map(str, counts))} keypoints; one is allowed"
        )
    taken = max((s.person for s in ordered if s.person is not None), default=-1) + 1
    follower = _Follower(taken)
    start = 0
    while start < len(ordered):
        stop = start
        while stop < len(ordered) and ordered[stop].frame == ordered[start].frame:
            stop += 1
        if stop - start > MAX_PEOPLE:
            raise FileError(f"{path} has {stop - start} people in a frame; at most {MAX_PEOPLE}")
        for person, sighting in follower.name(ordered[start:stop]):
            person_rows = rows.setdefault(person, {})
            known = person_rows.get(sighting.frame)
            if known is None or _surety(known) < _surety(sighting.keypoints):
                person_rows[sighting.frame] = sighting.keypoints
        start = stop
    return [
        Track(person, np.array(list(by_frame), np.int64), np.stack(list(by_frame.values())))
        for person, by_frame in sorted(rows.items())
    ]


class _Follower:
    """Names unnamed people by nearness to where each was last seen."""

    def __init__(self, first_name: int) -> None:
        self._next = first_name
        self._last: dict[int, Sighting] = {}

    def name(self, sightings: list[Sighting]) -> list[tuple[int, Sighting]]:
        named = [(s.person, s) for s in sightings if s.person is not None]
        unnamed = [s for s in sightings if s.person is None]
        if not unnamed:
            return named
        frame = unnamed[0].frame
        self._last = {p: s for p, s in self._last.items() if frame - s.frame <= MAX_GAP}
        steps = sorted(
            (_step(last.keypoints, s.keypoints), person, i)
            for person, last in self._last.items()
            for i, s in enumerate(unnamed)
        )
        matched: dict[int, int] = {}
        for step, person, i in steps:
            if step <= MAX_STEP and i not in matched and person not in matched.values():
                matched[i] = person
        for i, sighting in enumerate(unnamed):
            if i not in matched:
                matched[i] = self._next
                self._next += 1
            self._last[matched[i]] = sighting
            named.append((matched[i], sighting))
        return named


def _step(a: Float32[np.ndarray, "k 3"], b: Float32[np.ndarray, "k 3"]) -> float:
    """Mean distance of the keypoints both show, in diagonals of the larger box; inf if none."""
    seen = (a[:, 2] > 0) & (b[:, 2] > 0)
    a, b = a[seen, :2].astype(np.float64), b[seen, :2].astype(np.float64)
    if not len(a) or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    diagonal = max(float(np.linalg.norm(np.ptp(p, axis=0))) for p in (a, b))
    return float(np.linalg.norm(a - b, axis=1).mean()) / max(diagonal, 1.0)


def _surety(keypoints: Float32[np.ndarray, "k 3"]) -> float:
    return float(np.nan_to_num(keypoints[:, 2], posinf=0.0, neginf=0.0).sum())
