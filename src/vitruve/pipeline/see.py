"""Let an image model look at the people of a clip: frames and 2D tracks in, placed joints out.

The tracks say only where people are, as boxes around what was seen of them.

Axes: t frames, k keypoints, j joints of the model, n people in a frame.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from vitruve.data.processing.boxes import joints_box_px
from vitruve.estimators import Estimator
from vitruve.estimators.pictured_people import (
    Looks,
    ViewsConfig,
    look_at_people,
    place_people_seen,
)
from vitruve.geometry.camera import Camera
from vitruve.io.video import read_frames
from vitruve.poses import KeypointSequence, TensorRecord

FEWEST_KEYPOINTS = 4
"""A person of whom fewer were seen has no box."""
_VIEWS_AT_ONCE = 64
"""Views that wait for the net; bounds memory."""

Progress = Callable[[int, int | None], None]
"""Told frames done and frames in all."""


@dataclass(frozen=True, eq=False)
class SeenTrack(TensorRecord):
    """What a model said of one person, in consecutive frames."""

    joints_cam: Float[Tensor, "t j 3"]
    """Camera frame, absolute, metres; arbitrary but finite where ``seen`` is False."""
    spread: Float[Tensor, "t j"]
    """Standard deviation of each joint over the model's views, metres."""
    seen: Bool[Tensor, "t"]
    frames: Int64[Tensor, "t"]
    """Source frame indices, consecutive."""


def sees(estimator: Estimator) -> bool:
    """Whether an estimator wants pictures and says where people stand in them."""
    return "images" in estimator.needs and hasattr(estimator.config, "expand")


def see(
    source: Path,
    tracks: Sequence[KeypointSequence],
    camera: Camera,
    estimator: Estimator,
    progress: Progress | None = None,
) -> list[SeenTrack]:
    """Look at everyone in every frame in which they were found.

    Args:
        source: Video, folder of images or image that the tracks were made of.
        tracks: One for each person.
        camera: Of the whole clip, with its lens.
        estimator: A model that takes pictures and places people.
        progress: Told of frames.

    Raises:
        FileError: The source cannot be read.
        ValueError: The model does not place people.
    """
    config = ViewsConfig(estimator.config.side_px, estimator.config.expand)
    seen = [_empty(track, estimator.skeleton.num_joints) for track in tracks]
    stop = max(int(track.frames[-1]) for track in tracks) + 1
    start = min(int(track.frames[0]) for track in tracks)
    tell = progress or (lambda done, total: None)
    tell(0, stop - start)
    waiting: list[tuple[int, int, Looks]] = []
    for frame, looks in _looks(source, tracks, camera, config, (start, stop)):
        waiting += [(frame, person, one) for person, one in looks]
        if len(waiting) * len(config.aims) >= _VIEWS_AT_ONCE:
            _answer(waiting, estimator, config, seen)
            waiting = []
        tell(frame + 1 - start, stop - start)
    _answer(waiting, estimator, config, seen)
    return seen


def _looks(
    source: Path,
    tracks: Sequence[KeypointSequence],
    camera: Camera,
    config: ViewsConfig,
    span: tuple[int, int],
) -> Iterator[tuple[int, list[tuple[int, Looks]]]]:
    boxes = [_boxes(track) for track in tracks]
    with closing(read_frames(source, *span, threads=1)) as frames:
        for frame in frames:
            here = [(p, box[frame.index]) for p, box in enumerate(boxes) if frame.index in box]
            yield (
                frame.index,
                [(p, look_at_people(frame.image, camera, b[None], config)) for p, b in here],
            )


def _boxes(track: KeypointSequence) -> dict[int, Float[Tensor, "4"]]:
    """Around what was seen of a person, by frame."""
    found = {}
    for row, frame in enumerate(track.frames.tolist()):
        points = track.keypoints_px[row, track.valid[row]]
        if len(points) >= FEWEST_KEYPOINTS:
            box = joints_box_px(points.double().numpy())
            if (box[2:] - box[:2]).max() > 1:
                found[frame] = torch.from_numpy(box).float()
    return found


def _empty(track: KeypointSequence, joints: int) -> SeenTrack:
    frames = torch.arange(int(track.frames[0]), int(track.frames[-1]) + 1)
    t = len(frames)
    seen = torch.zeros(t, dtype=torch.bool)
    return SeenTrack(torch.zeros(t, joints, 3), torch.zeros(t, joints), seen, frames)


def _answer(
    waiting: Sequence[tuple[int, int, Looks]],
    estimator: Estimator,
    config: ViewsConfig,
    seen: Sequence[SeenTrack],
) -> None:
    """Ask the model about everyone who waits, and write down what it says."""
    if not waiting:
        return
    said = place_people_seen(estimator, Looks.join([looks for _, _, looks in waiting]), config)
    for row, (frame, person, _) in enumerate(waiting):
        track = seen[person]
        at = frame - int(track.frames[0])
        # Behind the camera there is nobody: such an answer is none.
        track.seen[at] = bool((said.joints_cam[row, :, 2] > 0).all())
        track.joints_cam[at], track.spread[at] = said.joints_cam[row], said.spread[row]
