"""The sequence store: one folder, local or remote, read in pieces.

Layout, schema 1::

    index.json                      what there is: see ``SequenceStore.entries``
    arrays/00012/joints_world.003.npy   chunk 3 of one array of sequence 12

Every array is cut in time into plain ``.npy`` files of ``chunk_frames`` frames. Local chunks are
memory-mapped; remote ones (any fsspec address: ``s3://``, ``gs://``, ``https://``) are fetched
whole and a few are kept. File names follow from numbers, never from names found in the index.
"""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.data.sequences.clip import MotionSequence
from vitruve.data.sequences.store_files import ChunkFolder, open_folder
from vitruve.data.sequences.store_index import check_index, chunk_path, sequence_of

CHUNKS_KEPT = 64
"""How many chunks stay open or in memory."""
MAX_INDEX_BYTES = 256 * 2**20
NPY_HEADER_BYTES = 4096
"""Most that a chunk's file may exceed its data."""


class SequenceStore:
    """Sequences by name, any range of frames, touching only the chunks in question."""

    def __init__(self, folder: ChunkFolder, entries: dict[str, dict[str, Any]]) -> None:
        self._folder = folder
        self._chunks: OrderedDict[str, np.ndarray] = OrderedDict()
        self.entries = entries
        """What the index says of each sequence, by name."""

    @classmethod
    def open(cls, url: str | Path) -> "SequenceStore":
        """Open a store by path or fsspec address.

        Raises:
            FileNotFoundError: There is no ``index.json``.
            ValueError: The index is damaged or of another schema.
        """
        folder = open_folder(url)
        size = folder.size("index.json")
        if size is None:
            raise FileNotFoundError(
                f"no sequence store at {url}: index.json is missing; "
                "make one with `vitruve data` or vitruve.data.write_store"
            )
        if size > MAX_INDEX_BYTES:
            raise ValueError(f"{url}: index.json has {size} bytes, at most {MAX_INDEX_BYTES}")
        return cls(folder, check_index(folder.read("index.json"), str(url)))

    def __len__(self) -> int:
        """How many sequences there are."""
        return len(self.entries)

    def __iter__(self) -> Iterator[MotionSequence]:
        """Every sequence, whole, in index order."""
        return (self[name] for name in self.entries)

    def __getitem__(self, name: str) -> MotionSequence:
        """Read a whole sequence.

        Raises:
            KeyError: There is no such sequence.
        """
        return self.read(name, 0, self._entry(name)["frames"])

    def names(self, split: str | None = None) -> tuple[str, ...]:
        """Names of the sequences of one split, or of all."""
        return tuple(n for n, e in self.entries.items() if split is None or e["split"] == split)

    def read(self, name: str, start: int, stop: int) -> MotionSequence:
        """Frames ``start`` up to ``stop`` of one sequence.

        Raises:
            KeyError: There is no such sequence.
            IndexError: The range is empty or leaves the sequence.
            ValueError: A chunk is missing, damaged, or not what the index says.
        """
        entry = self._entry(name)
        if not 0 <= start < stop <= entry["frames"]:
            raise IndexError(
                f"frames {start} to {stop} of {name!r}: it has frames 0 to {entry['frames']}"
            )
        arrays = {key: self._read_array(entry, key, start, stop) for key in entry["arrays"]}
        return sequence_of(name, entry, arrays)

    def verify(self) -> list[str]:
        """Compare every chunk with its checksum; one line for each that is missing or damaged."""
        broken = []
        for name, entry in self.entries.items():
            for key, spec in entry["arrays"].items():
                for number, checksum in enumerate(spec["sha256"]):
                    path = chunk_path(entry["number"], key, number)
                    if self._folder.size(path) is None:
                        broken.append(f"{name}: {path} is missing")
                    elif self._folder.sha256(path) != checksum:
                        broken.append(f"{name}: {path} is damaged (checksum differs)")
        return broken

    def _entry(self, name: str) -> dict[str, Any]:
        if name not in self.entries:
            raise KeyError(f"the store has no sequence {name!r}; it has {len(self)}, see names()")
        return self.entries[name]

    def _read_array(self, entry: dict[str, Any], key: str, start: int, stop: int) -> np.ndarray:
        size = entry["chunk_frames"]
        parts = []
        for number in range(start // size, (stop - 1) // size + 1):
            first = number * size
            chunk = self._chunk(entry, key, number)
            parts.append(chunk[max(start - first, 0) : stop - first])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _chunk(self, entry: dict[str, Any], key: str, number: int) -> np.ndarray:
        path = chunk_path(entry["number"], key, number)
        if path in self._chunks:
            self._chunks.move_to_end(path)
            return self._chunks[path]
        spec = entry["arrays"][key]
        frames = min(entry["chunk_frames"], entry["frames"] - number * entry["chunk_frames"])
        expected = np.dtype(spec["dtype"]), (frames, *spec["shape"])
        chunk = self._load(path, *expected)
        self._chunks[path] = chunk
        if len(self._chunks) > CHUNKS_KEPT:
            self._chunks.popitem(last=False)
        return chunk

    def _load(self, path: str, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        """Map or fetch one chunk, its size checked before a byte of data is touched."""
        size, data_bytes = self._folder.size(path), int(np.prod(shape)) * dtype.itemsize
        if size is None:
            raise ValueError(f"{path} is missing from the store; run verify() and copy it again")
        if not data_bytes < size <= data_bytes + NPY_HEADER_BYTES:
            raise ValueError(
                f"{path} has {size} bytes where {shape} of {dtype} needs about {data_bytes}; "
                "run verify() and copy it again"
            )
        try:
            chunk = self._folder.array(path)
        except (ValueError, EOFError) as error:
            raise ValueError(f"{path} is not a plain .npy file: {error}") from error
        if chunk.dtype != dtype or chunk.shape != shape:
            raise ValueError(
                f"{path} holds {chunk.shape} of {chunk.dtype}, the index says {shape} of {dtype}"
            )
        return chunk
