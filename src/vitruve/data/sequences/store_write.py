"""Write a sequence store: all of it or nothing."""

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.sequences.clip import MotionSequence
from vitruve.data.sequences.store import SequenceStore
from vitruve.data.sequences.store_index import SCHEMA, arrays_of, chunk_path, entry_of


def write_store(
    sequences: Iterable[MotionSequence], folder: str | Path, *, chunk_frames: int = 4096
) -> SequenceStore:
    """Write sequences to a new local folder and open it; copy the folder anywhere afterwards.

    The folder appears under its name only when it is complete.

    Raises:
        FileExistsError: The folder exists.
        ValueError: There is no sequence, or two have the same name.
    """
    target = Path(folder)
    if target.exists():
        raise FileExistsError(f"{target} exists; give a new folder or remove that one first")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        entries: dict[str, dict[str, Any]] = {}
        for sequence in sequences:
            if sequence.name in entries:
                raise ValueError(f"two sequences are called {sequence.name!r}; names are unique")
            entries[sequence.name] = _write_sequence(sequence, len(entries), draft, chunk_frames)
        if not entries:
            raise ValueError(f"no sequences to write to {target}")
        index = {"schema": SCHEMA, "sequences": list(entries.values())}
        (draft / "index.json").write_text(json.dumps(index), "utf-8")
        draft.chmod(0o755)
        os.replace(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return SequenceStore.open(target)


def _write_sequence(
    sequence: MotionSequence, number: int, root: Path, chunk_frames: int
) -> dict[str, Any]:
    specs = {}
    for key, array in arrays_of(sequence).items():
        checksums = []
        for chunk in range(-(-len(array) // chunk_frames)):
            data = io.BytesIO()
            part = array[chunk * chunk_frames : (chunk + 1) * chunk_frames]
            np.save(data, np.ascontiguousarray(part), allow_pickle=False)
            file = root / chunk_path(number, key, chunk)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data.getvalue())
            checksums.append(hashlib.sha256(data.getvalue()).hexdigest())
        specs[key] = {
            "dtype": array.dtype.name,
            "shape": list(array.shape[1:]),
            "sha256": checksums,
        }
    return entry_of(sequence) | {"number": number, "chunk_frames": chunk_frames, "arrays": specs}
