"""2D keypoint files of any tool, recognised by content, as the house's `KeypointSequence`.

Axes: t frames, k keypoints.
"""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from vitruve.io.archive import load_json, load_npz
from vitruve.io.errors import FileError
from vitruve.io.keypoint_arrays import read_array_layout
from vitruve.io.keypoint_file import from_json, from_npz, write_keypoints
from vitruve.io.keypoint_json import pack_keypoints, read_json_layout, read_openpose_folder
from vitruve.io.keypoint_tracks import Found, Track
from vitruve.poses import KeypointSequence
from vitruve.skeletons import Skeleton
from vitruve.skeletons import skeleton as find_skeleton

__all__ = ["DEFAULT_FPS", "SKELETON_BY_COUNT", "read_keypoints", "write_keypoints"]

DEFAULT_FPS = 30.0
"""Frames per second where neither the file nor the caller states them."""
SKELETON_BY_COUNT = {
    16: "mpii_16",
    17: "coco_17",
    18: "coco_openpose_18",
    25: "openpose_25",
    26: "halpe_26",
    33: "mediapipe_33",
    133: "coco_wholebody_133",
    136: "halpe_136",
}
"""What a file means that gives a number of keypoints and no name for them."""
_MAX_PX = 100_000.0
_NORMALISED = 1.5


def read_keypoints(
    path: str | Path,
    *,
    image_size_px: tuple[int, int] | None = None,
    fps: float | None = None,
    skeleton: str | Skeleton | None = None,
) -> list[KeypointSequence]:
    """2D keypoints of everyone in a file, or in OpenPose's folder of files.

    Joints that are (0, 0), not finite, without confidence, or more than one image outside the image
    are ``valid`` False. Confidences are clipped to 0..1. Frames without the person have no row.

    Args:
        path: A JSON or npz file, or a folder of one JSON file per frame.
        image_size_px: Width, height; what the file states wins over it.
        fps: Frames per second; what the file states wins. `DEFAULT_FPS` if neither does.
        skeleton: What the keypoints are, where their number does not tell (`SKELETON_BY_COUNT`).

    Returns:
        One sequence per person. Where the rate or size had to be assumed, ``model`` says so.

    Raises:
        FileNotFoundError: No such file.
        FileError: No known layout, a broken file, nobody in it, or an unknown set of keypoints.
        KeyError: ``skeleton`` names no format.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no such keypoint file or folder: {path}")
    wanted = find_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
    found = _recognise(path)
    if isinstance(found, list):
        sequences = found
    else:
        foreign = _sequences(path, found, image_size_px, fps, wanted)
        sequences = [s for s in map(_drop_empty_rows, foreign) if len(s.frames)]
    if not any(s.valid.any() for s in sequences):
        raise FileError(f"{path} shows no person: no keypoint in it is valid")
    return sequences


def _recognise(path: Path) -> Found | list[KeypointSequence]:
    if path.is_dir():
        return read_openpose_folder(path)
    if zipfile.is_zipfile(path):
        arrays = load_npz(path)
        own = from_npz(path, arrays)
        found = read_array_layout(path, arrays) if own is None else own
        what = f"arrays {', '.join(sorted(arrays))[:100] or '(none)'}"
    else:
        content = load_json(path, object_hook=pack_keypoints)
        own = from_json(path, content)
        found = read_json_layout(path, content) if own is None else own
        what = f"a JSON {type(content).__name__}"
    if found is None:
        raise FileError(
            f"{path} ({what}) is no keypoint layout that is known: COCO, OpenPose, AlphaPose, "
            "MMPose, MediaPipe or vitruve's own; see docs/keypoints.md"
        )
    return found


def _sequences(
    path: Path,
    found: Found,
    size: tuple[int, int] | None,
    fps: float | None,
    wanted: Skeleton | None,
) -> list[KeypointSequence]:
    tracks = found.tracks
    if not tracks:
        return []
    notes = [found.model or f"{found.layout} file"]
    joint_set = _skeleton(path, found, wanted)
    size = found.image_size_px or size
    points = [t.keypoints for t in tracks]
    if _is_normalised(points):
        if size is None:
            raise FileError(
                f"{path} has keypoints from 0 to 1: state the image size in pixels (--size)"
            )
        scale = np.array([*size, 1.0], np.float32)
        points = [p * scale for p in points]
    if size is None:
        size = _extent(points)
        notes.append(f"image size assumed {size[0]}x{size[1]}")
    rate = found.fps or fps
    if rate is None:
        rate = DEFAULT_FPS
        notes.append(f"{rate:g} fps assumed")
    return [
        _sequence(track, p, joint_set, size, rate, "; ".join(notes))
        for track, p in zip(tracks, points, strict=True)
    ]


def _sequence(
    track: Track,
    points: np.ndarray,
    joint_set: Skeleton,
    size: tuple[int, int],
    fps: float,
    model: str,
) -> KeypointSequence:
    xy, confidence = points[..., :2], points[..., 2]
    valid = _seen(points)
    bounds = np.array(size, np.float32)
    valid &= ((xy >= -bounds) & (xy <= 2 * bounds)).all(-1)
    keep = valid[..., None]
    return KeypointSequence(
        skeleton=joint_set,
        keypoints_px=torch.from_numpy(np.where(keep, xy, np.float32(0))),
        valid=torch.from_numpy(valid),
        confidence=torch.from_numpy(np.where(valid, confidence, np.float32(0)).clip(0, 1)),
        frames=torch.from_numpy(track.frames),
        fps=float(fps),
        image_size_px=size,
        person=track.person,
        model=model,
    )


def _skeleton(path: Path, found: Found, wanted: Skeleton | None) -> Skeleton:
    count = found.tracks[0].keypoints.shape[1]
    if wanted is None and (found.skeleton or count in SKELETON_BY_COUNT):
        wanted = find_skeleton(found.skeleton or SKELETON_BY_COUNT[count])
    if wanted is None:
        known = ", ".join(f"{n} ({name})" for n, name in SKELETON_BY_COUNT.items())
        raise FileError(
            f"{path} has {count} keypoints per person; known: {known}; or name a skeleton"
        )
    if wanted.num_joints != count:
        raise FileError(
            f"{path} has {count} keypoints per person, but {wanted.name} has {wanted.num_joints}: "
            "name another skeleton"
        )
    return wanted


def _seen(points: np.ndarray) -> np.ndarray:
    """Which keypoints (t, k) state a place: all tools write (0, 0) or confidence 0 for none."""
    xy = points[..., :2]
    finite = np.isfinite(points).all(-1) & (np.abs(xy) < _MAX_PX).all(-1)
    return finite & (points[..., 2] > 0) & (xy != 0).any(-1)


def _is_normalised(points: list[np.ndarray]) -> bool:
    largest = [float(np.abs(p[..., :2][_seen(p)]).max()) for p in points if _seen(p).any()]
    return len(largest) > 0 and max(largest) <= _NORMALISED


def _extent(points: list[np.ndarray]) -> tuple[int, int]:
    largest = [p[..., :2][_seen(p)].max(0) for p in points if _seen(p).any()]
    width, height = np.ceil(np.max([*largest, (1.0, 1.0)], axis=0))
    return int(width), int(height)


def _drop_empty_rows(sequence: KeypointSequence) -> KeypointSequence:
    rows = sequence.valid.any(-1)
    return replace(
        sequence,
        **{
            n: getattr(sequence, n)[rows] for n in ("keypoints_px", "valid", "confidence", "frames")
        },
    )
