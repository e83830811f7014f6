"""The clips of CMU-Lift: which clip serves what, under which rig, as data."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from vitruve.data.motion import cmu_archive
from vitruve.data.sequences.clip import MotionSequence

ClipSet = Literal["train", "validation", "subject", "action", "avatar"]
TEST_SETS: tuple[ClipSet, ...] = ("subject", "action", "avatar")
"""What is scored: held-out people; held-out clips; held-out people on an avatar's body."""


@dataclass(frozen=True)
class Clip:
    """One clip and its part in the benchmark."""

    name: str
    set: ClipSet
    action: str
    """Group of the per-action table; empty in training."""
    rig: str
    """Human3.6M subject whose four cameras see it; empty in training."""
    subject: str
    frames: int
    """Length at 60 frames per second."""
    trial: str | None
    """CMU's subject_trial number, where the source states it."""
    source: str
    """Public repository and file it was taken from."""
    skeleton: str
    """Whose bone lengths it has."""


@cache
def clips(*sets: ClipSet) -> tuple[Clip, ...]:
    """The clips of some sets, in the benchmark's order."""
    text = resources.files("vitruve.benchmarks").joinpath("cmu_lift.json").read_text("utf-8")
    every = (Clip(**entry) for entry in json.loads(text)["clips"])
    return tuple(clip for clip in every if clip.set in sets)


def read_clips(data: str | Path, wanted: Sequence[Clip]) -> dict[str, MotionSequence]:
    """Read clips from the motion archive, in the archive's order.

    Raises:
        FileNotFoundError: There is no archive.
        ValueError: The archive is damaged, lacks a clip, or has it at another length.
    """
    lengths = {clip.name: clip.frames for clip in wanted}
    found = {s.name: s for s in cmu_archive.read(data) if s.name in lengths}
    missing = [name for name in lengths if name not in found]
    if missing:
        raise ValueError(
            f"{data} lacks {len(missing)} of {len(lengths)} clips of CMU-Lift, first "
            f"{missing[0]!r}; docs/benchmarks.md says how to rebuild it"
        )
    for name, sequence in found.items():
        if sequence.num_frames != lengths[name]:
            raise ValueError(
                f"{data}: clip {name!r} has {sequence.num_frames} frames, CMU-Lift's has "
                f"{lengths[name]}; it must be every second frame of the 120 Hz recording"
            )
    return found
