"""The views of CMU-Lift that nothing was trained on, for studies to look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vitruve.benchmarks.cmu_clips import TEST_SETS, clips, read_clips
from vitruve.benchmarks.cmu_views import Keypoints, Noise, views
from vitruve.benchmarks.view import View

StudySet = Literal["subject", "action", "avatar", "validation"]
"""The benchmark's test sets, and the person whom training chooses by; their clips have a rig too.
"""


class CmuMotion:
    """The motion of CMU-Lift's test sets and of its validation subject, in memory."""

    def __init__(self, data: str | Path) -> None:
        """Read the clips.

        Raises:
            FileNotFoundError: There is no motion archive at ``data``.
            ValueError: It is damaged or not the benchmark's.
        """
        self._clips = clips(*TEST_SETS, "validation")
        self._motion = read_clips(data, self._clips)

    def views(self, part: StudySet, keypoints: Keypoints | Noise) -> Iterator[View]:
        """Every view of one set, in the benchmark's order."""
        for clip in self._clips:
            if clip.set == part:
                yield from views(clip, self._motion[clip.name], keypoints)
