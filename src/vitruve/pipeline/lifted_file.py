"""Lifted chunks on disk, so that a killed run lifts each frame once."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

from vitruve.io.archive import load_npz
from vitruve.io.atomic import atomic_path
from vitruve.pipeline.lift import LiftedTrack


def save_lifted(track: LiftedTrack, path: Path) -> None:
    """Write a track or chunk; whole or not at all."""
    arrays = {f.name: getattr(track, f.name).numpy() for f in fields(track)}
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_lifted(path: Path) -> LiftedTrack:
    """Read what `save_lifted` wrote.

    Raises:
        ValueError: The file is damaged.
    """
    arrays = load_npz(path)
    names = [f.name for f in fields(LiftedTrack)]
    if missing := [name for name in names if name not in arrays]:
        raise ValueError(f"{path} lacks the array {missing[0]!r}: delete it and run again")
    return LiftedTrack(**{name: torch.from_numpy(arrays[name].copy()) for name in names})


def join(chunks: list[LiftedTrack]) -> LiftedTrack:
    """Put consecutive chunks together."""
    names = [f.name for f in fields(LiftedTrack)]
    return LiftedTrack(**{name: torch.cat([getattr(c, name) for c in chunks]) for name in names})
