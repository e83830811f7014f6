"""Who is who over time: one frame's people after another, linked into tracks.

Works on any detector's output. People are compared by where their joints are, with left and right
averaged, so that a swap of sides does not look like a change of person.

Axes: t frames, k keypoints.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from vitruve.pipeline.detection import Detection
from vitruve.poses import KeypointSequence
from vitruve.skeletons.skeleton import Skeleton

_LIVE_GAP = 0.8
"""Farthest a person seen in the last frames may be from where it was expected, in body sizes."""
_LOST_GAP = 1.6
"""The same for a person that was out of sight for a moment."""
_LOST_GAP_PER_S = 3.0
"""How fast that grows, body sizes per second; up to twice ``_LOST_GAP``."""
_LIVE_S = 0.1
"""Unseen for longer than this is lost."""
_COAST_S = 0.3
"""How long a lost person is expected to go on moving."""
_SAME_BODY = 0.25
"""Two tracks closer than this for most of the shorter one are one person found twice."""


@dataclass(frozen=True)
class TrackConfig:
    """Settings of the tracker."""

    keep_lost_s: float = 3.0
    """How long a person out of sight keeps the identity, seconds."""
    min_track_s: float = 0.5
    """Shorter tracks are dropped, seconds; never more than half the clip."""
    max_persons: int = 0
    """Only the most prominent ones are kept; 0 for all."""


@dataclass(eq=False)
class Track:
    """One person's detections, by rising frame."""

    frames: list[int] = field(default_factory=list)
    detections: list[Detection] = field(default_factory=list)
    velocity: Float[np.ndarray, "2"] = field(default_factory=lambda: np.zeros(2))
    """Of the body's centre, pixels per frame, smoothed."""

    def add(self, frame: int, detection: Detection) -> None:
        """See the person again."""
        if self.frames:
            step = frame - self.frames[-1]
            moved = (_centre(detection) - _centre(self.detections[-1])) / step
            self.velocity = moved if step > 1 else 0.5 * (self.velocity + moved)
        self.frames.append(frame)
        self.detections.append(detection)


def link(
    frames: Iterable[Sequence[Detection]],
    mirror_index: Sequence[int],
    fps: float,
    config: TrackConfig,
) -> list[Track]:
    """Tracks of a clip, the most prominent (longest seen, largest) first.

    Each frame is matched to the tracks at least total distance, first to those just seen, then
    the rest to those out of sight; what is left over starts new tracks.
    """
    mirror = list(mirror_index)
    done: list[Track] = []
    active: list[Track] = []
    num_frames = 0
    for frame, detections in enumerate(frames):
        num_frames += 1
        expired = [t for t in active if frame - t.frames[-1] > max(config.keep_lost_s * fps, 1)]
        done += expired
        active = [t for t in active if t not in expired]
        live = [t for t in active if frame - t.frames[-1] <= max(_LIVE_S * fps, 1)]
        lost = [t for t in active if t not in live]
        left = _match(live, list(detections), frame, (mirror, fps))
        left = _match(lost, left, frame, (mirror, fps))
        active += [Track([frame], [detection]) for detection in left]
    least = min(config.min_track_s * fps, num_frames / 2)
    long_enough = [t for t in done + active if len(t.frames) >= least]
    ranked = sorted(long_enough, key=lambda t: -sum(map(_size, t.detections)))
    tracks = _without_doubles(ranked, mirror)
    return tracks[: config.max_persons] if config.max_persons else tracks


def _match(
    tracks: list[Track],
    detections: list[Detection],
    frame: int,
    setting: tuple[list[int], float],
) -> list[Detection]:
    """Add detections to the tracks they fit; return those that fit none."""
    if not tracks or not detections:
        return detections
    mirror, fps = setting
    gaps = np.array([[_expected_gap(t, d, frame, mirror, fps) for d in detections] for t in tracks])
    gate = np.array([[_gate((frame - t.frames[-1]) / fps)] for t in tracks])
    # A pair beyond the gate must never displace two good ones, so its cost is finite but high.
    rows, columns = linear_sum_assignment(np.where(gaps < gate, gaps, 1e3))
    matched = set()
    for row, column in zip(rows, columns, strict=True):
        if gaps[row, column] < gate[row, 0]:
            tracks[row].add(frame, detections[column])
            matched.add(column)
    return [d for i, d in enumerate(detections) if i not in matched]


def _expected_gap(
    track: Track, detection: Detection, frame: int, mirror: list[int], fps: float
) -> float:
    steps = min(frame - track.frames[-1], max(_COAST_S * fps, 1))
    return _gap(track.detections[-1], detection, mirror, track.velocity * steps)


def _gate(unseen_s: float) -> float:
    """Farthest from the expected place, in body sizes, after so long out of sight."""
    if unseen_s <= _LIVE_S:
        return _LIVE_GAP
    return min(_LOST_GAP + _LOST_GAP_PER_S * unseen_s, 2 * _LOST_GAP)


def _gap(one: Detection, other: Detection, mirror: list[int], shift: np.ndarray) -> float:
    """Mean distance of the joints, left and right averaged, in sizes of the larger body."""
    weights = np.sqrt(one.confidence * other.confidence) + 1e-3
    difference = one.keypoints_px + shift - other.keypoints_px
    distance = np.hypot(*((difference + difference[mirror]) / 2).T)
    return float(np.average(distance, weights=weights)) / max(_size(one), _size(other), 1e-6)


def _centre(detection: Detection) -> Float[np.ndarray, "2"]:
    weights = detection.confidence + 1e-3
    return np.average(detection.keypoints_px, axis=0, weights=weights)


def _size(detection: Detection) -> float:
    """Root mean square distance of the joints from their centre, pixels."""
    spread = detection.keypoints_px - _centre(detection)
    return float(np.sqrt(np.average((spread**2).sum(-1), weights=detection.confidence + 1e-3)))


def _without_doubles(ranked: list[Track], mirror: list[int]) -> list[Track]:
    kept: list[Track] = []
    for track in ranked:
        if not any(_doubles(track, other, mirror) for other in kept):
            kept.append(track)
    return kept


def _doubles(track: Track, other: Track, mirror: list[int]) -> bool:
    there = dict(zip(other.frames, other.detections, strict=True))
    shared = [
        _gap(detection, there[frame], mirror, np.zeros(2)) < _SAME_BODY
        for frame, detection in zip(track.frames, track.detections, strict=True)
        if frame in there
    ]
    return sum(shared) > 0.5 * len(track.frames)


def track_to_sequence(
    track: Track, skeleton: Skeleton, fps: float, image_size_px: tuple[int, int], model: str
) -> KeypointSequence:
    """One row per frame in which the person was found."""
    keypoints = np.stack([d.keypoints_px for d in track.detections]).astype(np.float32)
    confidence = np.stack([d.confidence for d in track.detections]).astype(np.float32)
    return KeypointSequence(
        skeleton=skeleton,
        keypoints_px=torch.from_numpy(keypoints),
        valid=torch.from_numpy(np.isfinite(keypoints).all(-1) & (confidence > 0)),
        confidence=torch.from_numpy(confidence.clip(0, 1)),
        frames=torch.tensor(track.frames),
        fps=fps,
        image_size_px=image_size_px,
        model=model,
    )
