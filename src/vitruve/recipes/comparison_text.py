"""A comparison as people read it: the paper's figure beside ours, and what keeps them apart."""

import statistics
from collections.abc import Sequence
from typing import assert_never

from vitruve.benchmarks.table_text import Style, table_text
from vitruve.recipes.comparison import CMU, TITLES, Comparison, Line
from vitruve.recipes.paper_table import Column

_ON_CMU = (
    "The columns do not compare: ours is on other people, motion and joints than the paper's. "
    "What compares is how rows of one column differ."
)
_CPU = (
    "Preset cpu: small nets and few steps, to compare among each other; gpu has the published "
    "sizes."
)
_OURS = "Rows (ours) are not in the paper."


def comparison_text(comparison: Comparison, style: Style) -> str:
    """The table and what to know about it; in CSV the figures alone, with all digits.

    Raises:
        ValueError: A file of results is no list of rows.
    """
    match style:
        case "csv":
            return _csv(comparison)
        case "tex":
            said = [*_about(comparison), *_notes(comparison)]
            return "".join(f"% {line}\n" for line in said) + _table(comparison, style)
        case "md":
            notes = "".join(f"- {note}\n" for note in _notes(comparison))
            about = "\n\n".join(_about(comparison))
            return f"{about}\n\n{_table(comparison, style)}\n{notes}"
        case _:
            assert_never(style)


def _table(comparison: Comparison, style: Style) -> str:
    columns = comparison.table.columns
    headings = [f"{c.heading} {whose}" for c in columns for whose in ("paper", "ours")]
    rows = [_cells(comparison, line) for line in comparison.lines()]
    return table_text(["", *headings, "seeds"], rows, style)


def _cells(comparison: Comparison, line: Line) -> list[str]:
    seeds, printed = comparison.measured(line), line.row.values
    cells = [line.row.label]
    for i, column in enumerate(comparison.table.columns):
        values = [m[column.metric] for m in seeds.values() if column.metric in m]
        paper = f"{printed[i]:.{column.digits}f}" if printed else "-"
        cells += [paper, _mean(values, column)]
    return [*cells, str(len(seeds)) if line.run else ""]


def _mean(values: Sequence[float], column: Column) -> str:
    if not values:
        return "-"
    spread = f" ± {statistics.stdev(values):.{column.digits}f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.{column.digits}f}{spread}"


def _csv(comparison: Comparison) -> str:
    metrics = [column.metric for column in comparison.table.columns]
    headings = ["row", "run", "data", "seeds"]
    headings += [f"{m}_{kind}" for m in metrics for kind in ("paper", "mean", "std")]
    rows = []
    for line in comparison.lines():
        seeds, printed = comparison.measured(line), line.row.values
        row = [line.row.label, line.run, line.measured_on, str(len(seeds)) if line.run else ""]
        for i, metric in enumerate(metrics):
            values = [m[metric] for m in seeds.values() if metric in m]
            row.append(str(printed[i]) if printed else "")
            row.append(str(statistics.fmean(values)) if values else "")
            row.append(str(statistics.stdev(values)) if len(values) > 1 else "")
        rows.append(row)
    return table_text(headings, rows, "csv")


def _about(comparison: Comparison) -> list[str]:
    lines = comparison.lines()
    own = dict.fromkeys(TITLES[line.row.data] for line in lines)
    places = dict.fromkeys(TITLES[line.data] for line in lines)
    return [
        f"{comparison.table.title}: {comparison.table.source}.",
        f"paper: on {', '.join(own)}, as printed. ours: on {', '.join(places)}, preset "
        f"{comparison.preset}, mean ± standard deviation over seeds.",
    ]


def _notes(comparison: Comparison) -> list[str]:
    notes = list(comparison.table.notes)
    if any(line.run and not line.row.values for line in comparison.lines()):
        notes.append(_OURS)
    if comparison.on == (CMU,):
        notes.append(_ON_CMU)
    if comparison.preset == "cpu":
        notes.append(_CPU)
    windows = [
        f"{ours} in place of {line.row.frames} for {line.row.label}"
        for line in comparison.lines()
        if line.run and line.row.variant == "baseline"
        if (ours := comparison.frames(line)) != line.row.frames
    ]
    if windows:
        notes.append(f"Frames of a window of ours that differ: {', '.join(windows)}.")
    return notes
