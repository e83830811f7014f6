"""What a study leaves behind: all numbers as JSON and CSV, a short table, and the picture."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vitruve.benchmarks.provenance import commit, machine
from vitruve.benchmarks.studies.figure import house_style, save
from vitruve.benchmarks.studies.study import Finding, Study
from vitruve.io.atomic import atomic_path


def write_report(
    folder: str | Path,
    name: str,
    study: Study,
    findings: Sequence[Finding],
    about: Mapping[str, Any],
) -> list[Path]:
    """Write ``name.json``, ``.csv``, ``.md``, ``.png`` and ``.svg`` into a folder.

    Args:
        folder: Made if it is not there.
        name: Of the study.
        study: What measured and draws.
        findings: What it found, model by model.
        about: What else to keep in the JSON file: command, weights, settings.

    Returns:
        The files, in that order.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    stem = Path(folder) / name
    stem.parent.mkdir(parents=True, exist_ok=True)
    texts = {
        ".json": _as_json(name, findings, about),
        ".csv": _as_csv(findings),
        ".md": as_table(study, findings),
    }
    for suffix, text in texts.items():
        with atomic_path(stem.with_suffix(suffix)) as temporary:
            temporary.write_text(text, "utf-8")
    with house_style():
        pictures = save(study.draw(findings), stem)
    return [*(stem.with_suffix(suffix) for suffix in texts), *pictures]


def as_table(study: Study, findings: Sequence[Finding]) -> str:
    """The short table, Markdown: a line for each model."""
    every = dict.fromkeys(key for finding in findings for key in finding.metrics)
    columns = [key for key in study.columns or every if key in every]
    lines = [["model", *columns], ["---", *("---:" for _ in columns)]]
    for finding in findings:
        cells = [_cell(finding.metrics.get(key)) for key in columns]
        lines.append([f"`{finding.model}`", *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: float | int | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    # Three figures say what a measurement of this kind can.
    digits = 3 if abs(value) < 1 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def _as_json(name: str, findings: Sequence[Finding], about: Mapping[str, Any]) -> str:
    document = {
        "study": name,
        **about,
        "commit": commit(),
        "machine": machine(),
        "findings": [
            {
                "model": finding.model,
                "metrics": _finite(finding.metrics),
                "rows": [_finite(row) for row in finding.rows],
            }
            for finding in findings
        ],
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN; a number that could not be measured is null."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}


def _as_csv(findings: Sequence[Finding]) -> str:
    names = dict.fromkeys(name for finding in findings for row in finding.rows for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, ["model", *names], lineterminator="\n")
    writer.writeheader()
    for finding in findings:
        writer.writerows({"model": finding.model, **row} for row in finding.rows)
    return text.getvalue()
