"""BlazePose over a clip: people are found now and then, and followed by their own landmarks.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", CV4ARVR 2020,
https://arxiv.org/abs/2006.10204; the published tracking follows one person, this one several.
The square of the next frame is filtered as MediaPipe does; the landmarks are not smoothed.

Axes: k landmarks, y x pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from vitruve.pipeline.blazepose_decode import Person, roi_from_points
from vitruve.pipeline.blazepose_nets import NUM_LANDMARKS, LandmarkNet, Landmarks, PersonNet
from vitruve.pipeline.detection import Detection
from vitruve.pipeline.models import ensure_models

_SAME_PERSON = 0.12
"""Torso gap below which two finds are one person, in squares."""
_CONFIRMS, _REVIVES = 0.15, 0.3
"""Torso gap below which a find belongs to a live or to a lost track."""
_SAME_BODY = 0.05
"""Torso gap below which two tracks have landed on one body."""
_SHOULDERS, _HIPS = [11, 12], [23, 24]
_FRAME_S = 1 / 30
"""MediaPipe's Python solution filters as if every video had this frame time."""


@dataclass(frozen=True)
class BlazePoseConfig:
    """Settings of the offline detector."""

    max_persons: int = 0
    """Most people followed at once; 0 for as many as are found, up to 8."""
    every_frames: int = 30
    """Frames between searches for new people, when more than one may be there."""
    static: bool = False
    """Find people in every frame and remember nothing: slower, less steady."""
    min_person_score: float = 0.5
    """Below this the person net's find is dropped."""
    min_landmark_score: float = 0.5
    """At or below this the landmark net has lost the person."""
    keep_lost_frames: int = 30
    """How long a lost person is waited for."""
    threads: int = 1
    """Threads of each net."""

    @property
    def capacity(self) -> int:
        """Most people followed at once."""
        return self.max_persons or 8


@dataclass
class Followed:
    """A person being followed: where to look next, and the one-euro filter of that square."""

    points: Float[np.ndarray, "2 2"]
    """Hip centre and body scale point, pixels."""
    torso: Float[np.ndarray, "2 2"]
    """Hip and shoulder centre, pixels."""
    age: int = 0
    lost: int = 0
    """Frames since last seen."""
    raw: Float[np.ndarray, "2 2"] | None = None
    """Last unfiltered ``points``; None before the first landmarks."""
    speed: Float[np.ndarray, "2 2"] | None = None

    def see(self, body: Landmarks) -> None:
        """Take the next square from the landmarks.

        One-euro filter (Casiez et al., CHI 2012): least cut-off 0.01 Hz, slope 10, derivative
        cut-off 1 Hz, speed in squares per second.
        """
        points = body.points_px[NUM_LANDMARKS : NUM_LANDMARKS + 2]
        self.torso = np.stack([body.points_px[_HIPS].mean(0), body.points_px[_SHOULDERS].mean(0)])
        self.age += 1
        if self.raw is None or self.speed is None:
            self.points, self.raw, self.speed = points, points, np.zeros_like(points)
            return
        side = max(2 * float(np.hypot(*(points[1] - points[0]))), 1e-6)
        velocity = (points - self.raw) / side / _FRAME_S
        self.speed = self.speed + _low_pass(1.0) * (velocity - self.speed)
        self.points = self.points + _low_pass(0.01 + 10 * np.abs(self.speed)) * (
            points - self.points
        )
        self.raw = points

    def restart(self, person: Person) -> None:
        """Go on from a new find."""
        self.points, self.torso = person.roi_points, person.torso
        self.lost, self.raw, self.speed = 0, None, None


class BlazePose:
    """Several people, 33 landmarks each."""

    skeleton = "mediapipe_33"
    model = "blazepose full (mediapipe 0.10.21)"

    def __init__(self, config: BlazePoseConfig) -> None:
        self.config = config
        person_model, landmark_model = ensure_models()
        self._person_net = PersonNet(person_model, config.threads, config.min_person_score)
        self._landmark_net = LandmarkNet(landmark_model, config.threads, config.min_landmark_score)
        self._followed: list[Followed] = []
        self._frame = 0

    def detect(self, image: UInt8[np.ndarray, "y x 3"]) -> list[Detection]:
        """People in the next frame, longest followed first."""
        return [
            Detection(
                body.points_px[:NUM_LANDMARKS].astype(np.float32),
                (body.visibility * body.presence).astype(np.float32),
            )
            for body in self.landmarks(image)
        ]

    def landmarks(self, image: UInt8[np.ndarray, "y x 3"]) -> list[Landmarks]:
        """As ``detect``, with the net's own 3D."""
        if self.config.static:
            self._followed = []
        self._search(image)
        self._frame += 1
        bodies: list[tuple[Followed, Landmarks]] = []
        for followed in self._followed:
            square = roi_from_points(followed.points)
            body = None if followed.lost else self._landmark_net(image, square)
            if body is None:
                followed.lost += 1
                continue
            followed.see(body)
            if any(_torso_gap(followed, other) < _SAME_BODY for other, _ in bodies):
                followed.lost = 1
            else:
                bodies.append((followed, body))
        kept = [f for f in self._followed if f.lost <= self.config.keep_lost_frames]
        self._followed = sorted(kept, key=lambda f: -f.age)
        return [body for _, body in bodies]

    def _search(self, image: UInt8[np.ndarray, "y x 3"]) -> None:
        """Run the person net when it is time, or when someone was just lost."""
        live = sum(not f.lost for f in self._followed)
        several = self.config.capacity > 1
        scheduled = several and self._frame % self.config.every_frames == 0
        just_lost = any(f.lost == 1 for f in self._followed) and live < self.config.capacity
        if live and not scheduled and not just_lost:
            return
        people = self._person_net(image)
        if several and (scheduled or just_lost):
            people += self._person_net.in_tiles(image)
        self._associate(_distinct(people))

    def _associate(self, people: list[Person]) -> None:
        """Nearest first: a find confirms a live track, revives a lost one, or starts its own."""
        pairs = [
            (_torso_gap(followed, person), i, j)
            for i, person in enumerate(people)
            for j, followed in enumerate(self._followed)
        ]
        used_people, used_tracks = set[int](), set[int]()
        for gap, i, j in sorted(pairs):
            followed = self._followed[j]
            near = gap < (_REVIVES if followed.lost else _CONFIRMS)
            if not near or i in used_people or j in used_tracks:
                continue
            used_people.add(i)
            used_tracks.add(j)
            if followed.lost:
                followed.restart(people[i])
        for i, person in enumerate(people):
            live = sum(not f.lost for f in self._followed)
            if i not in used_people and live < self.config.capacity:
                self._followed.append(Followed(person.roi_points, person.torso))

    def state(self) -> dict[str, np.ndarray]:
        """Frame count and every followed person; the filter is NaN before its first frame."""
        unset = np.full((2, 2), np.nan)
        followed = self._followed
        filters = [(f.points, f.torso, _or(f.raw, unset), _or(f.speed, unset)) for f in followed]
        return {
            "frame": np.array(self._frame),
            "counts": np.array([(f.age, f.lost) for f in followed], np.int64).reshape(-1, 2),
            "filters": np.array(filters, np.float64).reshape(-1, 4, 2, 2),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on where ``state`` was taken."""
        self._frame = int(state["frame"])
        self._followed = []
        for (age, lost), filters in zip(state["counts"], state["filters"], strict=True):
            points, torso, raw, speed = filters
            known = bool(np.isfinite(raw).all())
            memory = (raw, speed) if known else (None, None)
            self._followed.append(Followed(points, torso, int(age), int(lost), *memory))


def _distinct(people: list[Person]) -> list[Person]:
    """Drop weaker finds of the same person."""
    kept: list[Person] = []
    for person in sorted(people, key=lambda p: -p.score):
        if all(_torso_gap(person, other) > _SAME_PERSON for other in kept):
            kept.append(person)
    return kept


def _torso_gap(one: Followed | Person, other: Followed | Person) -> float:
    """Mean distance of the hip and shoulder centres, in units of the larger square."""
    a, b = (p.points if isinstance(p, Followed) else p.roi_points for p in (one, other))
    side = 2.5 * max(np.hypot(*(a[1] - a[0])), np.hypot(*(b[1] - b[0])), 1e-6)
    return float(np.hypot(*(one.torso - other.torso).T).mean() / side)


def _low_pass(cutoff_hz: float | np.ndarray) -> float | np.ndarray:
    """Weight of the newest sample of an exponential filter at the house frame time."""
    rate = 2 * np.pi * _FRAME_S * cutoff_hz
    return rate / (1 + rate)


def _or(value: np.ndarray | None, default: np.ndarray) -> np.ndarray:
    return default if value is None else value
