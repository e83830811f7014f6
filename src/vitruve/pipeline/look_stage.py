"""The stages of a run whose model looks at pictures: boxes around people, then what it says."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vitruve.data.masking.boxes import read_boxes
from vitruve.data.own.clips import frame_name, is_video
from vitruve.estimators import Estimator
from vitruve.geometry.camera import Camera
from vitruve.geometry.camera_file import camera_to_dict
from vitruve.io.errors import FileError
from vitruve.io.images import list_images
from vitruve.io.keypoints import read_keypoints, write_keypoints
from vitruve.io.video import VideoInfo
from vitruve.pipeline.detection import Detection
from vitruve.pipeline.lift import LiftedTrack
from vitruve.pipeline.lifted_file import load_track, save_track
from vitruve.pipeline.look import BoxTrack, box_track, look_at
from vitruve.pipeline.parts import fingerprint_of
from vitruve.pipeline.person_bones import box_around
from vitruve.pipeline.stages import Stages, weights_digest
from vitruve.poses import KeypointSequence

Progress = Callable[[str, int, int | None], None]


_load = partial(load_track, LiftedTrack)


@dataclass(frozen=True)
class LookConfig:
    """What a model that looks at pictures is shown."""

    boxes: Path | None = None
    """Boxes of one person, or masks (`data.masking.boxes`); None finds people."""
    crop_px: int | None = None
    """Side of the crops; None takes what the model says it was trained on."""


@dataclass(frozen=True, eq=False)
class Looking:
    """Who looks, through which camera, at what."""

    estimator: Estimator
    name: str
    """Of the estimator, for people."""
    camera: Camera
    config: LookConfig


def looks(estimator: Estimator, config: LookConfig) -> bool:
    """Whether an estimator answers from pictures alone.

    Raises:
        ValueError: It does not, but is told how to look.
    """
    if "images" in estimator.needs and "keypoints_px" not in estimator.needs:
        return True
    if config != LookConfig():
        raise ValueError(
            "boxes and the size of crops are for models that look at pictures; this one reads 2D "
            "keypoints: leave them out"
        )
    return False


def crop_side(looking: Looking) -> int:
    """Side of the crops that it is given, pixels.

    Raises:
        ValueError: Nobody says.
    """
    side = looking.config.crop_px or getattr(looking.estimator.config, "side_px", None)
    if side is None:
        raise ValueError(
            "the model does not say the size of pictures it was trained on: give --crop-px, such "
            "as 64"
        )
    return side


def boxes_of_tracks(tracks: Sequence[KeypointSequence]) -> list[BoxTrack]:
    """Boxes around people whose 2D joints were detected; who is hardly seen has none."""
    found = []
    for track in tracks:
        points, sure = track.keypoints_px.numpy(), (track.confidence * track.valid).numpy()
        around = [box_around(Detection(p, c)) for p, c in zip(points, sure, strict=True)]
        rows = [i for i, box in enumerate(around) if box is not None]
        if rows:
            boxes = np.stack([box for box in around if box is not None])
            frames = track.frames[rows].tolist()
            mean = sure[rows].astype(np.float64).max(-1)
            found.append(box_track(frames, boxes, mean, person=track.person, model=track.model))
    if not found:
        raise ValueError("nobody is seen well enough for a box: give --boxes")
    return found


def boxes_of_file(source: Path, path: Path) -> list[BoxTrack]:
    """Boxes of one person from a table or from masks.

    Raises:
        FileNotFoundError: There is no such table or folder.
        FileError: It is damaged, or names no picture of the source.
    """
    boxes = read_boxes(path)
    if is_video(source):
        names = [frame_name(i) for i in range(1 + _last_number(boxes))]
    else:
        names = [p.stem for p in (list_images(source) if source.is_dir() else [source])]
    frames = [i for i, name in enumerate(names) if name in boxes]
    if not frames:
        raise FileError(
            f"{path} has boxes of {len(boxes)} pictures, none of which is called as one of "
            f"{source}, such as {names[0] if names else '000000'}"
        )
    stacked = np.stack([boxes[names[i]] for i in frames])
    return [box_track(frames, stacked, np.ones(len(frames)), model=path.name)]


def look_stage(
    clip: VideoInfo,
    stages: Stages,
    looking: Looking,
    detect: Callable[[], list[KeypointSequence]],
    tell: Progress,
) -> list[tuple[KeypointSequence, LiftedTrack]]:
    """Everyone's joints, 2D and 3D; what an earlier run finished is read back.

    Args:
        clip: The source.
        stages: The run.
        looking: Who looks, and how.
        detect: Finds people where no boxes are given.
        tell: Told of the frames that are done.

    Raises:
        FileError: The source or the boxes cannot be read.
        ValueError: Nobody says how large crops are, nobody is seen, or the model needs more.
    """
    boxes, crop_px = looking.config.boxes, crop_side(looking)
    tracks = boxes_of_tracks(detect()) if boxes is None else boxes_of_file(clip.path, boxes)
    made_of = _made_of(clip, looking, tracks, crop_px)
    total = max(track.first + len(track.found) for track in tracks)
    outputs = [stages.folder / f"looked_{track.person}.npz" for track in tracks]
    keypoints = stages.folder / "looked_keypoints.npz"
    if stages.done("look", made_of, keypoints, *outputs):
        return list(zip(read_keypoints(keypoints), map(_load, outputs), strict=True))
    found = look_at(
        clip,
        tracks,
        (looking.estimator, looking.name, crop_px),
        looking.camera,
        tell=lambda done: tell("lift", done, total),
    )
    write_keypoints([person for person, _ in found], keypoints)
    for (_, lifted), output in zip(found, outputs, strict=True):
        save_track(lifted.map(torch.Tensor.contiguous), output)
    stages.finish("look", made_of)
    return found


def _made_of(
    clip: VideoInfo, looking: Looking, tracks: Sequence[BoxTrack], crop_px: int
) -> dict[str, Any]:
    """What the answers follow from."""
    return {
        "source": fingerprint_of(clip.path),
        "weights": weights_digest(looking.estimator),
        "camera": camera_to_dict(looking.camera),
        "tracks": [{k: np.asarray(v).tolist() for k, v in asdict(t).items()} for t in tracks],
        "crop_px": crop_px,
    }


def _last_number(boxes: dict[str, np.ndarray]) -> int:
    return max((int(name) for name in boxes if name.isdecimal()), default=-1)
