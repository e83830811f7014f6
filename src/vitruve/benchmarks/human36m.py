"""Human3.6M: the field's benchmark, over VideoPose3D's files; docs/benchmarks.md is its protocol.

Protocol 1 is ``mpjpe_mm``, protocol 2 ``p_mpjpe_mm``, both over 17 joints of S9 and S11 at 50 Hz in
four cameras. Predictions and truth are moved to root 0, as MotionBERT, P-STMO, D3DP and
MotionAGFormer do; VideoPose3D, MixSTE, KTPFormer and PoseFormerV2 let the predicted root's error
count as a joint's, and SemGCN subtracts the predicted root, which is what is done here. Velocity
errors stay within a clip; MixSTE and KTPFormer count steps across borders of windows too.

Source: Ionescu et al., "Human3.6M", TPAMI 2014; Pavllo et al., "3D human pose estimation in video
with temporal convolutions and semi-supervised training", CVPR 2019,
https://arxiv.org/abs/1811.11742.

Axes: t frames, j joints.
"""

from collections.abc import Iterator
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.base import Benchmark
from vitruve.benchmarks.view import RecordedClip, View, recorded_view
from vitruve.data.motion import human36m
from vitruve.skeletons import skeleton


class Human36m(Benchmark):
    """S9 and S11 from any of the published 2D files."""

    name = "human36m"
    title = "Human3.6M"
    data_name = "h36m"
    columns = (*Benchmark.columns, "lse", "lle", "bsle")
    fps = human36m.FPS
    skeleton = skeleton("h36m_17")
    num_cameras = 4

    def __init__(self, data: str | Path) -> None:
        """Look at the test actions and at which 2D there is.

        Raises:
            FileNotFoundError: ``data_3d_h36m.npz`` or every 2D file is missing from the folder.
            ValueError: A file is damaged or hostile.
        """
        self._data = Path(data)
        self.clips = tuple(
            RecordedClip(s.name, "test", s.action.partition(" ")[0], s.num_frames)
            for s in human36m.read(data, "test")
        )
        self.keypoints = human36m.detectors(data)
        if not self.keypoints:
            raise FileNotFoundError(
                f"{data} has no 2D: expected is data_2d_h36m_<detector>.npz, such as "
                "data_2d_h36m_gt.npz, beside data_3d_h36m.npz"
            )

    def views(self, keypoints: str) -> Iterator[View]:
        """Every view of every test action, in the file's order."""
        sequences = human36m.read(self._data, "test", detector=keypoints)
        for clip, sequence in zip(self.clips, sequences, strict=True):
            for camera in range(self.num_cameras):
                yield recorded_view(sequence, clip, camera)

    def errors(self, view: View, joints: Float[Tensor, "t j 3"]) -> dict[str, float]:
        """Root-relative errors, and how well limbs keep their lengths."""
        return super().errors(view, joints) | self.length_errors(view, joints)
