"""CMU-Lift: 2D to 3D on CMU motion in the Human3.6M rigs; docs/benchmarks.md is its protocol.

Axes: t frames of a clip, j joints.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.base import Benchmark
from vitruve.benchmarks.cmu_clips import TEST_SETS, clips, read_clips
from vitruve.benchmarks.cmu_views import KEYPOINTS, Keypoints, views
from vitruve.benchmarks.view import View
from vitruve.skeletons import skeleton


class CmuLift(Benchmark):
    """The benchmark over one motion archive."""

    name = "cmu_lift"
    title = "CMU-Lift"
    data_name = "cmu"
    main_set = "subject"
    columns = (*Benchmark.columns, "lse", "lle", "bsle")
    fps = 60.0
    skeleton = skeleton("h36m_17")
    keypoints = KEYPOINTS
    num_cameras = 4
    data_variable = "VITRUVE_MOTION"

    def __init__(self, data: str | Path) -> None:
        """Read the test clips.

        Raises:
            FileNotFoundError: There is no motion archive at ``data``.
            ValueError: It is damaged or not the benchmark's.
        """
        self.clips = self._clips = clips(*TEST_SETS)
        self._motion = read_clips(data, self._clips)

    def views(self, keypoints: str) -> Iterator[View]:
        """Every view of every test clip, in the benchmark's order."""
        for clip in self._clips:
            yield from views(clip, self._motion[clip.name], cast(Keypoints, keypoints))

    def errors(self, view: View, joints: Float[Tensor, "t j 3"]) -> dict[str, float]:
        """Root-relative errors, and how well limbs keep their lengths."""
        return super().errors(view, joints) | self.length_errors(view, joints)
