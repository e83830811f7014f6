"""A table as a paper prints it, with the names of the runs that answer its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Column:
    """One figure of every row."""

    heading: str
    """As printed."""
    metric: str
    """Its name among the metrics of a result."""
    digits: int = 1
    """Decimals that the paper prints."""


@dataclass(frozen=True)
class PaperRow:
    """One row, and which run stands beside it."""

    label: str
    """As printed."""
    values: tuple[float, ...] = ()
    """The paper's figures, one for each column; none where the row is ours alone."""
    data: str = ""
    """Dataset they are of."""
    net: str = ""
    variant: str = ""
    """Of the run ``<paper>.<data>.<net>.<variant>``; without both the row is the paper's alone."""
    frames: int = 1
    """Frames of a window in the paper."""
    truth: bool = False
    """Whether it is the truth itself that is measured."""


@dataclass(frozen=True)
class PaperTable:
    """A table of a paper: facts, with their source."""

    title: str
    """What it shows."""
    source: str
    """Which table of which paper."""
    paper: str
    """First part of its runs' names."""
    columns: tuple[Column, ...]
    rows: tuple[PaperRow, ...]
    notes: tuple[str, ...] = ()
    """What to know before the two columns are compared."""
    benchmarks: Mapping[str, str] = field(default_factory=dict)
    """Name in ``BENCHMARKS`` by dataset, or by ``<data>.<net>`` where a net has its own."""

    def __post_init__(self) -> None:
        """Refuse rows of another length than the columns."""
        for row in self.rows:
            if row.values and len(row.values) != len(self.columns):
                raise ValueError(
                    f"{self.source}: row {row.label!r} has {len(row.values)} figures for "
                    f"{len(self.columns)} columns"
                )

    @property
    def datasets(self) -> tuple[str, ...]:
        """What its rows are of, in the order of appearance."""
        return tuple(dict.fromkeys(row.data for row in self.rows))

    def benchmark_of(self, data: str, net: str) -> str:
        """Name in ``BENCHMARKS`` of what measures a net on a dataset."""
        return self.benchmarks.get(f"{data}.{net}") or self.benchmarks[data]
