"""Recordings whose 2D, cameras and 3D are all given, to be read as they are and as windows.

Axes: b windows, n windows there are, t frames, k keypoints, j joints.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, assert_never

import torch
from jaxtyping import Int64
from torch import Tensor

from vitruve.data.cameras.level import R_WORLD_CAM
from vitruve.data.sequences.clip import MotionSequence
from vitruve.poses import PoseBatch

WindowKind = Literal["centred", "whole"]
"""``centred``: around a frame, for nets that answer that one; beyond a clip's ends its first and
last frame repeat. ``whole``: within a clip, for nets that answer every frame."""
_PER_FRAME = ("keypoints_px", "keypoints_valid", "confidence", "joints_cam", "valid")
_PER_VIEW = ("image_size_px", "intrinsics", "distortion", "fps")


def recorded_batch(sequence: MotionSequence, camera: int) -> PoseBatch:
    """All frames of a sequence as one of its cameras and its detector saw them, no batch axis.

    Where there is no camera, the joints are in the axes of a level one.

    Raises:
        ValueError: The sequence lacks 3D joints, or keypoints in that camera.
    """
    if sequence.joints_world is None or sequence.valid is None:
        raise ValueError(f"sequence {sequence.name!r} has no 3D joints; leave it out")
    if camera >= len(sequence.keypoints):
        raise ValueError(
            f"sequence {sequence.name!r} has keypoints in {len(sequence.keypoints)} cameras, "
            f"none in camera {camera}; read it with its 2D"
        )
    joints_world, valid = map(torch.from_numpy, (sequence.joints_world, sequence.valid))
    lens = sequence.cameras[camera] if sequence.cameras else None
    seen = sequence.keypoints[camera]
    if lens is None:
        joints_cam = joints_world @ torch.tensor(R_WORLD_CAM)
    else:
        joints_cam = lens.joints_to_cam(joints_world)
    return PoseBatch(
        keypoint_skeleton=seen.skeleton,
        keypoints_px=seen.keypoints_px,
        keypoints_valid=seen.valid,
        confidence=seen.confidence,
        image_size_px=torch.tensor(seen.image_size_px, dtype=torch.float32),
        intrinsics=None if lens is None else lens.intrinsics,
        distortion=None if lens is None else lens.distortion,
        fps=torch.tensor(sequence.fps),
        skeleton=sequence.skeleton,
        joints_cam=joints_cam,
        valid=valid,
    )


class RecordedWindows:
    """Windows over every view of many recordings, all in memory.

    A frame whose root has no label teaches nothing and is dropped: the recording counts as two, one
    before it and one after.
    """

    def __init__(
        self,
        sequences: Iterable[MotionSequence],
        window: int,
        *,
        stride: int = 1,
        kind: WindowKind = "centred",
    ) -> None:
        """Gather labels and keypoints, and lay windows ``stride`` frames apart.

        Whole windows end with their clip: the last one moves back to do so. A clip shorter than one
        has none.

        Raises:
            ValueError: No window fits, skeletons differ, or 2D or 3D is missing.
        """
        views = [view for sequence in sequences for view in _views(sequence)]
        sets = {(v.keypoint_skeleton, v.skeleton) for v in views}
        if len(sets) > 1:
            names = sorted(f"{k.name} to {j.name}" for k, j in sets if j is not None)
            raise ValueError(f"recordings of one pair of skeletons are needed, got {names}")
        self.window = window
        self._stretches, self._starts = _lay(views, window, stride, kind)
        if not len(self):
            raise ValueError(
                f"no recording has {window} labelled frames in a row; take a shorter window"
            )
        self._skeletons = views[0].keypoint_skeleton, views[0].skeleton
        self._frames = {name: _join(views, name, torch.cat) for name in _PER_FRAME}
        self._views = {name: _join(views, name, torch.stack) for name in _PER_VIEW}

    def __len__(self) -> int:
        """Windows in all."""
        return len(self._starts)

    def batch(self, chosen: Int64[Tensor, "b"]) -> PoseBatch:
        """Windows by their numbers, 0 to ``len(self) - 1``."""
        start, run = self._starts[chosen].unbind(-1)
        first, last, view = self._stretches[run].unbind(-1)
        at = start[:, None] + torch.arange(self.window)
        at = at.clamp(first[:, None], last[:, None])
        keypoint_skeleton, skeleton = self._skeletons
        frames = {name: None if x is None else x[at] for name, x in self._frames.items()}
        views = {name: None if x is None else x[view] for name, x in self._views.items()}
        fields: dict[str, Tensor | None] = frames | views
        return PoseBatch(keypoint_skeleton=keypoint_skeleton, skeleton=skeleton, **fields)  # pyright: ignore[reportArgumentType]


def _views(sequence: MotionSequence) -> Iterator[PoseBatch]:
    if not sequence.keypoints:
        raise ValueError(f"sequence {sequence.name!r} has no keypoints; read it with its 2D")
    return (recorded_batch(sequence, camera) for camera in range(len(sequence.keypoints)))


def _lay(
    views: list[PoseBatch], window: int, stride: int, kind: WindowKind
) -> tuple[Int64[Tensor, "stretches 3"], Int64[Tensor, "n 2"]]:
    """First frame, last frame and view of each stretch; first frame and stretch of each window.

    Frames are counted through all views, one behind the other.
    """
    stretches: list[tuple[int, int, int]] = []
    windows = [torch.zeros(0, 2, dtype=torch.int64)]
    offset = 0
    for number, view in enumerate(views):
        for first, end in _runs(view):
            at = _starts(end - first, window, stride, kind) + first + offset
            windows.append(torch.stack([at, torch.full_like(at, len(stretches))], dim=1))
            stretches.append((first + offset, end - 1 + offset, number))
        offset += len(view.keypoints_px)
    return torch.tensor(stretches, dtype=torch.int64).reshape(-1, 3), torch.cat(windows)


def _runs(view: PoseBatch) -> Iterator[tuple[int, int]]:
    """First frame and end of every stretch in which each frame's root is labelled."""
    assert view.valid is not None
    assert view.skeleton is not None
    labelled = view.valid[:, view.skeleton.root].to(torch.int8)
    outside = torch.zeros(1, dtype=torch.int8)
    edges = torch.diff(labelled, prepend=outside, append=outside)
    firsts, ends = ((edges == sign).nonzero()[:, 0].tolist() for sign in (1, -1))
    return zip(firsts, ends, strict=True)


def _starts(num_frames: int, window: int, stride: int, kind: WindowKind) -> Int64[Tensor, "n"]:
    """First frame of each window, counted from the stretch's; it may lie before it."""
    match kind:
        case "centred":
            return torch.arange(0, num_frames, stride) - window // 2
        case "whole":
            last = num_frames - window
            starts = list(range(0, last + 1, stride))
            if starts and starts[-1] < last:
                starts.append(last)
            return torch.tensor(starts, dtype=torch.int64)
        case _:
            assert_never(kind)


def _join(
    views: list[PoseBatch], name: str, join: Callable[[list[Tensor]], Tensor]
) -> Tensor | None:
    values = [getattr(view, name) for view in views]
    return None if all(x is None for x in values) else join(values)
