"""What BlazePose's two nets say, turned into people and landmarks.

Bazarevsky et al., "BlazePose: On-device Real-time Body Pose tracking", CV4ARVR 2020,
https://arxiv.org/abs/2006.10204. Constants are those of MediaPipe 0.10.21's pose graph.

Axes: a anchors, n people, k landmarks, y x heatmap cells.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from vitruve.pipeline.image_warp import Square

PERSON_SIDE = 224
"""Input side of the person net, pixels."""
LANDMARK_SIDE = 256
"""Input side of the landmark net, pixels."""
_LAYERS = ((8, 2), (16, 2), (32, 6))
"""Stride in pixels and anchors per cell; the three stride-32 layers are interleaved."""
_MIN_OVERLAP = 0.3
_WINDOW = 4
"""Heatmap cells on each side: 9 x 9. The published graph text says 7, the wheel behaves as 9."""


@dataclass(frozen=True)
class Person:
    """One find of the person net."""

    points_px: Float[np.ndarray, "6 2"]
    """Head box min and max, hip centre, body scale, shoulder centre, upper-body scale; pixels."""
    score: float
    """0 to 1."""

    @property
    def roi_points(self) -> Float[np.ndarray, "2 2"]:
        """Hip centre and the point whose distance from it is half the body's size, pixels."""
        return self.points_px[2:4]

    @property
    def torso(self) -> Float[np.ndarray, "2 2"]:
        """Hip and shoulder centre, pixels."""
        return self.points_px[[2, 4]]


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Logistic function in float64; the graph clips scores at 100, where float32 overflows."""
    return 1.0 / (1.0 + np.exp(-np.clip(np.asarray(x, np.float64), -100.0, 100.0)))


def anchor_centres() -> Float[np.ndarray, "a 2"]:
    """Centres of the 2254 anchors in units of the input side, x before y, x fastest."""
    layers = []
    for stride, per_cell in _LAYERS:
        line = (np.arange(PERSON_SIDE // stride) + 0.5) * stride / PERSON_SIDE
        cells = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
        layers.append(np.repeat(cells, per_cell, axis=0))
    return np.concatenate(layers)


def decode_people(
    raw: Float[np.ndarray, "a 12"],
    logits: Float[np.ndarray, "a"],
    anchors: Float[np.ndarray, "a 2"],
    min_score: float,
) -> tuple[Float[np.ndarray, "n 6 2"], Float[np.ndarray, "n"]]:
    """Boxes and keypoints above ``min_score``, in units of the input side, and their scores.

    Rows of the result: box min, box max, then the four keypoints.
    """
    points, scores = raw.reshape(-1, 6, 2).astype(np.float64) / PERSON_SIDE, sigmoid(logits)
    kept = (scores >= min_score) & (points[:, 1] >= 0).all(1)
    centre, half = points[kept, :1], points[kept, 1:2] / 2
    corners = np.concatenate([centre - half, centre + half, points[kept, 2:]], axis=1)
    return corners + anchors[kept, None], scores[kept]


def weighted_nms(
    points: Float[np.ndarray, "n 6 2"], scores: Float[np.ndarray, "n"]
) -> list[tuple[Float[np.ndarray, "6 2"], float]]:
    """Average each group of overlapping boxes by score; the group keeps its best score.

    The net's box is a constant 0.2 of the input around the head, so heads closer than 0.11 of the
    input become one person, whatever their size.
    """
    area = np.prod(points[:, 1] - points[:, 0], axis=1)
    left = np.argsort(-scores, kind="stable")
    groups = []
    while left.size:
        best = left[0]
        extent = np.minimum(points[left, 1], points[best, 1]) - np.maximum(
            points[left, 0], points[best, 0]
        )
        shared = np.clip(extent, 0, None).prod(1)
        same = shared > _MIN_OVERLAP * (area[left] + area[best] - shared)
        same |= left == best
        members = left[same]
        mean = np.average(points[members], axis=0, weights=scores[members])
        groups.append((mean, float(scores[best])))
        left = left[~same]
    return groups


def roi_from_points(points: Float[np.ndarray, "2 2"]) -> Square:
    """The square the landmark net looks at: 1.25 body diameters, upright when the body is."""
    centre, (dx, dy) = points[0], points[1] - points[0]
    angle = np.pi / 2 - np.arctan2(-dy, dx)
    angle -= 2 * np.pi * np.floor((angle + np.pi) / (2 * np.pi))
    return Square(float(centre[0]), float(centre[1]), 2.5 * float(np.hypot(dx, dy)), float(angle))


def refine_landmarks(
    points: Float[np.ndarray, "k 2"], heatmaps: Float[np.ndarray, "y x k"]
) -> Float[np.ndarray, "k 2"]:
    """Move each landmark to the mean of its heatmap nearby, where the heatmap is sure of it.

    As the wheel does: cell indices (not centres) weighted by the sigmoid in 9 x 9 cells around
    the truncated position, applied where the largest weight is at least 0.5.

    Args:
        points: In units of the crop's side.
        heatmaps: Logits, square.
    """
    n = heatmaps.shape[0]
    start = np.trunc(points * n).astype(np.intp)
    inside = (start[:, 0] >= 0) & (start[:, 0] < n) & (start[:, 1] >= 0)
    offset = np.arange(-_WINDOW, _WINDOW + 1)
    columns, rows = start[:, 0, None] + offset, start[:, 1, None] + offset
    weights = sigmoid(_windows(heatmaps, rows, columns))
    on_map = _on_map(rows, n)[:, :, None] & _on_map(columns, n)[:, None, :]
    weights = np.where(on_map, weights, 0.0)
    sure = inside & (weights.max((1, 2)) >= 0.5)
    total = np.where(sure, weights.sum((1, 2)), 1.0)
    x = (weights.sum(1) * columns).sum(1) / total / n
    y = (weights.sum(2) * rows).sum(1) / total / n
    return np.where(sure[:, None], np.stack([x, y], -1), points)


def _windows(heatmaps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    last = heatmaps.shape[0] - 1
    rows, columns = np.clip(rows, 0, last), np.clip(columns, 0, last)
    return heatmaps[rows[:, :, None], columns[:, None, :], np.arange(len(rows))[:, None, None]]


def _on_map(index: np.ndarray, n: int) -> Bool[np.ndarray, "k n"]:
    return (index >= 0) & (index < n)
