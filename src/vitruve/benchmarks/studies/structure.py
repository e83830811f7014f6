"""Whether one model's bodies hold together better than another's where both err as much.

Figure 2 of "SCoTL-pose" (docs/studies.md): limb symmetry, bone and limb length error in bins of
P-MPJPE, as a better model has better bodies anyway. The paper does not say where its bins end;
here they hold equally many frames of all models together, or end where told.

Axes: n frames, j joints of h36m_17.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.benchmarks.cmu_views import Keypoints
from vitruve.benchmarks.lift_view import check_joints
from vitruve.benchmarks.studies.figure import MUTED, Look, beside, legend_below, panels, short
from vitruve.benchmarks.studies.motion import CmuMotion
from vitruve.benchmarks.studies.on_cmu import H36M, CmuStudyConfig, answers
from vitruve.benchmarks.studies.study import Finding, Material, Model, Study
from vitruve.metrics import GroupedMean, bsle, lle, lse, p_mpjpe_mm

STRUCTURE = ("lse", "bsle", "lle")
"""In the paper's order."""
_LABELS = {
    "lse": "limb symmetry error, LSE (%)",
    "bsle": "bone length error, BSLE (%)",
    "lle": "limb length error, LLE (%)",
}


@dataclass(frozen=True)
class StructureConfig(CmuStudyConfig):
    """LSE, BSLE and LLE of frames with the same P-MPJPE, model beside model."""

    keypoints: Keypoints = "gt"
    """2D to predict from: exact, with Gaussian noise, or of a simulated detector."""
    bins: int = 5
    """Bins of P-MPJPE, each with as many frames of all models together."""
    edges_mm: tuple[float, ...] = ()
    """Where bins begin and end, rising, instead; frames beyond the ends are in none."""


@dataclass(frozen=True, eq=False)
class _Measured:
    """One model's frames, and what the benchmark says of them all."""

    name: str
    frames: dict[str, Float[Tensor, "n"]]
    means: dict[str, float]


class StructureStudy(Study):
    """Structure at equal error."""

    columns = ("p_mpjpe_mm", *STRUCTURE, *(f"{name}_at_equal_p_mpjpe" for name in STRUCTURE))

    def __init__(self, config: StructureConfig) -> None:
        """Check the bins.

        Raises:
            ValueError: There is none, or the edges do not rise.
        """
        if config.bins < 1:
            raise ValueError(f"bins is {config.bins}; it must be 1 or more")
        edges = config.edges_mm
        if edges and (len(edges) < 2 or any(a >= b for a, b in pairwise(edges))):
            raise ValueError(f"edges_mm are {edges}; give two or more that rise")
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return f"structure {self.config.keypoints} {self.config.set}"

    def measure(self, material: Material) -> Iterator[Finding]:
        """Measure all models, then set the bins and count.

        Raises:
            ValueError: A model cannot say where the benchmark's joints are.
        """
        assert material.motion is not None
        for model in material.models:
            check_joints(model.estimator, H36M)
        measured = [self._measure_one(model, material.motion) for model in material.models]
        pooled = torch.cat([m.frames["p_mpjpe_mm"] for m in measured])
        edges = torch.tensor(self.config.edges_mm, dtype=torch.float64)
        if not len(edges):
            edges = pooled.quantile(torch.linspace(0, 1, self.config.bins + 1).double())
        tables = [_by_bin(m.frames, edges) for m in measured]
        # Where a model has no frame, there is nothing to compare.
        shared = [i for i in range(len(edges) - 1) if all(rows[i]["frames"] for rows in tables)]
        for m, rows in zip(measured, tables, strict=True):
            equal = {
                f"{name}_at_equal_p_mpjpe": _mean([rows[i][name] for i in shared])
                for name in STRUCTURE
            }
            yield Finding(m.name, m.means | equal, rows)

    def _measure_one(self, model: Model, motion: CmuMotion) -> _Measured:
        frames: dict[str, list[Tensor]] = {}
        means: dict[str, GroupedMean] = {}
        views = motion.views(self.config.set, self.config.keypoints)
        for answer in answers(model.estimator, views, flip=self.config.flip):
            scored = answer.view.scored
            errors = _errors(answer.predicted[scored], answer.truth[scored])
            for name, values in errors.items():
                frames.setdefault(name, []).append(values)
                mean = means.setdefault(name, GroupedMean())
                mean.add(values.nanmean().item(), answer.frames, answer.view.clip.action)
        return _Measured(
            model.name,
            {name: torch.cat(values) for name, values in frames.items()},
            {name: mean.mean_of_groups() for name, mean in means.items()},
        )

    def draw(self, findings: Sequence[Finding]) -> Any:
        """A panel for each metric, a bar for each model in every bin; the truth's own LSE."""
        figure, axes = panels(1, 3, width=9.6, height=3.2 + 0.12 * len(findings))
        bins = findings[0].rows
        for panel, metric in zip(axes, STRUCTURE, strict=True):
            for i, finding in enumerate(findings):
                places = beside(len(bins), i, len(findings))
                heights = [row[metric] for row in finding.rows]
                name, width = short(finding.model), 0.7 / len(findings)
                panel.bar(places, heights, width, color=Look(i).colour, label=name)
            panel.grid(visible=False, axis="x")
            ticks = [f"{row['from_mm']:.0f}–{row['to_mm']:.0f}" for row in bins]
            panel.set_xticks(range(len(bins)), ticks)
            panel.set_xlabel("P-MPJPE of the frame (mm)")
            panel.set_title(_LABELS[metric])
        truth = findings[0].metrics["true_lse"]
        axes[0].axhline(truth, color=MUTED, linestyle="--", linewidth=1.0, label="LSE of the truth")
        legend_below(figure, axes[0])
        return figure


def _errors(
    predicted: Float[Tensor, "n j 3"], truth: Float[Tensor, "n j 3"]
) -> dict[str, Float[Tensor, "n"]]:
    """Each metric of each frame by itself."""
    limbs, parents = H36M.limbs, H36M.parents
    by_frame = torch.vmap
    return {
        "p_mpjpe_mm": by_frame(p_mpjpe_mm)(predicted, truth),
        "lse": by_frame(lambda p: lse(p, limbs))(predicted),
        "bsle": by_frame(lambda p, t: bsle(p, t, parents))(predicted, truth),
        "lle": by_frame(lambda p, t: lle(p, t, limbs))(predicted, truth),
        "true_lse": by_frame(lambda t: lse(t, limbs))(truth),
    }


def _by_bin(
    frames: dict[str, Float[Tensor, "n"]], edges: Float[Tensor, "bins_and_one"]
) -> list[dict[str, Any]]:
    """A row for each bin: means over its frames, NaN where there are none."""
    where = _bin_of(frames["p_mpjpe_mm"], edges)
    rows = []
    for i, (low, high) in enumerate(pairwise(edges.tolist())):
        inside = where == i
        row: dict[str, Any] = {"bin": i, "from_mm": low, "to_mm": high}
        row["frames"] = int(inside.sum())
        for name in ("p_mpjpe_mm", *STRUCTURE):
            row[name] = frames[name][inside].nanmean().item()
        rows.append(row)
    return rows


def _bin_of(values: Float[Tensor, "n"], edges: Float[Tensor, "bins_and_one"]) -> Int64[Tensor, "n"]:
    """Bins begin at their lower edge; the last one also holds its upper edge."""
    found = torch.bucketize(values, edges, right=True) - 1
    return found.where(values != edges[-1], len(edges) - 2)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
