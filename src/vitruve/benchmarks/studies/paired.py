"""What a variant of a recipe changes, seed by seed, over every net it was trained with.

Runs of one recipe and one seed start from the same weights and see the same batches, so that their
difference tells more than the difference of means: what seeds share is gone from it. Reads rows
of results and trains nothing.
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from vitruve.benchmarks.results import read_rows
from vitruve.benchmarks.studies.figure import TEXT, Look, list_names, panels
from vitruve.benchmarks.studies.study import Finding, Material, Study

_METRICS = {
    "mpjpe": "mpjpe_mm",
    "p_mpjpe": "p_mpjpe_mm",
    "lse": "lse",
    "lle": "lle",
    "bsle": "bsle",
}
_SURE = 2.0
"""Standard errors of the bars that are drawn."""


@dataclass(frozen=True)
class PairedConfig:
    """How much lower or higher each variant's errors are than the baseline's, in percent."""

    rows_of: str = "scotl_cmu"
    """File of results, without its suffix."""
    on: str = "cmu gt"
    """Which data of the results."""
    baseline: str = "baseline"
    """Last part of the runs that others are compared with. What follows it after a "_", such as
    labels_10, is compared with the same of the variants."""
    variants: tuple[str, ...] = ("constraint", "geometry", "mlp", "graph", "structure")
    """Last parts of the runs that are compared."""


class PairedStudy(Study):
    """Mean change over pairs, its standard error, and in how many pairs the error is lower."""

    needs_weights = False
    needs_motion = False
    table = "scotl_paired"
    columns = ("pairs", *(f"{name}_{kind}" for name in _METRICS for kind in ("percent", "error")))

    def __init__(self, config: PairedConfig) -> None:
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return self.config.on

    def measure(self, material: Material) -> Iterator[Finding]:
        """Compare variant by variant.

        Raises:
            ValueError: The variants share fewer than two pairs.
        """
        config = self.config
        path = material.results / f"{config.rows_of}.json"
        known = {(r["run"], r["seed"]): r for r in read_rows(path) if r["data"] == config.on}
        pairs = {v: dict(_pairs(known, config.baseline, v)) for v in config.variants}
        shared = sorted(set.intersection(*map(set, pairs.values())))
        if len(shared) < 2:
            counts = ", ".join(f"{variant} {len(found)}" for variant, found in pairs.items())
            raise ValueError(
                f"{path} has {len(shared)} pairs on {config.on!r} that all variants share "
                f"({counts}); two or more are compared"
            )
        for variant, found in pairs.items():
            rows = [found[place] for place in shared]
            yield Finding(variant, _summary(rows), rows)

    def draw(self, findings: Sequence[Finding]) -> Any:
        """A panel for each metric: pairs as dots, their mean and twice its standard error."""
        figure, axes = panels(1, len(_METRICS), height=1.6 + 0.26 * len(findings))
        for panel, name in zip(axes, _METRICS, strict=True):
            for i, finding in enumerate(findings):
                look, key = Look(i), f"{name}_percent"
                dots = [row[key] for row in finding.rows]
                panel.plot(dots, [i] * len(dots), "o", color=look.colour, markersize=2.4, alpha=0.5)
                wide = _SURE * finding.metrics[f"{name}_error"]
                panel.errorbar(finding.metrics[key], i, xerr=wide, color=TEXT, marker="|")
            panel.axvline(0.0, color=TEXT, linewidth=0.8)
            panel.grid(visible=False, axis="y")
            panel.set_title(name.upper().replace("_", "-"))
            list_names(
                panel, [f.model for f in findings] if panel is axes[0] else [""] * len(findings)
            )
        figure.supxlabel(
            f"change against {self.config.baseline} of the same seed (percent)", size=9.0
        )
        return figure


def _pairs(
    known: dict[tuple[str, int], dict[str, Any]], baseline: str, variant: str
) -> Iterator[tuple[tuple[str, int], dict[str, Any]]]:
    """Changes of each run of a variant, by the run and the seed it is compared with."""
    for (run, seed), row in known.items():
        family, _, last = run.rpartition(".")
        other = f"{family}.{baseline}{last.removeprefix(variant)}", seed
        if not last.startswith(variant) or other not in known:
            continue
        changes = {
            f"{name}_percent": 100 * (row["metrics"][key] / known[other]["metrics"][key] - 1)
            for name, key in _METRICS.items()
        }
        yield other, {"run": run, "seed": seed, **changes}


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, float | int]:
    metrics: dict[str, float | int] = {"pairs": len(rows)}
    for name in _METRICS:
        changes = [row[f"{name}_percent"] for row in rows]
        metrics[f"{name}_percent"] = statistics.fmean(changes)
        metrics[f"{name}_error"] = statistics.stdev(changes) / math.sqrt(len(changes))
        metrics[f"{name}_lower"] = sum(change < 0 for change in changes)
    return metrics
