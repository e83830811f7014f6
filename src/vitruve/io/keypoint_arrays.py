"""2D keypoints in npz archives of other tools, recognised by the names of their arrays.

- ``landmarks_px`` (t, 33, c) or (t, p, 33, c): MediaPipe in pixels; c is x, y[, z[, visibility]];
  beside it ``visibility``, ``detected`` (t), ``fps``, ``width``, ``height``, ``model``;
- ``keypoints`` (t, k, c) or (t, p, k, c): any tool, such as a loop over rtmlib's arrays; c is
  x, y[, confidence]; beside it ``scores`` or ``keypoint_scores``, ``fps``, ``width``, ``height``.

The person axis p is taken as one person each.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vitruve.io.errors import FileError
from vitruve.io.keypoint_tracks import MAX_PEOPLE, Found, Track, to_fps, to_size
from vitruve.io.limits import MAX_JOINTS, clip

_SCORES = ("scores", "keypoint_scores", "visibility", "confidence")


def read_array_layout(path: Path, arrays: Mapping[str, np.ndarray]) -> Found | None:
    """Recognise the arrays of one archive.

    Returns:
        None if they are none of the layouts.

    Raises:
        FileError: They are one of them, but broken.
    """
    if "landmarks_px" in arrays:
        layout, points = "MediaPipe", arrays["landmarks_px"]
    elif "keypoints" in arrays:
        layout, points = "npz", arrays["keypoints"]
    else:
        return None
    if points.ndim == 3:
        points = points[:, None]
    _check(path, points)
    rows = np.empty((*points.shape[:3], 3), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        rows[..., :2] = points[..., :2]
        rows[..., 2] = _confidence(path, arrays, points)
    detected = arrays.get("detected")
    if detected is not None and detected.shape == points.shape[:1]:
        rows[~detected.astype(bool), ..., 2] = 0.0
    frames = np.arange(len(rows), dtype=np.int64)
    return Found(
        layout,
        [Track(p, frames, rows[:, p, :, :]) for p in range(points.shape[1])],
        fps=to_fps(_scalar(arrays, "fps")),
        image_size_px=to_size(_scalar(arrays, "width"), _scalar(arrays, "height")),
        model=clip(str(_scalar(arrays, "model") or "")),
    )


def _check(path: Path, points: np.ndarray) -> None:
    numeric = points.dtype.kind in "fiu"
    if not numeric or points.ndim != 4 or points.shape[3] not in (2, 3, 4):
        raise FileError(
            f"{path}: keypoints have shape {points.shape} of {points.dtype}; allowed are numbers "
            "of shape (t, k, c) or (t, people, k, c) with c = x, y and what follows"
        )
    if not 0 < points.shape[1] <= MAX_PEOPLE or not 0 < points.shape[2] <= MAX_JOINTS:
        raise FileError(
            f"{path}: {points.shape[1]} people of {points.shape[2]} keypoints; "
            f"at most {MAX_PEOPLE} of {MAX_JOINTS} are read"
        )


def _confidence(
    path: Path, arrays: Mapping[str, np.ndarray], points: np.ndarray
) -> np.ndarray | float:
    scores = next((arrays[k] for k in _SCORES if k in arrays), None)
    if scores is not None:
        if scores.size != points[..., 0].size or scores.dtype.kind not in "fiub":
            raise FileError(
                f"{path}: scores of shape {scores.shape} beside keypoints of {points.shape}"
            )
        return scores.reshape(points.shape[:3])
    if points.shape[3] == 4 or (points.shape[3] == 3 and "keypoints" in arrays):
        return points[..., -1]
    return 1.0


def _scalar(arrays: Mapping[str, np.ndarray], name: str) -> object:
    value = arrays.get(name)
    return value.reshape(-1)[0].item() if value is not None and value.size == 1 else None
