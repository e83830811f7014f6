"""A paper's table beside what was measured here: which runs, which rows are there, which miss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vitruve.benchmarks import BENCHMARKS, read_rows
from vitruve.recipes.lifters import frames_of
from vitruve.recipes.paper_table import PaperRow, PaperTable
from vitruve.recipes.run import Run

Preset = Literal["cpu", "gpu"]
CMU = "cmu"
"""The dataset that stands in for any other: free, so that everyone can run all rows."""
KEYPOINTS = "gt"
"""The papers' 2D in these tables."""
_ON_CMU = {"pose_former_v2_t27": "pose_former_v2", "pose_former_v2_t81": "pose_former_v2"}
"""Nets that go by another name there."""
TITLES = {"cmu": "CMU-Lift", "h36m": "Human3.6M", "3dhp": "MPI-INF-3DHP", "h3wb": "H3WB"}
"""Datasets for people."""


@dataclass(frozen=True)
class Line:
    """A row of the paper, and the run of ours beside it."""

    row: PaperRow
    data: str
    """Dataset of the run; the row's own or the one that stands in for it."""
    benchmark: str
    """Name in ``BENCHMARKS``; empty where there is no run."""
    run: str
    """Name of the recipe; empty where there is none."""

    @property
    def measured_on(self) -> str:
        """``data`` of its rows of results."""
        return f"{BENCHMARKS[self.benchmark].data_name} {KEYPOINTS}" if self.benchmark else ""

    def matches(self, word: str) -> bool:
        """Whether ``word`` is a part of the run's name, such as a net, a variant or both."""
        return f".{word}." in f".{self.run.removesuffix('_gpu')}."


@dataclass(frozen=True)
class Comparison:
    """One table, on its own datasets or on a stand-in, at one size of our runs."""

    table: PaperTable
    recipes: Mapping[str, Run]
    """Every run by name."""
    preset: Preset = "cpu"
    on: tuple[str, ...] = ()
    """Some of the table's datasets, or ``cmu`` in place of all; its own if empty."""
    only: tuple[str, ...] = ()
    """Words of which one must match a row; all rows if empty."""
    results: Path = Path("benchmarks/results")
    """Folder of results."""

    def __post_init__(self) -> None:
        """Refuse datasets and rows that the table does not have.

        Raises:
            ValueError: It has none such.
        """
        own = self.table.datasets
        for data in self.on:
            if data not in own and self.on != (CMU,):
                raise ValueError(
                    f"{self.table.source} is of {', '.join(own)}, not of {data!r}; choose among "
                    f"these, or {CMU} alone in place of all"
                )
        for word in self.only:
            if not any(line.run and line.matches(word) for line in self._all()):
                runs = dict.fromkeys(line.run for line in self._all() if line.run)
                raise ValueError(
                    f"no row {word!r}; name a net, a variant or both joined by a dot, as in "
                    f"{', '.join(runs)}"
                )

    def lines(self) -> list[Line]:
        """The chosen rows."""
        return [x for x in self._all() if not self.only or any(map(x.matches, self.only))]

    def missing(self, seeds: Sequence[int]) -> list[tuple[Line, int]]:
        """Runs and seeds without a row of results, each once."""
        found: dict[tuple[str, int], tuple[Line, int]] = {}
        for line in self.lines():
            if line.run:
                there = self.measured(line)
                missing = [seed for seed in seeds if seed not in there]
                found |= {(line.run, seed): (line, seed) for seed in missing}
        return list(found.values())

    def measured(self, line: Line) -> dict[int, Mapping[str, float]]:
        """Metrics of a line's run by seed; those of the truth, where they are known, as seed 0.

        Raises:
            ValueError: The file is no list of rows.
        """
        rows = self._rows(line)
        if line.row.truth:
            known = [r["metrics"]["true_lse"] for r in rows if "true_lse" in r["metrics"]]
            # Lengths of the truth are right by definition.
            return {0: {"lse": known[0], "lle": 0.0, "bsle": 0.0}} if known else {}
        return {r["seed"]: r["metrics"] for r in rows if r["run"] == line.run}

    def frames(self, line: Line) -> int:
        """Frames of a window of a line's run."""
        return frames_of(self.recipes[line.run].estimator_config.net_config)

    def table_name(self, data: str) -> str:
        """File of results on a dataset, without its suffix."""
        return f"{self.table.paper}_{data}"

    def _all(self) -> list[Line]:
        on = self.on or self.table.datasets
        return [self._line(row) for row in self.table.rows if CMU in on or row.data in on]

    def _line(self, row: PaperRow) -> Line:
        data = CMU if self.on == (CMU,) else row.data
        net = _ON_CMU.get(row.net, row.net) if data == CMU else row.net
        if row.truth:
            # The truth has no run of its own: any run's row on the same data holds its asymmetry.
            net = next(r.net for r in self.table.rows if r.data == row.data and r.net)
            return Line(row, data, self.table.benchmark_of(data, net), "")
        if not net:
            return Line(row, data, "", "")
        name = f"{self.table.paper}.{data}.{net}.{row.variant}"
        name += "_gpu" if self.preset == "gpu" else ""
        return Line(row, data, self.table.benchmark_of(data, net), name)

    def _rows(self, line: Line) -> list[dict[str, Any]]:
        if not line.benchmark:
            return []
        rows = read_rows(self.results / f"{self.table_name(line.data)}.json")
        on = line.measured_on
        return [r for r in rows if r["data"] == on and r["preset"] == self.preset]
