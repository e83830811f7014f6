"""Whether the lifted pose still lies on the picture: PCKh@0.5 of the reprojected prediction.

Table 16 of "PrML" (docs/studies.md), which leaves the details open. Here the prediction is put at
the true root, projected with the camera's intrinsics and lens, and compared with the exact
projection of the truth. The threshold is half of the segment from ``neck_base_or_nose`` to
``head_top`` in the picture; MPII's head box (Andriluka et al., CVPR 2014) is not annotated here.
The root is left out, since the true root makes it a free hit.

Axes: t frames, k keypoints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.cmu_views import Keypoints
from vitruve.benchmarks.studies.figure import (
    MUTED,
    Look,
    beside,
    legend_below,
    list_names,
    panels,
    short,
)
from vitruve.benchmarks.studies.motion import CmuMotion
from vitruve.benchmarks.studies.on_cmu import H36M, Answer, CmuStudy, CmuStudyConfig, answers
from vitruve.benchmarks.studies.study import Finding, Model
from vitruve.geometry.projection import project
from vitruve.metrics import GroupedMean, pckh

_HEAD = (H36M.index("neck_base_or_nose"), H36M.index("head_top"))
_JOINTS = [j for j in range(H36M.num_joints) if j != H36M.root]


@dataclass(frozen=True)
class PckhConfig(CmuStudyConfig):
    """PCKh@0.5 of the prediction in the picture, and of the 2D that it was made from."""

    keypoints: Keypoints = "gt"
    """2D to predict from: exact, with Gaussian noise, or of a simulated detector."""


class PckhStudy(CmuStudy):
    """PCKh@0.5 by joint."""

    columns = ("pckh", "input_pckh")

    def __init__(self, config: PckhConfig) -> None:
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return f"pckh {self.config.keypoints} {self.config.set}"

    def measure_one(self, model: Model, motion: CmuMotion) -> Finding:
        """PCKh of every joint but the root, and of all of them."""
        names = ["all", *(H36M.names[j] for j in _JOINTS)]
        means = {name: (GroupedMean(), GroupedMean()) for name in names}
        views = motion.views(self.config.set, self.config.keypoints)
        for answer in answers(model.estimator, views, flip=self.config.flip):
            for name, both in zip(names, _scores(answer), strict=True):
                for mean, score in zip(means[name], both, strict=True):
                    mean.add(score, answer.frames, answer.view.clip.action)
        rows = [
            {"joint": name, "pckh": lifted.mean_of_groups(), "input_pckh": given.mean_of_groups()}
            for name, (lifted, given) in means.items()
        ]
        metrics = {"pckh": rows[0]["pckh"], "input_pckh": rows[0]["input_pckh"]}
        metrics |= {f"{row['joint']}_pckh": row["pckh"] for row in rows[1:]}
        return Finding(model.name, metrics, rows)

    def draw(self, findings: Sequence[Finding]) -> Any:
        """A dot for each joint and model."""
        figure, axes = panels(1, 1, width=5.6, height=3.6 + 0.3 * len(findings))
        labels = [str(row["joint"]).replace("_", " ") for row in findings[0].rows]
        for i, finding in enumerate(findings):
            places = beside(len(labels), i, len(findings))
            values = [row["pckh"] for row in finding.rows]
            axes.plot(values, places, label=short(finding.model), **Look(i).dot)
        if self.config.keypoints != "gt":
            given = findings[0].metrics["input_pckh"]
            axes.axvline(
                given, color=MUTED, linestyle="--", linewidth=1.0, label="the 2D given, all joints"
            )
        list_names(axes, labels)
        axes.axhline(0.5, color=MUTED, linewidth=0.6)
        axes.set_xlabel("PCKh@0.5 of the reprojected prediction (%)")
        axes.set_xlim(right=102)
        legend_below(figure, axes)
        return figure


def _scores(answer: Answer) -> Iterator[tuple[float, float]]:
    """Of the prediction and of its input, percent: all joints, then each."""
    batch = answer.view.batch
    assert batch.joints_cam is not None
    root = batch.joints_cam[0, :, H36M.root : H36M.root + 1]
    truth_px = _seen(answer, batch.joints_cam[0])
    lifted_px = _seen(answer, answer.predicted + root)
    # A keypoint that was missed is a miss.
    given_px = batch.keypoints_px[0].masked_fill(~batch.keypoints_valid[0, ..., None], 1e6)
    head_px = (truth_px[:, _HEAD[0]] - truth_px[:, _HEAD[1]]).norm(dim=-1)
    for joints in (_JOINTS, *([j] for j in _JOINTS)):
        valid = answer.valid[:, joints]
        lifted, given = (
            pckh(px[:, joints], truth_px[:, joints], head_px, valid).item()
            for px in (lifted_px, given_px)
        )
        yield lifted, given


def _seen(answer: Answer, joints_cam: Float[Tensor, "t k 3"]) -> Float[Tensor, "t k 2"]:
    """Pixels of joints in the view's camera."""
    batch = answer.view.batch
    assert batch.intrinsics is not None
    return project(joints_cam, batch.intrinsics, batch.distortion)
