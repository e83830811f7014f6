"""Tracks and their chunks on disk, so that a killed run lifts each frame once."""

from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from vitruve.io.archive import load_npz
from vitruve.io.atomic import atomic_path
from vitruve.pipeline.lift import LiftedTrack
from vitruve.poses import TensorRecord

R = TypeVar("R", bound=TensorRecord)


def save_track(track: TensorRecord, path: Path) -> None:
    """Write a track or chunk whose fields are all tensors; whole or not at all."""
    arrays = {f.name: getattr(track, f.name).numpy() for f in fields(track)}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_track(kind: type[R], path: Path) -> R:
    """Read what `save_track` wrote of a record of this kind.

    Raises:
        ValueError: The file is damaged.
    """
    arrays = load_npz(path)
    names = [f.name for f in fields(kind)]
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"{path} lacks the array {missing[0]!r}: delete it and run again")
    return kind(**{name: torch.from_numpy(arrays[name].copy()) for name in names})


def join(chunks: list[LiftedTrack]) -> LiftedTrack:
    """Put consecutive chunks together."""
    names = [f.name for f in fields(LiftedTrack)]
    return LiftedTrack(**{name: torch.cat([getattr(c, name) for c in chunks]) for name in names})
