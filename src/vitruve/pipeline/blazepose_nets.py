"""BlazePose's two nets on LiteRT: a picture in, people or 33 landmarks out.

Axes: n people, k landmarks, y x pixels.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from vitruve.pipeline.blazepose_decode import (
    LANDMARK_SIDE,
    PERSON_SIDE,
    Person,
    anchor_centres,
    decode_people,
    refine_landmarks,
    sigmoid,
    weighted_nms,
)
from vitruve.pipeline.image_warp import Square, cut_square

_NUM_POINTS = 39
"""33 landmarks, the two points of the next square, and four that only training used."""
NUM_LANDMARKS = 33


@dataclass(frozen=True, eq=False)
class Landmarks:
    """One body as the landmark net sees it."""

    points_px: Float[np.ndarray, "39 2"]
    """Picture pixels; rows 33 and 34 tell the next frame's square."""
    joints_cam: Float[np.ndarray, "33 3"]
    """The net's own 3D: metres, camera axes, relative to the hip centre."""
    visibility: Float[np.ndarray, "33"]
    """Chance of being in the picture and not hidden, 0 to 1."""
    presence: Float[np.ndarray, "33"]
    """Chance of being in the picture, 0 to 1."""
    score: float
    """Chance that the square holds a person."""


class Net:
    """A LiteRT model with one input; outputs are named by shape, since their order varies."""

    def __init__(self, path: Path, threads: int, outputs: tuple[tuple[int, ...], ...]) -> None:
        self._interpreter = _interpreter(path, threads)
        with _quiet_stderr():
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        details = self._interpreter.get_output_details()
        index = {tuple(int(n) for n in d["shape"][1:]): d["index"] for d in details}
        self._outputs = [index[shape] for shape in outputs]

    def __call__(self, x: Float[np.ndarray, "y x 3"]) -> list[np.ndarray]:
        """Run on one picture."""
        self._interpreter.set_tensor(self._input, x[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(i)[0] for i in self._outputs]


def _interpreter(path: Path, threads: int) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ImportError(
            "the blazepose detector needs LiteRT: pip install 'vitruve[detect]'"
        ) from error
    with _quiet_stderr():
        return Interpreter(model_path=str(path), num_threads=threads)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """LiteRT announces its CPU delegate on the process's stderr, with no setting against it."""
    sys.stderr.flush()
    kept, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)


class PersonNet:
    """Finds people in a whole picture."""

    def __init__(self, path: Path, threads: int, min_score: float) -> None:
        self._net = Net(path, threads, ((2254, 12), (2254, 1)))
        self._anchors = anchor_centres()
        self._min_score = min_score

    def __call__(self, image: UInt8[np.ndarray, "y x 3"]) -> list[Person]:
        """People by falling score; a single pass rarely reports the second one."""
        height, width, _ = image.shape
        side = max(height, width)
        square = Square(width / 2, height / 2, float(side))
        pixels = cut_square(image, square, PERSON_SIDE, replicate=False)
        raw, logits = self._net(pixels.astype(np.float32) * np.float32(2 / 255) - np.float32(1))
        people = weighted_nms(*decode_people(raw, logits[:, 0], self._anchors, self._min_score))
        margin = np.array([width - side, height - side]) / 2
        return [Person(points * side + margin, score) for points, score in people]

    def in_tiles(self, image: UInt8[np.ndarray, "y x 3"]) -> list[Person]:
        """People found in half-overlapping squares along the picture's long side."""
        height, width, _ = image.shape
        side, length = min(height, width), max(height, width)
        num = max(1, int(np.ceil(2 * length / side)) - 1)
        found = []
        for start in np.linspace(0, length - side, num).astype(int) if num > 1 else ():
            tall = height > width
            tile = image[start : start + side] if tall else image[:, start : start + side]
            shift = (0, start) if tall else (start, 0)
            found += [Person(p.points_px + shift, p.score) for p in self(tile)]
        return found


class LandmarkNet:
    """Finds the 33 landmarks of the body in a square."""

    def __init__(self, path: Path, threads: int, min_score: float) -> None:
        self._net = Net(path, threads, ((5 * _NUM_POINTS,), (3 * _NUM_POINTS,), (1,), (64, 64, 39)))
        self._min_score = min_score

    def __call__(self, image: UInt8[np.ndarray, "y x 3"], square: Square) -> Landmarks | None:
        """Landmarks, or None if the square holds no person."""
        pixels = cut_square(image, square, LANDMARK_SIDE, replicate=True)
        flat, world, score, heatmaps = self._net(pixels.astype(np.float32) / np.float32(255))
        if score[0] <= self._min_score:
            return None
        points = flat.reshape(_NUM_POINTS, 5).astype(np.float64)
        refined = refine_landmarks(points[:, :2] / LANDMARK_SIDE, heatmaps)
        joints = world.reshape(_NUM_POINTS, 3)[:NUM_LANDMARKS].astype(np.float64)
        # The net's 3D is upright in its square; turn it back to the camera's upright.
        upright = Square(0.0, 0.0, 1.0, square.angle)
        joints[:, :2] = upright.to_image(joints[:, :2] + 0.5)
        seen = sigmoid(points[:NUM_LANDMARKS, 3:])
        return Landmarks(square.to_image(refined), joints, seen[:, 0], seen[:, 1], float(score[0]))
