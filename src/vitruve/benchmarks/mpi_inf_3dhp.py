"""MPI-INF-3DHP: PCK, AUC and MPJPE on its six test sequences; docs/benchmarks.md is the protocols.

Three, which do not compare: that of the lifters of clips (P-STMO, PoseFormerV2, KTPFormer,
MotionAGFormer, PrML) on ``univ_annot3``, the same on ``annot3`` (D3DP), and that of single frames
(SCoTL-pose) on four sequences of ``annot3``. The published code of the last scores joints relative
to the head top in all but one slot, a fault that is not repeated here.

Source: Mehta et al., "Monocular 3D human pose estimation in the wild using improved CNN
supervision", 3DV 2017, https://arxiv.org/abs/1611.09813, and its ``mpii_compute_3d_pck.m``.

Axes: t frames, j joints.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.base import Benchmark
from vitruve.benchmarks.view import RecordedClip, View, recorded_view
from vitruve.data.motion import mpi_inf_3dhp
from vitruve.data.motion.mpi_inf_3dhp import Annotation
from vitruve.metrics import auc, pck, root_centred
from vitruve.skeletons import skeleton

GROUPS = {
    "head": (0,),
    "neck": (1,),
    "shoulder": (2, 5),
    "elbow": (3, 6),
    "wrist": (4, 7),
    "hip": (8, 11),
    "knee": (9, 12),
    "ankle": (10, 13),
}
"""Joints of the published PCK table; pelvis, spine and head centre are in none."""


class MpiInf3dhp(Benchmark):
    """Clips: six sequences, universal skeleton; PCK and AUC over 14 joints, MPJPE over 17."""

    name = "mpi_inf_3dhp"
    title = "MPI-INF-3DHP"
    data_name = "3dhp"
    average = "frames"
    columns = ("mpjpe_mm", "p_mpjpe_mm", "pck", "auc", "lse", "lle", "bsle")
    fps = 25.0
    skeleton = skeleton("mpi_inf_3dhp_17")
    keypoints = ("gt",)
    annotation: ClassVar[Annotation] = "univ_annot3"
    sequences: ClassVar[tuple[str, ...]] = mpi_inf_3dhp.SEQUENCES
    threshold_joints: ClassVar[tuple[int, ...]] = tuple(range(14))
    """Joints of PCK and AUC."""

    def __init__(self, data: str | Path) -> None:
        """Read the test sequences.

        Raises:
            FileNotFoundError: The annotations are not at ``data``.
            ImportError: They are MATLAB files and h5py is not installed.
            ValueError: They are damaged, hostile, or lack a sequence.
        """
        found = {s.name: s for s in mpi_inf_3dhp.read(data, "test", annotation=self.annotation)}
        if missing := [name for name in self.sequences if name not in found]:
            raise ValueError(f"{data} lacks the test sequence {missing[0]} of MPI-INF-3DHP")
        self._sequences = [found[name] for name in self.sequences]
        self.clips = tuple(
            RecordedClip(s.name, "test", s.name, s.num_frames) for s in self._sequences
        )
        self.facts = {"annotation": self.annotation, "threshold_mm": "150"}

    def views(self, keypoints: str) -> Iterator[View]:
        """Every sequence; only its ``valid`` frames count."""
        del keypoints
        for clip, sequence in zip(self.clips, self._sequences, strict=True):
            yield recorded_view(sequence, clip, 0)

    def errors(self, view: View, joints: Float[Tensor, "t j 3"]) -> dict[str, float]:
        """Root-relative errors, PCK at 150 mm and AUC of all joints and groups, and lengths."""
        assert view.batch.joints_cam is not None
        predicted = root_centred(joints, self.skeleton.root)[view.scored]
        truth = root_centred(view.batch.joints_cam[0], self.skeleton.root)[view.scored]
        errors = {k: v for k, v in super().errors(view, joints).items() if k in self.columns}
        for prefix, chosen in {"": self.threshold_joints, **GROUPS}.items():
            some = list(chosen)
            name = f"{prefix}_" if prefix else ""
            errors[f"{name}pck"] = pck(predicted[:, some], truth[:, some]).item()
            errors[f"{name}auc"] = auc(predicted[:, some], truth[:, some]).item()
        return errors | self.length_errors(view, joints)


class MpiInf3dhpAnnot3(MpiInf3dhp):
    """The same on the person's own size."""

    name = "mpi_inf_3dhp_annot3"
    data_name = "3dhp_annot3"
    annotation = "annot3"


class MpiInf3dhpSingleFrame(MpiInf3dhp):
    """Single frames: four studio sequences, own size; PCK and AUC over all 17 joints, root too."""

    name = "mpi_inf_3dhp_single_frame"
    data_name = "3dhp_single_frame"
    annotation = "annot3"
    sequences = mpi_inf_3dhp.SEQUENCES[:4]
    threshold_joints = tuple(range(17))
