"""What moving predictions down a loss-net's energy does to them, step by step.

Figures 3 and 4 of "SCoTL-pose" (docs/studies.md), gradient-based inference. Beside it stand the
descents of two fixed energies: one that only makes limbs symmetric, and one that also puts joints
on the rays they are seen on. A loss-net is worth its training where it does more than these. The
prediction that is refined is the mean with the mirrored one.

Axes: n poses, j joints of the model, k joints of h36m_17.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.benchmarks.studies.figure import Look, legend_below, panels, short
from vitruve.benchmarks.studies.loss_nets import LossNetConfig, LossNetStudy, Sample, samples
from vitruve.benchmarks.studies.motion import CmuMotion, StudySet
from vitruve.benchmarks.studies.on_cmu import H36M
from vitruve.benchmarks.studies.study import Finding, Model
from vitruve.estimators import RefineConfig
from vitruve.estimators.refine import descend
from vitruve.metrics import GroupedMean, bsle, lle, lse, mpjpe_mm, p_mpjpe_mm, root_centred
from vitruve.nets import GeometryEnergy, GeometryEnergyConfig
from vitruve.skeletons import conversion

_LABELS = {
    "p_mpjpe_mm": "P-MPJPE (mm)",
    "mpjpe_mm": "MPJPE (mm)",
    "lse": "limb symmetry error, LSE (%)",
    "lle": "limb length error, LLE (%)",
    "bsle": "bone length error, BSLE (%)",
}
_STYLES = {"loss_net": "-", "symmetry": ":", "geometry": "--"}
"""What is descended, and how its lines are drawn."""
_VALIDATION: StudySet = "validation"
Curve = list[dict[str, Any]]
"""A row for each number of steps, from 0."""


@dataclass(frozen=True)
class RefineStudyConfig(LossNetConfig):
    """Error and structure over steps down a loss-net's energy, beside fixed energies."""

    steps: int = 30
    """Most steps."""
    step_mm: float = 0.5
    """Root mean square over a pose's joints of what a step moves them, millimetres."""
    choose: bool = False
    """Take the step of ``steps_mm``, and the number of steps, of the lowest BSLE on the validation
    subject at which its P-MPJPE has not risen, and say what they do to the set."""
    steps_mm: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)
    """Sizes of a step to choose from, millimetres."""


class RefineStudy(LossNetStudy):
    """Curves over the steps of a descent."""

    table = "gbi_cmu"
    columns = (
        *("loss_net_step_mm", "loss_net_steps"),
        *(
            f"{by}{name}"
            for name in ("p_mpjpe_mm", "lse", "bsle")
            for by in ("", "loss_net_", "geometry_")
        ),
    )

    def __init__(self, config: RefineStudyConfig) -> None:
        """Check the steps.

        Raises:
            ValueError: There are none, or their size is not positive.
        """
        super().__init__(config)
        if config.steps < 1:
            raise ValueError(f"steps is {config.steps}; it must be 1 or more")
        if not config.steps_mm or not min(config.step_mm, *config.steps_mm) > 0:
            raise ValueError(
                f"step_mm is {config.step_mm} and steps_mm are {config.steps_mm}; all must be "
                "above 0, and one there to choose"
            )

    @property
    def data(self) -> str:
        """What it measures on."""
        return f"refine {self.config.keypoints} {self.config.set}"

    def measure_one(self, model: Model, motion: CmuMotion) -> Finding:
        """Descend all energies from the same predictions."""
        shown = list(samples(model, motion, self.config, self.config.set))
        to_choose_by = []
        if self.config.choose:
            to_choose_by = list(samples(model, motion, self.config, _VALIDATION))
        joints = model.estimator.skeleton
        energies = {
            "loss_net": model.energy,
            "symmetry": GeometryEnergy(GeometryEnergyConfig(joints, rays=0.0)),
            "geometry": GeometryEnergy(GeometryEnergyConfig(joints)),
        }
        rows: list[dict[str, Any]] = []
        metrics: dict[str, float | int] = {}
        for by, net in energies.items():
            step_mm, steps = self.config.step_mm, self.config.steps
            if self.config.choose:
                tried = {s: self._curve(net, model, to_choose_by, s) for s in self.config.steps_mm}
                step_mm, steps = choose(tried)
                for size, curve in tried.items():
                    rows += _labelled(curve, {"use": "choose", "by": by, "step_mm": size})
            curve = self._curve(net, model, shown, step_mm)
            rows += _labelled(curve, {"use": "measure", "by": by, "step_mm": step_mm}, steps)
            metrics |= {name: curve[0][name] for name in _LABELS}
            metrics |= {f"{by}_step_mm": step_mm, f"{by}_steps": steps}
            metrics |= {f"{by}_{name}": curve[steps][name] for name in _LABELS}
        return Finding(model.name, metrics, rows)

    def _curve(
        self, net: nn.Module, model: Model, shown: Sequence[Sample], step_mm: float
    ) -> Curve:
        """Means of the benchmark's kind, over an action and then over actions."""
        config = RefineConfig(self.config.steps, step_mm)
        means = [{n: GroupedMean() for n in (*_LABELS, "energy")} for _ in range(config.steps + 1)]
        for sample in shown:
            path = descend(net, sample.predicted, sample.evidence, config)
            for mean, (joints, energy) in zip(means, path, strict=True):
                errors = _errors(model, joints.cpu(), sample.truth) | {"energy": energy.mean()}
                for name, error in errors.items():
                    mean[name].add(error.item(), sample.weight, sample.view.clip.action)
        return [
            {"step": step, **{name: m.mean_of_groups() for name, m in mean.items()}}
            for step, mean in enumerate(means)
        ]

    def draw(self, findings: Sequence[Finding]) -> Any:
        """A panel for each metric and one for the energy; dots are what was chosen."""
        figure, axes = panels(2, 3, width=9.6, height=5.2 + 0.2 * len(findings))
        for i, finding in enumerate(findings):
            for by, style in _STYLES.items():
                rows = [r for r in finding.rows if (r["use"], r["by"]) == ("measure", by)]
                look = {"color": Look(i).colour, "linestyle": style}
                step_mm = rows[0]["step_mm"]
                name = f"{short(finding.model)}, {by.replace('_', '-')}, steps of {step_mm:g} mm"
                for panel, metric in zip(axes.flat, _LABELS, strict=False):
                    _line(panel, rows, [row[metric] for row in rows], {**look, "label": name})
                if by == "loss_net":
                    falls = [row["energy"] - rows[0]["energy"] for row in rows]
                    _line(axes.flat[-1], rows, falls, look)
        titles = [*_LABELS.values(), "mean energy of the loss-net, change"]
        for panel, title in zip(axes.flat, titles, strict=True):
            panel.set_title(title)
            panel.set_xlabel("steps")
        legend_below(figure, axes.flat[0])
        return figure


def choose(tried: Mapping[float, Curve]) -> tuple[float, int]:
    """Size and number of steps with the lowest BSLE among those that do not raise P-MPJPE.

    No step at all is always among them.
    """
    step_mm, curve = next(iter(tried.items()))
    lowest, best = curve[0]["bsle"], (step_mm, 0)
    for step_mm, curve in tried.items():
        for row in curve:
            if row["p_mpjpe_mm"] <= curve[0]["p_mpjpe_mm"] and row["bsle"] < lowest:
                lowest, best = row["bsle"], (step_mm, row["step"])
    return best


def _errors(
    model: Model, joints: Float[Tensor, "n j 3"], truth: Float[Tensor, "n k 3"]
) -> dict[str, Tensor]:
    bridge = conversion(model.estimator.skeleton, H36M)
    known = torch.ones(joints.shape[:-1], dtype=torch.bool)
    predicted = root_centred(bridge.apply(joints, known)[0], H36M.root)
    return {
        "p_mpjpe_mm": p_mpjpe_mm(predicted, truth),
        "mpjpe_mm": mpjpe_mm(predicted, truth),
        "lse": lse(predicted, H36M.limbs),
        "lle": lle(predicted, truth, H36M.limbs),
        "bsle": bsle(predicted, truth, H36M.parents),
    }


def _line(
    axes: Any, rows: Sequence[dict[str, Any]], values: Sequence[float], look: dict[str, Any]
) -> None:
    """A curve over steps, with a dot at the number of steps that the metrics state."""
    steps, taken = [row["step"] for row in rows], [i for i, row in enumerate(rows) if row["taken"]]
    axes.plot(steps, values, marker="o", markersize=4.0, markevery=taken, linewidth=1.4, **look)


def _labelled(curve: Curve, about: dict[str, Any], taken: int | None = None) -> Curve:
    return [{**about, **row, "taken": row["step"] == taken} for row in curve]
