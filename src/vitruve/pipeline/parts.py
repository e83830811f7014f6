"""A detection run on disk while it lasts: finished chunks, each with the detector's state.

A run killed at any moment leaves whole chunks only; the next run goes on behind the last one with
the state the detector had there, so its result is the straight run's, bit for bit.

Axes: t frames of a chunk, n detections, k keypoints.
"""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.io.archive import load_npz
from vitruve.io.atomic import atomic_path
from vitruve.pipeline.detection import Detection

_HEAD_BYTES = 1 << 20
_STATE = "state_"


@dataclass(frozen=True)
class Part:
    """One finished chunk."""

    frames: list[list[Detection]]
    state: dict[str, np.ndarray]
    """The detector's, after the last frame."""


class Parts:
    """The chunks of one run, in a folder of its own."""

    def __init__(self, folder: Path, fingerprint: dict[str, Any]) -> None:
        """Open the folder; chunks of another source or other settings are thrown away."""
        self.folder = folder
        text = json.dumps(fingerprint, sort_keys=True)
        stated = folder / "run.json"
        if not stated.is_file() or stated.read_text(errors="replace") != text:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with atomic_path(stated) as temporary:
                temporary.write_text(text)

    def append(self, index: int, part: Part) -> None:
        """Write chunk number ``index``."""
        detections = [d for frame in part.frames for d in frame]
        arrays = {_STATE + name: value for name, value in part.state.items()}
        arrays["counts"] = np.array([len(frame) for frame in part.frames], np.int64)
        if detections:
            arrays["keypoints_px"] = np.stack([d.keypoints_px for d in detections])
            arrays["confidence"] = np.stack([d.confidence for d in detections])
        with atomic_path(self._path(index)) as temporary:
            np.savez(temporary, allow_pickle=False, **arrays)

    def load(self) -> list[Part]:
        """Whole chunks from the first on; a damaged one ends the list."""
        parts = []
        while (path := self._path(len(parts))).is_file():
            try:
                parts.append(_read(path))
            except (ValueError, KeyError):
                break
        return parts

    def remove(self) -> None:
        """Delete the folder: the run is done."""
        shutil.rmtree(self.folder)

    def _path(self, index: int) -> Path:
        return self.folder / f"part_{index:06d}.npz"


def _read(path: Path) -> Part:
    arrays = load_npz(path)
    state = {k.removeprefix(_STATE): v for k, v in arrays.items() if k.startswith(_STATE)}
    detections = []
    if arrays["counts"].sum():
        pairs = zip(arrays["keypoints_px"], arrays["confidence"], strict=True)
        detections = [Detection(points, confidence) for points, confidence in pairs]
    ends = np.cumsum(arrays["counts"])
    starts = ends - arrays["counts"]
    return Part([detections[a:b] for a, b in zip(starts, ends, strict=True)], state)


def fingerprint_of(source: Path) -> dict[str, Any]:
    """What tells one video or image folder from another without reading it all."""
    if source.is_dir():
        return {"files": _digest(_listing(source).encode())}
    stat = source.stat()
    with source.open("rb") as file:
        head = _digest(file.read(_HEAD_BYTES))
    return {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns, "head": head}


def _listing(folder: Path) -> str:
    rows = sorted(p for p in folder.iterdir() if p.is_file())
    return "\n".join(f"{p.name} {p.stat().st_size} {p.stat().st_mtime_ns}" for p in rows)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
