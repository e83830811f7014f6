"""Where files of stores and shards lie: a local folder, which is mapped, or any fsspec address."""

import hashlib
import io
from pathlib import Path

import numpy as np


class LocalFolder:
    """A folder on this machine; arrays are memory-mapped, read-only."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def size(self, path: str) -> int | None:
        """Bytes of a file; None when there is none."""
        file = self.root / path
        return file.stat().st_size if file.is_file() else None

    def read(self, path: str) -> bytes:
        """Everything in a file."""
        return (self.root / path).read_bytes()

    def sha256(self, path: str) -> str:
        """Checksum of a file."""
        with (self.root / path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def array(self, path: str) -> np.ndarray:
        """Map a ``.npy`` file.

        Raises:
            ValueError: The file holds something else.
        """
        return np.load(self.root / path, mmap_mode="r", allow_pickle=False)

    def at(self, path: str) -> str:
        """A file's name, for messages."""
        return str(self.root / path)


class RemoteFolder:
    """A folder behind an fsspec address; arrays are fetched whole."""

    def __init__(self, url: str) -> None:
        # fsspec comes with torch; it is imported here so that local stores never pay for it.
        import fsspec

        self._url = url.rstrip("/")
        self._files, self._root = fsspec.core.url_to_fs(self._url)

    def size(self, path: str) -> int | None:
        """Bytes of a file; None when there is none."""
        try:
            return int(self._files.size(self._at(path)))
        except FileNotFoundError:
            return None

    def read(self, path: str) -> bytes:
        """Everything in a file."""
        return self._files.cat_file(self._at(path))

    def sha256(self, path: str) -> str:
        """Checksum of a file, which is fetched."""
        return hashlib.sha256(self.read(path)).hexdigest()

    def array(self, path: str) -> np.ndarray:
        """Fetch a ``.npy`` file.

        Raises:
            ValueError: The file holds something else.
        """
        return np.load(io.BytesIO(self.read(path)), allow_pickle=False)

    def at(self, path: str) -> str:
        """A file's name, for messages."""
        return f"{self._url}/{path}"

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"


ChunkFolder = LocalFolder | RemoteFolder


def open_folder(url: str | Path) -> ChunkFolder:
    """The folder at a path or an fsspec address (``s3://``, ``gs://``, ``https://``)."""
    return RemoteFolder(str(url)) if "://" in str(url) else LocalFolder(Path(url))
