"""What a search trains and compares: runs, dimensions, seeds, steps.

A trial trains every run once per seed with the same values. Its figure is the geometric mean over
runs of each run's mean over seeds. Divided by the figure of the recipes' own values this is the
geometric mean of the runs' ratios, so no run counts more for having larger errors.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from vitruve.estimators import ESTIMATORS
from vitruve.recipes.run import Run
from vitruve.recipes.sources import SOURCES
from vitruve.recipes.tuning import Dimension, apply_where_found, check_dimensions

_EVALUATIONS = 8
"""Evaluations of a training whose recipe names no interval that fits its steps."""


@dataclass(frozen=True)
class Pruning:
    """When a trial is stopped because half of the others were better at the same point."""

    startup: int = 5
    """Trials that must have run to their end before any is stopped; a large number stops none."""
    after: float = 0.25
    """Share of a training that is always run."""

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 <= self.after <= 1:
            raise ValueError(f"the share of a training always run is 0 to 1, got {self.after}")


@dataclass(frozen=True)
class Part:
    """One training of a trial."""

    run: str
    """Name of the recipe."""
    seed: int
    offset: int
    """Steps of the trial's trainings before this one."""

    @property
    def folder(self) -> str:
        """Its folder in the trial's."""
        return f"{self.run}.seed{self.seed}"


@dataclass(frozen=True)
class Search:
    """Everything that workers of one search agree on."""

    runs: Mapping[str, Run]
    """Recipes by name."""
    dimensions: tuple[Dimension, ...]
    out: Path
    """Folder of the storage, the trials and the result."""
    data: Path | None = None
    """Where the sources' files are."""
    trials: int = 50
    """Trials in all, those of earlier starts too; the first has the recipes' own values."""
    seeds: tuple[int, ...] = (0,)
    pruning: Pruning = field(default_factory=Pruning)

    @property
    def monitor(self) -> str:
        """Name of the figure."""
        return next(iter(self.runs.values())).train.monitor

    @property
    def parts(self) -> tuple[Part, ...]:
        """The trainings of a trial, in their order: every run with one seed before the next."""
        found, offset = [], 0
        for seed, name in product(self.seeds, self.runs):
            found.append(Part(name, seed, offset))
            offset += self.runs[name].train.steps
        return tuple(found)

    def run_of(self, part: Part, values: Mapping[str, Any], folder: Path) -> Run:
        """What one part trains.

        Raises:
            ValueError: The values do not fit the run.
        """
        run = apply_where_found(self.runs[part.run], values)
        train = replace(run.train, seed=part.seed, out=str(folder / part.folder))
        return replace(run, train=train)

    def describe(self) -> dict[str, Any]:
        """What makes trials comparable, JSON-able; a folder holds trials of one such only."""
        trains = {name: run.train for name, run in self.runs.items()}
        return {
            "recipes": list(self.runs),
            "steps": {name: train.steps for name, train in trains.items()},
            "evaluate_every": {name: train.evaluate_every for name, train in trains.items()},
            "seeds": list(self.seeds),
            "vary": {d.path: str(d) for d in self.dimensions},
            "settings": {name: _digest(run) for name, run in self.runs.items()},
        }


def for_search(run: Run, steps: int | None, evaluate_every: int | None) -> Run:
    """The run with a search's length; its checkpoints are as frequent as its evaluations."""
    train = run.train
    steps = steps or train.steps
    fits = 0 < train.evaluate_every < steps
    every = evaluate_every or (train.evaluate_every if fits else max(1, steps // _EVALUATIONS))
    saved = min(train.checkpoint_every, every)
    return replace(
        run,
        train=replace(train, steps=steps, evaluate_every=every, checkpoint_every=saved),
    )


def check_search(search: Search) -> None:
    """Refuse a search that cannot run or would mislead.

    Raises:
        ValueError: A number is below 1, a recipe has no validation figure, the recipes have
            different ones, a warm-up takes all steps, or a dimension does not fit.
    """
    if search.trials < 1:
        raise ValueError(f"trials must be 1 or more, got {search.trials}")
    if not search.seeds or len(set(search.seeds)) != len(search.seeds):
        raise ValueError(f"seeds must be different numbers, got {list(search.seeds)}")
    for name, run in search.runs.items():
        for problem in _problems(run, search.monitor):
            raise ValueError(f"{name} {problem}")
    check_dimensions(search.dimensions, search.runs)


def combined(figures: Mapping[Part, float]) -> float:
    """A trial's figure from those of its parts, or of as many as there are yet."""
    by_run: dict[str, list[float]] = {}
    for part, figure in figures.items():
        by_run.setdefault(part.run, []).append(figure)
    return math.exp(fmean(math.log(fmean(values)) for values in by_run.values()))


def _problems(run: Run, monitor: str) -> Iterator[str]:
    train = run.train
    if not ESTIMATORS[run.estimator][0].says_joints:
        yield "has no validation figure: its estimator says no 3D; tune the run it prepares"
    if not getattr(SOURCES[run.source][0], "has_validation", False):
        yield (
            f"is steered by the test split of its data (source {run.source!r}); "
            "settings are only searched where there is a validation subject"
        )
    if train.monitor != monitor:
        yield f"is judged by {train.monitor}, the first recipe by {monitor}; tune them apart"
    if train.warmup_steps >= train.steps:
        yield f"warms up for {train.warmup_steps} steps, so {train.steps} steps are too few"


def _digest(run: Run) -> str:
    text = json.dumps(asdict(replace(run, train=replace(run.train, out="", seed=0))))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
