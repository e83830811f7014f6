"""Write the tables of README.md and docs/*.md from benchmarks/results/*.json.

A table stands between ``<!-- table:NAME -->`` and ``<!-- /table -->``, where NAME is that of a
results file. ``<!-- table:NAME columns=mpjpe_mm,lse data=cmu_gt,cmu_noisy run=lifters. -->``
chooses metrics and rows, in that order: ``data`` with ``_`` for spaces, ``run`` as prefixes,
``case`` as the last part of the run's name. Seeds are averaged; their standard deviation follows
the ±.

    python tools/make_tables.py           # rewrite
    python tools/make_tables.py --check   # fail if a file would change
"""

import json
import math
import re
import statistics
import sys
from pathlib import Path
from typing import Any

_TABLE = re.compile(r"(<!-- table:(\S+)(.*?) -->\n)(.*?)(<!-- /table -->)", re.DOTALL)
_GROUP = ("run", "preset", "data")
_SMALL = 5e-4
"""Below it three decimals would say nothing."""


def table(rows: list[dict[str, Any]], options: dict[str, str]) -> str:
    """Markdown of one table."""
    prefixes = tuple(options.get("run", "").split(","))
    rows = [r for r in rows if r["run"].startswith(prefixes)]
    if "case" in options:
        rows = [r for r in rows if r["run"].endswith(f".{options['case']}")]
    if "data" in options:
        wanted = options["data"].split(",")
        rows = [r for w in wanted for r in rows if r["data"].replace(" ", "_") == w]
    columns = options["columns"].split(",") if "columns" in options else _columns(rows)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row[k]) for k in _GROUP), []).append(row)
    lines = [
        f"| run | data | seeds | {' | '.join(columns)} |",
        f"|---|---|---|{'---|' * len(columns)}",
    ]
    for (run, _, data), members in groups.items():
        cells = [_cell([m["metrics"][c] for m in members if c in m["metrics"]]) for c in columns]
        lines.append(f"| `{run}` | {data} | {len(members)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _columns(rows: list[dict[str, Any]]) -> list[str]:
    """Metrics that every row has, in the first row's order."""
    return [c for c in rows[0]["metrics"] if all(c in r["metrics"] for r in rows)] if rows else []


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    if len(values) == 1 and isinstance(values[0], int):
        return str(values[0])
    mean = statistics.fmean(values)
    if 0 < abs(mean) < _SMALL:
        return f"{mean:.0e}"
    # Three figures say what a measurement of this kind can.
    digits = 0 if mean == 0 else max(0, 2 - math.floor(math.log10(abs(mean))))
    digits = min(digits, 3)
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean:.{digits}f}{spread}"


def rewritten(text: str, results: Path) -> tuple[str, list[str]]:
    """``text`` with every table made anew, and the results that are missing for it.

    Raises:
        ValueError: An option is unknown.
    """
    missing = []

    def fill(found: re.Match[str]) -> str:
        parts = (part.partition("=") for part in found[3].split())
        options = {key: value for key, _, value in parts}
        if unknown := set(options) - {"case", "columns", "data", "run"}:
            raise ValueError(f"table {found[2]!r} has no option {unknown.pop()!r}")
        source = results / f"{found[2]}.json"
        if not source.is_file():
            missing.append(source.name)
            return found[0]
        return found[1] + table(json.loads(source.read_text("utf-8")), options) + found[5]

    return _TABLE.sub(fill, text), missing


def main(argv: list[str], root: Path) -> int:
    """Rewrite or check; 1 when results are missing or ``--check`` finds a stale table."""
    failed = False
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        old = path.read_text("utf-8") if path.is_file() else ""
        new, missing = rewritten(old, root / "benchmarks" / "results")
        for name in missing:
            print(f"{path}: no benchmarks/results/{name}; run what measures it")
        if new != old and "--check" in argv:
            print(f"{path}: tables are stale; run python tools/make_tables.py")
        elif new != old:
            path.write_text(new, "utf-8")
            print(f"{path}: tables written")
        failed |= bool(missing) or (new != old and "--check" in argv)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).parents[1]))
