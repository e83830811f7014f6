"""Vitruve's own keypoint file: a statement and arrays, as npz or as JSON.

The statement is JSON: ``format``, ``version``, ``units``, and ``people``, each with ``person``,
``model``, ``fps``, ``image_size_px`` and ``skeleton`` (``name``, ``names``, ``parents``). The
arrays of person ``i`` are ``keypoints_px`` (t, k, 2), ``valid`` (t, k), ``confidence`` (t, k) and
``frames`` (t): in JSON beside that person's statement, in npz as ``i.keypoints_px`` and so on, with
the statement as the text array ``header``.
"""

import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vitruve.io.atomic import atomic_path
from vitruve.io.errors import FileError
from vitruve.io.keypoint_tracks import MAX_PEOPLE, to_fps, to_size
from vitruve.io.limits import MAX_JOINTS, clip
from vitruve.poses import KeypointSequence
from vitruve.skeletons import Skeleton, skeleton

FORMAT = "vitruve.keypoints"
_ARRAYS = {
    "keypoints_px": np.float32,
    "valid": np.bool_,
    "confidence": np.float32,
    "frames": np.int64,
}


def write_keypoints(sequences: Sequence[KeypointSequence], path: str | Path) -> None:
    """Write everyone's 2D keypoints, as ``.npz`` or ``.json`` by the suffix of ``path``.

    Raises:
        ValueError: Another suffix.
        OSError: The folder cannot be written.
    """
    path = Path(path)
    people = [_stated(s) for s in sequences]
    arrays = [{name: getattr(s, name).cpu().numpy() for name in _ARRAYS} for s in sequences]
    head = {
        "format": FORMAT,
        "version": importlib.metadata.version("vitruve"),
        "units": "pixels, x right, y down, centres at .5",
        "people": people,
    }
    if path.suffix == ".npz":
        flat = {f"{i}.{name}": a for i, of in enumerate(arrays) for name, a in of.items()}
        with atomic_path(path) as temporary, temporary.open("wb") as sink:
            np.savez(sink, header=np.array(json.dumps(head)), **flat)
    elif path.suffix == ".json":
        for stated, of in zip(people, arrays, strict=True):
            stated |= {name: array.tolist() for name, array in of.items()}
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(head), encoding="utf-8")
    else:
        raise ValueError(f"keypoints are written as .npz or .json, not {path.suffix!r}: {path}")


def from_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> list[KeypointSequence] | None:
    """The people of an archive, None if `write_keypoints` did not make it.

    Raises:
        FileError: It did, but the content is broken.
    """
    header = arrays.get("header")
    if header is None or header.dtype.kind != "U" or header.size != 1:
        return None
    try:
        head = json.loads(str(header.reshape(-1)[0]))
    except (ValueError, RecursionError):
        return None
    people = _people(head)
    if people is None:
        return None
    return [
        _person(path, stated, {name: arrays.get(f"{i}.{name}") for name in _ARRAYS})
        for i, stated in enumerate(people)
    ]


def from_json(path: Path, content: Any) -> list[KeypointSequence] | None:
    """The people of a JSON file, None if `write_keypoints` did not make it.

    Raises:
        FileError: It did, but the content is broken.
    """
    people = _people(content)
    if people is None:
        return None
    return [_person(path, p, p if isinstance(p, dict) else {}) for p in people]


def _stated(sequence: KeypointSequence) -> dict[str, Any]:
    s = sequence.skeleton
    return {
        "person": sequence.person,
        "model": sequence.model,
        "fps": float(sequence.fps),
        "image_size_px": [int(n) for n in sequence.image_size_px],
        "skeleton": {"name": s.name, "names": list(s.names), "parents": list(s.parents)},
    }


def _people(head: Any) -> list[Any] | None:
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        return None
    people = head.get("people")
    return people[:MAX_PEOPLE] if isinstance(people, list) else None


def _person(path: Path, stated: Any, arrays: Mapping[str, Any]) -> KeypointSequence:
    try:
        joint_set = _skeleton(stated["skeleton"])
        with np.errstate(over="ignore", invalid="ignore"):
            read = {name: np.array(arrays[name]).astype(kind) for name, kind in _ARRAYS.items()}
        shape = (len(read["frames"]), joint_set.num_joints)
        expected = {
            "keypoints_px": (*shape, 2),
            "valid": shape,
            "confidence": shape,
            "frames": shape[:1],
        }
        for name, wanted in expected.items():
            if read[name].shape != wanted:
                raise ValueError(f"{name} has shape {read[name].shape}, expected {wanted}")
        _check_frames(read["frames"])
        fps, size = to_fps(stated["fps"]), to_size(*stated["image_size_px"])
        if fps is None or size is None:
            raise ValueError(f"fps {stated['fps']}, image_size_px {stated['image_size_px']}")
        finite = np.isfinite(read["keypoints_px"]).all(-1) & np.isfinite(read["confidence"])
        keypoints = np.where(finite[..., None], read["keypoints_px"], 0.0)
        confidence = np.clip(np.where(finite, read["confidence"], 0.0), 0.0, 1.0)
        return KeypointSequence(
            skeleton=joint_set,
            keypoints_px=torch.from_numpy(keypoints.astype(np.float32)),
            valid=torch.from_numpy(read["valid"] & finite),
            confidence=torch.from_numpy(confidence.astype(np.float32)),
            frames=torch.from_numpy(read["frames"]),
            fps=fps,
            image_size_px=size,
            person=int(stated.get("person", 0)),
            model=clip(str(stated.get("model", ""))),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise FileError(f"{path} holds no sound keypoints: {clip(repr(error))}") from None


def _check_frames(frames: np.ndarray) -> None:
    if (frames < 0).any() or (np.diff(frames) <= 0).any():
        raise ValueError("frames must be 0 or more and increase")


def _skeleton(stated: Mapping[str, Any]) -> Skeleton:
    names = tuple(str(n) for n in stated["names"])
    if len(names) > MAX_JOINTS:
        raise ValueError(f"{len(names)} joints; at most {MAX_JOINTS}")
    name = clip(str(stated["name"]))
    try:
        known = skeleton(name)
    except KeyError:
        known = None
    if known is not None and known.names == names:
        return known
    return Skeleton(name=name, names=names, parents=tuple(int(p) for p in stated["parents"]))
