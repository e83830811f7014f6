"""Where the error lies: along which axis, in which action, at which joints.

Figure 3 of "PrML" (docs/studies.md) splits MPJPE into the image plane and depth; whether its X-Y is
a mean of two axes or the length in the plane is not said, so both are measured. The axes are the
camera's: x right, y down, z forward.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vitruve.benchmarks.cmu_views import Keypoints
from vitruve.benchmarks.studies.figure import Look, beside, legend_below, list_names, panels, short
from vitruve.benchmarks.studies.motion import CmuMotion
from vitruve.benchmarks.studies.on_cmu import H36M, Answer, CmuStudy, CmuStudyConfig, answers
from vitruve.benchmarks.studies.study import Finding, Model
from vitruve.metrics import GroupedMean, axis_error_mm, mpjpe_mm

GROUPS: dict[str, tuple[str, ...]] = {
    "head": ("neck_base_or_nose", "head_top"),
    "trunk": ("spine", "thorax"),
    "shoulders": ("left_shoulder", "right_shoulder"),
    "elbows": ("left_elbow", "right_elbow"),
    "wrists": ("left_wrist", "right_wrist"),
    "hips": ("left_hip", "right_hip"),
    "knees": ("left_knee", "right_knee"),
    "ankles": ("left_ankle", "right_ankle"),
}
"""Joints by group; the root, whose error is 0 by definition, is in none."""
_INDICES = {name: [H36M.index(j) for j in joints] for name, joints in GROUPS.items()}
_LABELS = {"x_mm": "|X|", "y_mm": "|Y|", "z_mm": "|Z|", "xy_mm": "|XY|", "mpjpe_mm": "3D"}
_GROUP_KEYS = ("z_mm", "xy_mm")


@dataclass(frozen=True)
class AxesConfig(CmuStudyConfig):
    """Mean error along x, y and z, its length in the image plane, and MPJPE."""

    keypoints: Keypoints = "gt"
    """2D to predict from: exact, with Gaussian noise, or of a simulated detector."""


class AxesStudy(CmuStudy):
    """Error by axis, action and group of joints."""

    columns = tuple(_LABELS)

    def __init__(self, config: AxesConfig) -> None:
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return f"axes {self.config.keypoints} {self.config.set}"

    def measure_one(self, model: Model, motion: CmuMotion) -> Finding:
        """Errors over all joints (the root counts, as in the benchmark), and by group."""
        means: dict[str, dict[str, GroupedMean]] = defaultdict(lambda: defaultdict(GroupedMean))
        views = motion.views(self.config.set, self.config.keypoints)
        every = {"all": list(range(H36M.num_joints)), **_INDICES}
        for answer in answers(model.estimator, views, flip=self.config.flip):
            for part, joints in every.items():
                for name, error in _errors(answer, joints).items():
                    means[part][name].add(error, answer.frames, answer.view.clip.action)
        rows = [_row(part, "mean of actions", _total(means[part])) for part in every]
        actions = means["all"]["mpjpe_mm"].by_group()
        rows += [
            _row("all", str(a), {k: mean.by_group()[a] for k, mean in means["all"].items()})
            for a in sorted(actions, key=str)
        ]
        metrics = _total(means["all"])
        for part in GROUPS:
            metrics |= {f"{part}_{key}": means[part][key].mean_of_groups() for key in _GROUP_KEYS}
        return Finding(model.name, metrics, rows)

    def draw(self, findings: Sequence[Finding]) -> Any:
        """Error by axis; by group of joints, depth against the image plane."""
        figure, (left, right) = panels(1, 2, height=3.0 + 0.25 * len(findings))
        for i, finding in enumerate(findings):
            look, count = Look(i), len(findings)
            heights = [finding.rows[0][key] for key in _LABELS]
            places = beside(len(_LABELS), i, count)
            left.plot(places, heights, label=short(finding.model), **look.dot)
            groups = [row for row in finding.rows if row["joints"] in GROUPS]
            depth, plane = ([row[key] for row in groups] for key in _GROUP_KEYS)
            places = beside(len(GROUPS), i, count)
            right.hlines(places, depth, plane, color=look.colour, linewidth=0.7)
            right.plot(depth, places, **look.dot)
            right.plot(plane, places, **{**look.dot, "markerfacecolor": "white"})
        left.set_xticks(range(len(_LABELS)), list(_LABELS.values()))
        left.grid(visible=False, axis="x")
        left.set_ylim(bottom=0)
        left.set_ylabel("mean error (mm)")
        list_names(right, list(GROUPS))
        right.set_title("filled: depth |Z|, open: image plane |XY|")
        right.set_xlabel("mean error (mm)")
        right.set_xlim(left=0)
        legend_below(figure, left)
        return figure


def _errors(answer: Answer, joints: list[int]) -> dict[str, float]:
    parts = answer.predicted[:, joints], answer.truth[:, joints], answer.valid[:, joints]
    by_axis = {f"{axis}_mm": error.item() for axis, error in axis_error_mm(*parts).items()}
    return {**by_axis, "mpjpe_mm": mpjpe_mm(*parts).item()}


def _total(means: dict[str, GroupedMean]) -> dict[str, float]:
    return {name: mean.mean_of_groups() for name, mean in means.items()}


def _row(joints: str, action: str, errors: dict[str, float]) -> dict[str, Any]:
    return {"joints": joints, "action": action, **errors}
