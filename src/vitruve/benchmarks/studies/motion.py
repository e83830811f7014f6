"""The test views of CMU-Lift, for studies to look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vitruve.benchmarks.cmu_clips import TEST_SETS, clips, read_clips
from vitruve.benchmarks.cmu_views import Keypoints, Noise, views
from vitruve.benchmarks.view import View

TestSet = Literal["subject", "action", "avatar"]


class CmuMotion:
    """The motion of CMU-Lift's test sets, in memory."""

    def __init__(self, data: str | Path) -> None:
        """Read the test clips.

        Raises:
            FileNotFoundError: There is no motion archive at ``data``.
            ValueError: It is damaged or not the benchmark's.
        """
        self._clips = clips(*TEST_SETS)
        self._motion = read_clips(data, self._clips)

    def views(self, part: TestSet, keypoints: Keypoints | Noise) -> Iterator[View]:
        """Every view of one test set, in the benchmark's order."""
        for clip in self._clips:
            if clip.set == part:
                yield from views(clip, self._motion[clip.name], keypoints)
