"""Every run that was measured on CMU-Lift: error and its spread over seeds, and size where known.

Reads ``lifters_cmu.json``, written by ``vitruve benchmark cmu_lift --run``, and parameters from
``lifters_studies.json``, written by ``vitruve study cost --run``. Measures nothing.
"""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitruve.benchmarks.results import read_rows
from vitruve.benchmarks.studies.figure import (
    TEXT,
    Look,
    legend_below,
    list_names,
    log_scale,
    panels,
    short,
)
from vitruve.benchmarks.studies.study import Finding, Material, Study

BENCHMARK_TABLE = "lifters_cmu"
_SIZES = ("parameters", "macs_per_frame")


@dataclass(frozen=True)
class LeaderboardConfig:
    """MPJPE of all runs in the results, best first, with the spread over seeds."""

    on: str = "cmu gt"
    """Which data of the results: "cmu gt", "cmu noisy", "cmu detector action" and so on."""
    prefix: tuple[str, ...] = ()
    """Only runs whose names begin with one of these."""


class LeaderboardStudy(Study):
    """A table and a picture of the results."""

    needs_weights = False
    needs_motion = False
    measures = False
    columns = ("seeds", "mpjpe_mm", "mpjpe_std_mm", "p_mpjpe_mm", "mpjve_mm", *_SIZES)

    def __init__(self, config: LeaderboardConfig) -> None:
        self.config = config

    @property
    def data(self) -> str:
        """What it measures on."""
        return self.config.on

    def measure(self, material: Material) -> Iterator[Finding]:
        """Read the runs, best first.

        Raises:
            ValueError: The results hold no such run.
        """
        runs = measured_runs(material.results, self.config.on, self.config.prefix)
        if not runs:
            raise ValueError(
                f"{material.results / BENCHMARK_TABLE}.json has no run on {self.config.on!r} with "
                f"a name like {' or '.join(self.config.prefix) or 'any'}; "
                "`vitruve benchmark cmu_lift WEIGHTS --run NAME` adds rows"
            )
        sizes = measured_sizes(material.results)
        found = [_finding(run, rows, sizes.get(run, {})) for run, rows in runs.items()]
        yield from sorted(found, key=lambda finding: finding.metrics["mpjpe_mm"])

    def draw(self, findings: Sequence[Finding]) -> Any:
        """A bar for each run, its seeds as dots; error against parameters where they are known."""
        sized = [f for f in findings if "parameters" in f.metrics]
        height = 1.2 + 0.26 * len(findings)
        figure, axes = panels(1, 2 if sized else 1, height=max(height, 3.4) if sized else height)
        looks = {net: Look(i) for i, net in enumerate(sorted(set(map(_net, findings))))}
        left, right = axes if sized else (axes, None)
        _bars(left, findings, looks)
        left.set_xlabel(f"MPJPE on {self.config.on} (mm)")
        if right is not None:
            _against_size(right, sized, looks)
            right.set_ylabel(f"MPJPE on {self.config.on} (mm)")
            legend_below(figure, right)
        return figure


def measured_runs(
    results: Path, data: str, prefix: tuple[str, ...] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Rows of CMU-Lift by run, a row for each seed.

    Raises:
        ValueError: The file is no list of rows.
    """
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in read_rows(results / f"{BENCHMARK_TABLE}.json"):
        if row["data"] == data and row["run"].startswith(prefix or ("",)):
            runs.setdefault(row["run"], []).append(row)
    return runs


def measured_sizes(results: Path) -> dict[str, dict[str, float | int]]:
    """Metrics of the study ``cost`` by run.

    Raises:
        ValueError: The file is no list of rows.
    """
    rows = read_rows(results / f"{Study.table}.json")
    return {row["run"]: row["metrics"] for row in rows if row["data"] == "cost"}


def _finding(run: str, rows: list[dict[str, Any]], size: dict[str, float | int]) -> Finding:
    seeds = [{"seed": row["seed"], **row["metrics"]} for row in rows]
    shared = [k for k in seeds[0] if k != "seed" and all(k in row for row in seeds)]
    metrics: dict[str, float | int] = {"seeds": len(seeds)}
    metrics |= {key: statistics.fmean(row[key] for row in seeds) for key in shared}
    if len(seeds) > 1:
        metrics["mpjpe_std_mm"] = statistics.stdev(row["mpjpe_mm"] for row in seeds)
    metrics |= {key: size[key] for key in _SIZES if key in size}
    return Finding(run, metrics, seeds)


def _net(finding: Finding) -> str:
    """``lifters.cmu.NET.size``: the third part of a run's name says which net it trains."""
    parts = finding.model.split(".")
    return parts[2] if len(parts) > 2 else finding.model


def _bars(axes: Any, findings: Sequence[Finding], looks: dict[str, Look]) -> None:
    for i, finding in enumerate(findings):
        mean, spread = finding.metrics["mpjpe_mm"], finding.metrics.get("mpjpe_std_mm")
        axes.barh(i, mean, height=0.66, color=looks[_net(finding)].colour)
        seeds = [row["mpjpe_mm"] for row in finding.rows]
        axes.plot(seeds, [i] * len(seeds), "o", color=TEXT, markersize=2.0)
        label = f"{mean:.1f}" if spread is None else f"{mean:.1f} ± {spread:.1f}"
        axes.annotate(label, (max(seeds), i), (5, 0), textcoords="offset points", va="center")
    list_names(axes, [short(finding.model) for finding in findings])
    axes.grid(visible=False, axis="y")
    # Room for the numbers at the bars.
    axes.set_xlim(0, 1.5 * max(row["mpjpe_mm"] for finding in findings for row in finding.rows))


def _against_size(axes: Any, findings: Sequence[Finding], looks: dict[str, Look]) -> None:
    for net, look in looks.items():
        chosen = [finding for finding in findings if _net(finding) == net]
        millions = [finding.metrics["parameters"] / 1e6 for finding in chosen]
        errors = [finding.metrics["mpjpe_mm"] for finding in chosen]
        spreads = [finding.metrics.get("mpjpe_std_mm", 0.0) for finding in chosen]
        axes.errorbar(millions, errors, yerr=spreads, label=net, elinewidth=1.0, **look.dot)
    axes.margins(0.1)
    log_scale(axes, "x")
    axes.set_xlabel("parameters (millions)")
