"""Human3.6M as MotionBERT keeps it: hourglass detections and joints on the scale of the image.

``h36m_sh_conf_cam_source_final.pkl`` is a pickle of ``train`` and ``test``, each with a row per
frame: ``joint_2d`` (n, 17, 2) pixels, ``confidence`` (n, 17) or (n, 17, 1) or none,
``joint3d_image`` (n, 17, 3) pixels of x, y and depth, ``camera_name``, ``action``, ``source`` (the
video); ``test`` also ``2.5d_factor`` (n,), millimetres a pixel spans at the person, and
``joints_2.5d_image`` (n, 17, 3), the joints in millimetres. It is read by an unpickler that builds
arrays only.

Source: Zhu et al., "MotionBERT: a unified perspective on learning human motion representations",
ICCV 2023, https://arxiv.org/abs/2210.06551; the joints are those of Ci et al., "Optimizing network
structure for 3D human pose estimation", ICCV 2019.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64

from vitruve.data.cameras.level import level_world
from vitruve.data.sequences.clip import MotionSequence
from vitruve.io.restricted_pickle import read_pickle
from vitruve.poses import KeypointSequence
from vitruve.skeletons import SKELETONS

PAGE = "https://github.com/Walter0807/MotionBERT"
FILE = "h36m_sh_conf_cam_source_final.pkl"
FPS = 50.0
IMAGE_SIZES_PX = {
    "54138969": (1000, 1002),
    "55011271": (1000, 1000),
    "58860488": (1000, 1000),
    "60457274": (1000, 1002),
}
"""Width and height by camera."""
_NUM_JOINTS = 17


@dataclass(frozen=True, eq=False)
class Video:
    """One recording of one camera: t frames, j joints of ``h36m_17``."""

    name: str
    """As the file has it: subject, act, subact and camera."""
    action: str
    image_size_px: tuple[int, int]
    keypoints_px: Float64[np.ndarray, "t j 2"]
    """Detected."""
    confidence: Float64[np.ndarray, "t j"]
    joints_px: Float64[np.ndarray, "t j 3"]
    """True x and y in the image and depth relative to the root, all in pixels."""
    m_per_px: Float64[np.ndarray, "t"] | None
    """Metres that a pixel spans at the person; test only."""
    joints_m: Float64[np.ndarray, "t j 3"] | None
    """``joints_px`` on that scale, metres: what the protocol scores; test only."""


def videos(root: str | Path, split: str) -> list[Video]:
    """The videos of a split, in the file's order; ``root`` is the file or its folder.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It is damaged, hostile, or of another layout.
    """
    path = _located(root)
    return _videos(read_pickle(path), split, path)


def read(root: str | Path, split: str | None = None) -> Iterator[MotionSequence]:
    """Yield every video as a sequence without a camera: its projection is orthographic.

    Test joints are in metres. The file does not say how large a pixel is in training, so there a
    length of 1 is half the image's width, the scale on which MotionBERT trains.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It is damaged, hostile, of another layout, or has no such split.
    """
    path = _located(root)
    content = read_pickle(path)
    splits = ("train", "test") if split is None else (split,)
    parts = [(s, _videos(content, s, path)) for s in splits]
    return (_sequence(video, s) for s, found in parts for video in found)


def _located(root: str | Path) -> Path:
    path = Path(root)
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: get Human3.6M as MotionBERT prepared it (docs/pose3d.md of "
            f"{PAGE}); expected is {FILE} with `train` and `test`"
        )
    return path


def _videos(content: Any, split: str, path: Path) -> list[Video]:
    if not isinstance(content, dict) or not isinstance(content.get(split), dict):
        raise ValueError(f"{path} holds no {split!r}; expected a dict with `train` and `test`")
    try:
        rows = _Rows(content[split], split)
        return [rows.video(start, stop) for start, stop in rows.spans()]
    except ValueError as error:
        raise ValueError(f"{path}, {split}: {error}") from error


class _Rows:
    """The columns of one split, checked."""

    def __init__(self, columns: Mapping[str, Any], split: str) -> None:
        self._columns = columns
        self._source, self._action, self._camera = map(
            self._texts, ("source", "action", "camera_name")
        )
        self._count = len(self._source)
        if {len(self._action), len(self._camera)} != {self._count}:
            raise ValueError("source, action and camera_name differ in length")
        self._points = self._numbers("joint_2d", (_NUM_JOINTS, -1))[..., :2]
        self._joints = self._numbers("joint3d_image", (_NUM_JOINTS, 3))
        self._confidence = np.ones((self._count, _NUM_JOINTS))
        if "confidence" in columns:
            self._confidence = self._numbers("confidence", (_NUM_JOINTS,))
        self._factor = self._metric = None
        if split == "test":
            self._factor = self._numbers("2.5d_factor", ()) / 1000
            self._metric = self._numbers("joints_2.5d_image", (_NUM_JOINTS, 3)) / 1000

    def spans(self) -> list[tuple[int, int]]:
        """First row of each video and the row behind its last; a video's rows are consecutive."""
        starts = [i for i in range(self._count) if i == 0 or self._source[i] != self._source[i - 1]]
        if len({self._source[i] for i in starts}) < len(starts):
            raise ValueError("the rows of a video are not consecutive")
        return list(zip(starts, [*starts[1:], self._count], strict=True))

    def video(self, start: int, stop: int) -> Video:
        camera = self._camera[start]
        if camera not in IMAGE_SIZES_PX:
            raise ValueError(f"camera {camera!r} in row {start} is none of Human3.6M's")
        at = slice(start, stop)
        return Video(
            name=self._source[start],
            action=self._action[start],
            image_size_px=IMAGE_SIZES_PX[camera],
            keypoints_px=self._points[at],
            confidence=self._confidence[at],
            joints_px=self._joints[at],
            m_per_px=None if self._factor is None else self._factor[at],
            joints_m=None if self._metric is None else self._metric[at],
        )

    def _column(self, name: str) -> list[Any] | np.ndarray:
        column = self._columns.get(name)
        if not isinstance(column, list | np.ndarray) or np.ndim(column) == 0:
            raise ValueError(f"there is no column {name!r}")
        return column

    def _texts(self, name: str) -> list[str]:
        return [str(value) for value in self._column(name)]

    def _numbers(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        array = np.asarray(self._column(name))
        if array.dtype.kind not in "iuf" or len(array) != self._count:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {self._count} rows")
        try:
            rows = array.astype(np.float64).reshape(self._count, *shape)
        except ValueError as error:
            raise ValueError(f"{name} has shape {array.shape}, expected (n, *{shape})") from error
        if not np.isfinite(rows).all():
            raise ValueError(f"{name} is not finite in row {np.argwhere(~np.isfinite(rows))[0][0]}")
        return rows


def _sequence(video: Video, split: str) -> MotionSequence:
    half_width = video.image_size_px[0] / 2
    joints = video.joints_px / half_width if video.joints_m is None else video.joints_m
    valid = np.ones(joints.shape[:2], dtype=bool)
    skeleton = SKELETONS["h36m_17"]
    return MotionSequence(
        name=video.name,
        subject=video.name[:4],
        action=video.action,
        split=split,
        skeleton=skeleton,
        fps=FPS,
        joints_world=level_world(joints, valid)[0],
        valid=valid,
        keypoints=(
            KeypointSequence(
                skeleton=skeleton,
                keypoints_px=torch.from_numpy(video.keypoints_px.astype(np.float32)),
                valid=torch.from_numpy(valid),
                confidence=torch.from_numpy(video.confidence.astype(np.float32)),
                frames=torch.arange(len(joints)),
                fps=FPS,
                image_size_px=video.image_size_px,
                model="stacked hourglass",
            ),
        ),
    )
