"""Measured numbers as rows of ``benchmarks/results/NAME.json``, written by what measured them."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vitruve.benchmarks.provenance import commit, machine
from vitruve.io.archive import load_json
from vitruve.io.atomic import atomic_path

FOLDER = Path("benchmarks/results")
"""Where the repository keeps its results, from its root."""
_KEY = ("run", "seed", "preset", "data")


@dataclass(frozen=True)
class Row:
    """One measurement; ``run``, ``seed``, ``preset`` and ``data`` tell it from others."""

    run: str
    """Name of the recipe."""
    seed: int
    preset: str
    """``cpu`` or ``gpu``: the size of the run."""
    data: str
    """What it was measured on."""
    metrics: Mapping[str, float | int]
    """By the names of ``vitruve.metrics``, units in the names."""
    command: str
    """What was typed."""
    seconds: float
    """How long the measurement took."""
    machine: str = field(default_factory=machine)
    commit: str = field(default_factory=commit)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a results file; none if there is no file yet.

    Raises:
        ValueError: It is no list of rows.
    """
    if not path.exists():
        return []
    rows = load_json(path)
    if not isinstance(rows, list) or not all(
        isinstance(r, dict) and set(_KEY) <= set(r) for r in rows
    ):
        raise ValueError(f"{path} is no list of result rows with {', '.join(_KEY)}")
    return rows


def record(row: Row, name: str, folder: str | Path = FOLDER) -> Path:
    """Add a row to ``folder/name.json``, in place of an earlier one of the same key.

    Raises:
        ValueError: A metric is not finite, or the file holds something else.
        OSError: The folder cannot be written.
    """
    if bad := [k for k, v in row.metrics.items() if not math.isfinite(v)]:
        raise ValueError(f"{bad[0]} of {row.run} is {row.metrics[bad[0]]}; only numbers are kept")
    path = Path(folder) / f"{name}.json"
    new = asdict(row)
    rows = [r for r in read_rows(path) if any(r[k] != new[k] for k in _KEY)]
    rows = sorted([*rows, new], key=lambda r: tuple(str(r[k]) for k in _KEY))
    path.parent.mkdir(parents=True, exist_ok=True)
    text = ",\n".join(json.dumps(r, allow_nan=False) for r in rows)
    with atomic_path(path) as temporary:
        temporary.write_text(f"[\n{text}\n]\n")
    return path
