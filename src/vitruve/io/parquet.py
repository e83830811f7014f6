"""Parquet (extra ``parquet``): the wide table, typed and compressed; metres, z up.

The statement stands in the schema's metadata under the key ``vitruve``.
"""

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from vitruve.io.atomic import atomic_path
from vitruve.io.contents import Z_UP, describe
from vitruve.io.errors import FileError
from vitruve.io.limits import MAX_BINARY_BYTES, check_file, check_values, clip
from vitruve.io.wide_table import from_columns, to_columns, wanted_columns
from vitruve.poses import PoseSequence


def write_parquet(sequence: PoseSequence, path: Path) -> None:
    """Write one row per frame.

    Raises:
        ImportError: pyarrow is not installed.
        OSError: The folder cannot be written.
    """
    pyarrow, parquet = _pyarrow()
    table = pyarrow.table(to_columns(sequence))
    statement = json.dumps(describe(sequence, "m", Z_UP), allow_nan=False)
    table = table.replace_schema_metadata({"vitruve": statement})
    with atomic_path(path) as tmp:
        parquet.write_table(table, tmp)


def read_parquet(path: Path) -> PoseSequence:
    """Read a Parquet file that Vitruve wrote.

    Raises:
        FileError: Not such a file.
        ImportError: pyarrow is not installed.
        OSError: It does not exist or may not be read.
    """
    check_file(path, MAX_BINARY_BYTES)
    _, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(path) as file:
            meta, rows = _read(path, file)
    except (FileError, MemoryError):
        raise
    # Arrow reports damage as OSError, ValueError and half a dozen of its own kinds.
    except Exception as error:
        raise FileError(f"{path} cannot be read as Parquet: {clip(str(error))}") from None
    return from_columns(path, rows, meta)


def _read(path: Path, file: Any) -> tuple[dict[str, Any], np.ndarray]:
    stored = file.schema_arrow.metadata or {}
    if b"vitruve" not in stored:
        raise FileError(f"{path} states no skeleton: it was not written by vitruve")
    meta = json.loads(stored[b"vitruve"])
    wanted = wanted_columns(path, file.schema_arrow.names, meta)
    check_values(path, (file.metadata.num_rows, len(wanted)))
    table = file.read(columns=wanted)
    columns = [table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in wanted]
    return meta, np.stack(columns, axis=1)


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportError("Parquet needs pyarrow: pip install 'vitruve[parquet]'") from None
    return pyarrow, pyarrow.parquet
