"""A run: what is trained, on what, towards what, and how, in one frozen dataclass."""

from collections.abc import Mapping
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from vitruve.benchmarks.provenance import commit
from vitruve.estimators import ESTIMATORS, Estimator, make_estimator
from vitruve.objectives import OBJECTIVES, Term
from vitruve.recipes.sources import SOURCES
from vitruve.training import TrainConfig, TrainResult, Watch, train


@dataclass(frozen=True)
class TermConfig:
    """One objective's place in a run."""

    objective: str
    """Name in ``OBJECTIVES``."""
    config: Any
    """Config of that objective."""
    weight: float = 1.0
    """Factor in the total."""
    start_step: int = 0
    """Before it the weight is 0, and an objective that learns does so alone."""
    ramp_steps: int = 0
    """Steps in which the weight then rises from 0 in a straight line."""
    learning_rate: float = 1e-4
    """Of the objective's own optimizer."""
    own_steps: int = 1
    """Updates of the objective for one of the estimator."""
    pull: float | None = None
    """Hold its gradient at the predicted joints at this share of that of all terms without a pull;
    the weight then only says on or off, and does not rise."""
    until_step: int | None = None
    """From it on the objective neither counts nor learns; None keeps it to the end."""

    @classmethod
    def choices(cls, data: Mapping[str, Any]) -> dict[str, type]:
        """Types of the fields that depend on other fields, for reading a saved config."""
        return {"config": _config_of(OBJECTIVES, "objective", data.get("objective"))}

    def make(self) -> Term:
        """Build the objective and its term."""
        build: Any = OBJECTIVES[self.objective][0]
        weight = self._weight_at if self.start_step or self.ramp_steps else self.weight
        return Term(
            build(self.config),
            weight,
            self.learning_rate,
            self.own_steps,
            self.pull,
            self.until_step,
        )

    def _weight_at(self, step: int) -> float:
        risen = (step - self.start_step + 1) / max(1, self.ramp_steps)
        return self.weight * min(1.0, max(0.0, risen))


@dataclass(frozen=True)
class Run:
    """A full training run."""

    estimator: str
    """Name in ``ESTIMATORS``."""
    estimator_config: Any
    """Config of that estimator."""
    source: str
    """Name in ``SOURCES``: where batches come from."""
    source_config: Any
    """Config of that source."""
    terms: dict[str, TermConfig]
    """Objectives by the name the log gives them."""
    train: TrainConfig
    """How to train."""
    summary: str = ""
    """One line for people; kept in the trained weights."""

    @classmethod
    def choices(cls, data: Mapping[str, Any]) -> dict[str, type]:
        """Types of the fields that depend on other fields, for reading a saved config."""
        return {
            "estimator_config": _config_of(ESTIMATORS, "estimator", data.get("estimator")),
            "source_config": _config_of(SOURCES, "source", data.get("source")),
        }

    def build(self) -> tuple[Estimator, dict[str, Term]]:
        """Make the untrained estimator and the terms of its total."""
        estimator = make_estimator(self.estimator, self.estimator_config)
        return estimator, {name: term.make() for name, term in self.terms.items()}

    def start(
        self,
        data: Path | None = None,
        console: Console | None = None,
        *,
        initial: Path | None = None,
        watch: Watch | None = None,
    ) -> TrainResult:
        """Train, or go on if the out folder holds this run's checkpoint.

        Args:
            data: Where the source's files are; not needed by a source that makes its own.
            console: Where progress goes.
            initial: A saved estimator whose tensors, where names and shapes agree, are the start.
            watch: Told of every evaluation: the updates made, and the figures.

        Raises:
            FileNotFoundError: The source's files or ``initial`` are not there.
            ValueError: The out folder holds another run, or nothing of ``initial`` fits.
        """
        open_source: Any = SOURCES[self.source][0]
        source = open_source(self.source_config, self.train, data)
        described = asdict(self)
        del described["train"]
        # Only sources with processes of their own have anything to close.
        with closing(source) if hasattr(source, "close") else nullcontext():
            return train(
                self.build,
                source,
                self.train,
                evaluate=source.evaluate if ESTIMATORS[self.estimator][0].says_joints else None,
                run=described,
                about=(self.summary, commit()),
                initial=initial,
                console=console,
                watch=watch,
            )


def _config_of(table: Mapping[str, Any], kind: str, name: Any) -> type:
    if name not in table:
        raise KeyError(f"unknown {kind} {name!r}; there are {sorted(table)}")
    return table[name][1]
