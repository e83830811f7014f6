"""A study: one question about lifters, measured into rows and drawn from these rows alone."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from vitruve.benchmarks.studies.motion import CmuMotion
from vitruve.estimators import Estimator


@dataclass(frozen=True, eq=False)
class Model:
    """One lifter under study."""

    name: str
    """What tables and pictures call it."""
    estimator: Estimator
    run: str = ""
    """Recipe that trained it, if the numbers are to be kept."""
    seed: int = 0
    """Seed of that run."""
    energy: Any = None
    """Its loss-net, for studies of one."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a study may look at."""

    models: tuple[Model, ...]
    motion: CmuMotion | None
    """What cameras see; None for studies that need none."""
    results: Path
    """Folder of measured rows, as ``benchmarks.record`` writes them."""


@dataclass(frozen=True, eq=False)
class Finding:
    """What a study says of one model."""

    model: str
    metrics: dict[str, float | int]
    """Few numbers, units in their names."""
    rows: list[dict[str, Any]]
    """All numbers, one flat row each: what the CSV file holds and the picture shows."""


class Study(ABC):
    """A measurement of lifters, and its picture."""

    config: Any
    """The frozen dataclass it was built from."""
    needs_weights: ClassVar[bool] = True
    needs_motion: ClassVar[bool] = True
    measures: ClassVar[bool] = True
    """False where it only reads what others have measured, so that there is nothing to keep."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Modules of the extra ``plots`` beside matplotlib."""
    table: ClassVar[str] = "lifters_studies"
    """Results file, without its suffix, that keeps its numbers."""
    columns: ClassVar[tuple[str, ...]] = ()
    """Metrics of the short table; all when empty."""

    @property
    @abstractmethod
    def data(self) -> str:
        """What it measures on, as rows of results say it."""

    @abstractmethod
    def measure(self, material: Material) -> Iterator[Finding]:
        """Measure model by model.

        Raises:
            ValueError: A model or a file is not what the study needs.
        """

    @abstractmethod
    def draw(self, findings: Sequence[Finding]) -> Any:
        """A matplotlib figure of the findings."""
