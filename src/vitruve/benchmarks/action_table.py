"""Per-action tables as papers print them: a row for each system, a column for each action.

The best value of a column is bold; which end is best follows from the metric.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, assert_never

Style = Literal["md", "csv", "tex"]
STYLES: dict[str, Style] = {".md": "md", ".csv": "csv", ".tex": "tex"}
"""What a file's suffix asks for."""
HEADINGS = {
    "Directions": "Dire.",
    "Discussion": "Disc.",
    "Eating": "Eat",
    "Greeting": "Greet",
    "Phoning": "Phone",
    "Photo": "Photo",
    "Posing": "Pose",
    "Purchases": "Purch.",
    "Sitting": "Sit",
    "SittingDown": "SitD.",
    "Smoking": "Smoke",
    "Waiting": "Wait",
    "WalkDog": "WalkD.",
    "Walking": "Walk",
    "WalkTogether": "WalkT.",
}
"""Human3.6M's actions in the papers' order and spelling."""
_OTHER_NAMES = {
    "Direction": "Directions",
    "TakingPhoto": "Photo",
    "WalkingDog": "WalkDog",
    "WalkingTogether": "WalkTogether",
}
_LARGER_IS_BETTER = ("pck", "auc")


def action_table(
    scores: Sequence[Mapping[str, Any]], style: Style, metric: str = "mpjpe_mm"
) -> str:
    """A table of what ``Benchmark.score`` returned, one row for each system and test set.

    Args:
        scores: Of one benchmark.
        style: Markdown, CSV with full names and digits, or LaTeX with booktabs rules.
        metric: Which of the metrics.

    Raises:
        ValueError: There is nothing to print, or scores are of several benchmarks.
        KeyError: A score has no such metric.
    """
    if not scores:
        raise ValueError("a table needs the scores of at least one system")
    if len(benchmarks := sorted({str(s["benchmark"]) for s in scores})) > 1:
        raise ValueError(f"scores of {' and '.join(benchmarks)} do not belong in one table")
    rows = [row for score in scores for row in _rows(score, metric)]
    actions = _ordered({action for _, values in rows for action in values} - {"Avg"})
    match style:
        case "md":
            return _markdown(rows, actions, metric)
        case "csv":
            return _csv(rows, actions)
        case "tex":
            return _latex(rows, actions, metric)
        case _:
            assert_never(style)


_Row = tuple[str, dict[str, float]]


def _rows(score: Mapping[str, Any], metric: str) -> list[_Row]:
    rows = []
    for name, part in score["sets"].items():
        label = f"{score['model'] or 'unnamed'} ({score['keypoints']})"
        if len(score["sets"]) > 1:
            label += f", {name}"
        if metric not in part["metrics"]:
            known = ", ".join(part["metrics"])
            raise KeyError(f"the scores have no metric {metric!r}; there are {known}")
        values = {_OTHER_NAMES.get(a, a): m[metric] for a, m in part["actions"].items()}
        rows.append((label, {**values, "Avg": part["metrics"][metric]}))
    return rows


def _ordered(actions: set[str]) -> list[str]:
    """Human3.6M's in the papers' order, others by name behind them."""
    return [a for a in HEADINGS if a in actions] + sorted(actions - set(HEADINGS))


def _cells(rows: Sequence[_Row], actions: Sequence[str], metric: str) -> list[list[str]]:
    """One decimal; the best of several systems in a column between asterisks."""
    larger = metric.endswith(_LARGER_IS_BETTER)
    texts = []
    for _, values in rows:
        line = []
        for action in (*actions, "Avg"):
            column = [v[action] for _, v in rows if math.isfinite(v.get(action, math.nan))]
            value = values.get(action, math.nan)
            text = f"{value:.1f}" if math.isfinite(value) else "-"
            best = column and (max(column) if larger else min(column))
            line.append(f"**{text}**" if len(column) > 1 and value == best else text)
        texts.append(line)
    return texts


def _headings(actions: Sequence[str]) -> list[str]:
    return [*(HEADINGS.get(a, a) for a in actions), "Avg"]


def _markdown(rows: Sequence[_Row], actions: Sequence[str], metric: str) -> str:
    lines = [f"| {metric} | {' | '.join(_headings(actions))} |", "|---" * (len(actions) + 2) + "|"]
    for (label, _), cells in zip(rows, _cells(rows, actions, metric), strict=True):
        lines.append(f"| {label.replace('|', '/')} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _csv(rows: Sequence[_Row], actions: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["system", *actions, "Avg"])
    for label, values in rows:
        writer.writerow([label, *(values.get(a, "") for a in (*actions, "Avg"))])
    return text.getvalue()


def _latex(rows: Sequence[_Row], actions: Sequence[str], metric: str) -> str:
    lines = [
        f"\\begin{{tabular}}{{l{'c' * (len(actions) + 1)}}}",
        "\\toprule",
        f"{_escaped(metric)} & {' & '.join(map(_escaped, _headings(actions)))} \\\\",
        "\\midrule",
    ]
    for (label, _), cells in zip(rows, _cells(rows, actions, metric), strict=True):
        bold = [f"\\textbf{{{c.strip('*')}}}" if c.startswith("*") else c for c in cells]
        lines.append(f"{_escaped(label)} & {' & '.join(bold)} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"]) + "\n"


def _escaped(text: str) -> str:
    special = {c: f"\\{c}" for c in "&%$#_{}"}
    special |= {"\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}"}
    return "".join(special.get(c, c) for c in text)
