"""A baseline: the parts of a lifter's plain run, for others to add objectives to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from vitruve.recipes.lifters import LIFTER_RUNS
from vitruve.recipes.run import Run, TermConfig
from vitruve.training import TrainConfig


@dataclass(frozen=True)
class Baseline:
    """The parts of a lifter's plain run; those that differ by preset, by its name."""

    estimator: str
    """Name in ``ESTIMATORS``."""
    estimator_config: Mapping[str, Any]
    """Config of that estimator, by preset."""
    source: str
    """Name in ``SOURCES``."""
    source_config: Mapping[str, Any]
    """Config of that source, by preset."""
    train: Mapping[str, TrainConfig]
    """How to train, by preset."""
    terms: dict[str, TermConfig]
    """Objectives of the task alone, by the name the log gives them."""
    summary: Mapping[str, str]
    """One line for people, by preset."""

    def run(self, preset: str, name: str) -> Run:
        """The plain run of a preset, in the folder ``runs/<name>``.

        Raises:
            KeyError: There is no such preset.
        """
        if preset not in self.train:
            raise KeyError(f"unknown preset {preset!r}; there are {sorted(self.train)}")
        return Run(
            estimator=self.estimator,
            estimator_config=self.estimator_config[preset],
            source=self.source,
            source_config=self.source_config[preset],
            terms=self.terms,
            train=replace(self.train[preset], out=f"runs/{name}"),
            summary=self.summary[preset],
        )


def baseline_of(runs: Mapping[str, Run]) -> Baseline:
    """The parts of runs that differ by preset only: one for each, by its name."""
    any_run = next(iter(runs.values()))
    return Baseline(
        estimator=any_run.estimator,
        estimator_config={preset: run.estimator_config for preset, run in runs.items()},
        source=any_run.source,
        source_config={preset: run.source_config for preset, run in runs.items()},
        train={preset: run.train for preset, run in runs.items()},
        terms=any_run.terms,
        summary={preset: run.summary for preset, run in runs.items()},
    )


CMU_ROWS = {
    "simple_baseline": {"cpu": "cpu", "gpu": "gpu", "minutes": "minutes_gpu"},
    "sem_gcn": {"cpu": "cpu", "gpu": "gpu"},
    "video_pose_3d": {"cpu": "t1_cpu", "gpu": "t1_gpu"},
    "mixste": {"cpu": "t27_cpu", "gpu": "t243_gpu", "minutes": "t81_gpu"},
    **{
        net: {"cpu": "t27_cpu", "gpu": "t243_gpu"}
        for net in ("pose_former_v2", "p_stmo", "ktpformer", "d3dp")
    },
}
"""Net -> preset -> its run among those of CMU-Lift: small, published, and the published size
trained for minutes."""


def on_cmu(net: str) -> dict[str, Run]:
    """A lifter's run on CMU-Lift, by preset."""
    rows = CMU_ROWS[net].items()
    return {preset: LIFTER_RUNS[f"lifters.cmu.{net}.{row}"] for preset, row in rows}
