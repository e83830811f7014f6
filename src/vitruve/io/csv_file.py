"""CSV: a wide table for spreadsheets and pandas (``read_csv(path, comment="#")``); metres, z up.

Lines that start with ``#`` state what the file holds, one JSON value per key.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.io.atomic import atomic_path
from vitruve.io.contents import Z_UP, describe
from vitruve.io.errors import FileError
from vitruve.io.limits import clip, read_text
from vitruve.io.wide_table import from_columns, to_columns, wanted_columns
from vitruve.poses import PoseSequence

_ROWS = 4096
"""Rows held as text at a time."""


def write_csv(sequence: PoseSequence, path: Path) -> None:
    """Write one row per frame.

    Raises:
        OSError: The folder cannot be written.
    """
    columns = to_columns(sequence)
    with atomic_path(path) as tmp, tmp.open("w", encoding="utf-8", newline="") as file:
        for key, value in describe(sequence, "m", Z_UP).items():
            file.write(f"# {key}: {json.dumps(value, allow_nan=False)}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for start in range(0, len(sequence.frames), _ROWS):
            texts = [_texts(values[start : start + _ROWS]) for values in columns.values()]
            writer.writerows(zip(*texts, strict=True))


def _texts(values: np.ndarray) -> list[str]:
    if values.dtype == bool:
        return ["1" if v else "0" for v in values.tolist()]
    if values.dtype.kind in "iu":
        return [str(v) for v in values.tolist()]
    return ["" if v != v else f"{v:.6f}" for v in values.tolist()]


def read_csv(path: Path) -> PoseSequence:
    """Read a CSV that Vitruve wrote.

    Raises:
        FileError: Not such a file.
        OSError: It does not exist or may not be read.
    """
    lines = read_text(path).splitlines()
    meta = {}
    first = 0
    for first, line in enumerate(lines):
        if not line.startswith("#"):
            break
        key, _, value = line.removeprefix("#").partition(":")
        meta[key.strip()] = _json(path, first, value)
    table = csv.reader(lines[first:], strict=True)
    try:
        names = next(table)
        wanted = wanted_columns(path, names, meta)
        where = {name: i for i, name in enumerate(names)}
        indices = [where[name] for name in wanted]
        rows = [_row(path, table.line_num + first, row, indices) for row in table if row]
    except StopIteration:
        raise FileError(f"{path} has no table") from None
    except csv.Error as error:
        raise FileError(f"{path}, line {table.line_num + first}: {clip(str(error))}") from None
    return from_columns(path, np.array(rows).reshape(len(rows), len(indices)), meta)


def _json(path: Path, index: int, value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}, line {index + 1}: {clip(str(error))}") from None


def _row(path: Path, line: int, row: list[str], indices: list[int]) -> np.ndarray:
    try:
        return np.array([float(row[i]) if row[i] else np.nan for i in indices])
    except IndexError:
        raise FileError(f"{path}, line {line}: {len(row)} cells, fewer than columns") from None
    except ValueError as error:
        raise FileError(f"{path}, line {line}: {clip(str(error))}") from None
