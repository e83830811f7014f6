"""What ``index.json`` says of a sequence, both ways, and the checks on an index from elsewhere."""

import json
import re
from typing import Any

import numpy as np
import torch

from vitruve.data.sequences.clip import MotionSequence
from vitruve.geometry.camera import Camera
from vitruve.poses import KeypointSequence
from vitruve.skeletons import SKELETONS, Skeleton

SCHEMA = 1
_ARRAY_NAME = re.compile(r"joints_world|valid|keypoints_(px|valid|confidence|frames)_\d{1,3}")
_DTYPES = {"float32", "bool", "int64"}


def chunk_path(sequence: int, key: str, number: int) -> str:
    """Where chunk ``number`` of one array lies within the store."""
    return f"arrays/{sequence:05d}/{key}.{number:03d}.npy"


def arrays_of(sequence: MotionSequence) -> dict[str, np.ndarray]:
    """Every array of a sequence under the name the store gives it; frames are the first axis."""
    arrays: dict[str, np.ndarray] = {}
    if sequence.joints_world is not None and sequence.valid is not None:
        arrays = {"joints_world": sequence.joints_world, "valid": sequence.valid}
    for i, k in enumerate(sequence.keypoints):
        arrays[f"keypoints_px_{i}"] = k.keypoints_px.float().numpy()
        arrays[f"keypoints_valid_{i}"] = k.valid.numpy()
        arrays[f"keypoints_confidence_{i}"] = k.confidence.float().numpy()
        arrays[f"keypoints_frames_{i}"] = k.frames.numpy()
    return arrays


def entry_of(sequence: MotionSequence) -> dict[str, Any]:
    """Everything about a sequence but its arrays, as JSON values."""
    return {
        "name": sequence.name,
        "subject": sequence.subject,
        "action": sequence.action,
        "split": sequence.split,
        "skeleton": _skeleton_entry(sequence.skeleton),
        "fps": sequence.fps,
        "frames": sequence.num_frames,
        "cameras": [_camera_entry(c) for c in sequence.cameras],
        "keypoints": [
            {
                "skeleton": _skeleton_entry(k.skeleton),
                "image_size_px": list(k.image_size_px),
                "fps": k.fps,
                "person": k.person,
                "model": k.model,
            }
            for k in sequence.keypoints
        ],
    }


def sequence_of(name: str, entry: dict[str, Any], arrays: dict[str, np.ndarray]) -> MotionSequence:
    """Put a sequence, or a range of its frames, together again."""
    return MotionSequence(
        name=name,
        subject=entry["subject"],
        action=entry["action"],
        split=entry["split"],
        skeleton=_skeleton(entry["skeleton"]),
        fps=float(entry["fps"]),
        joints_world=arrays.get("joints_world"),
        valid=arrays.get("valid"),
        cameras=tuple(_camera(c) for c in entry["cameras"]),
        keypoints=tuple(
            KeypointSequence(
                skeleton=_skeleton(k["skeleton"]),
                keypoints_px=_tensor(arrays[f"keypoints_px_{i}"]),
                valid=_tensor(arrays[f"keypoints_valid_{i}"]),
                confidence=_tensor(arrays[f"keypoints_confidence_{i}"]),
                frames=_tensor(arrays[f"keypoints_frames_{i}"]),
                fps=float(k["fps"]),
                image_size_px=(int(k["image_size_px"][0]), int(k["image_size_px"][1])),
                person=k["person"],
                model=k["model"],
            )
            for i, k in enumerate(entry["keypoints"])
        ),
    )


def check_index(text: bytes, url: str) -> dict[str, dict[str, Any]]:
    """Parse an index and make sure that nothing in it can lead astray.

    Raises:
        ValueError: It is no index, of another schema, or names impossible arrays.
    """
    try:
        index = json.loads(text)
        schema = index["schema"]
        entries = {str(e["name"]): e for e in index["sequences"]}
        broken = [name for name, e in entries.items() if not _sound(e)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{url}: index.json is not a sequence store's index: {error!r}") from error
    if schema != SCHEMA:
        raise ValueError(f"{url}: store schema {schema!r}, this version reads {SCHEMA}")
    if broken or len(entries) != len(index["sequences"]):
        raise ValueError(f"{url}: index.json has damaged or doubled entries: {broken[:3]}")
    return entries


def _sound(entry: dict[str, Any]) -> bool:
    frames, chunk = entry["frames"], entry["chunk_frames"]
    counts = [entry["number"] + 1, frames, chunk]
    if not all(isinstance(n, int) and n > 0 for n in counts):
        return False
    chunks = -(-frames // chunk)
    return all(
        _ARRAY_NAME.fullmatch(key) is not None
        and spec["dtype"] in _DTYPES
        and all(isinstance(n, int) and n > 0 for n in spec["shape"])
        and len(spec["sha256"]) == chunks
        for key, spec in entry["arrays"].items()
    )


def _skeleton_entry(skeleton: Skeleton) -> dict[str, Any]:
    return {
        "name": skeleton.name,
        "names": list(skeleton.names),
        "parents": list(skeleton.parents),
        "mirror_index": list(skeleton.mirror_index),
    }


def _skeleton(entry: dict[str, Any]) -> Skeleton:
    """The house's own definition where it is the same; else the one the store was written with."""
    name, names, parents = entry["name"], tuple(entry["names"]), tuple(entry["parents"])
    if name in SKELETONS and (SKELETONS[name].names, SKELETONS[name].parents) == (names, parents):
        return SKELETONS[name]
    return Skeleton(name, names, parents, tuple(entry["mirror_index"]))


def _camera_entry(camera: Camera) -> dict[str, Any]:
    return {
        "intrinsics": camera.intrinsics.tolist(),
        "image_size_px": list(camera.image_size_px),
        "distortion": None if camera.distortion is None else camera.distortion.tolist(),
        "T_world_cam": None if camera.T_world_cam is None else camera.T_world_cam.tolist(),
    }


def _camera(entry: dict[str, Any]) -> Camera:
    width, height = entry["image_size_px"]
    distortion, T_world_cam = entry["distortion"], entry["T_world_cam"]
    return Camera(
        intrinsics=torch.tensor(entry["intrinsics"]),
        image_size_px=(int(width), int(height)),
        distortion=None if distortion is None else torch.tensor(distortion),
        T_world_cam=None if T_world_cam is None else torch.tensor(T_world_cam),
    )


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(array))
