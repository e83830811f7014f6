"""Per-action tables as papers print them: a row for each system, a column for each action.

The best value of a column is bold; which end is best follows from the metric.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vitruve.benchmarks.table_text import Style, table_text

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
    if style == "csv":
        values = [[label, *(str(v.get(a, "")) for a in (*actions, "Avg"))] for label, v in rows]
        return table_text(["system", *actions, "Avg"], values, style)
    headings = [metric, *(HEADINGS.get(a, a) for a in actions), "Avg"]
    cells = _cells(rows, actions, metric)
    lines = [[label, *line] for (label, _), line in zip(rows, cells, strict=True)]
    return table_text(headings, lines, style)


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
