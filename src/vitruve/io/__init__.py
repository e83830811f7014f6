"""Files in and out: motion, video, 2D keypoints. Formats are chosen by suffix."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vitruve.io.asf_amc import read_amc, read_asf
from vitruve.io.bvh import read_bvh
from vitruve.io.bvh_writer import write_bvh
from vitruve.io.c3d_file import read_c3d, write_c3d
from vitruve.io.csv_file import read_csv, write_csv
from vitruve.io.errors import FileError
from vitruve.io.glb import write_glb
from vitruve.io.json_file import read_json, write_json
from vitruve.io.keypoints import read_keypoints, write_keypoints
from vitruve.io.npz import read_npz, write_npz
from vitruve.io.parquet import read_parquet, write_parquet
from vitruve.io.trc import read_trc, write_trc
from vitruve.poses import PoseSequence

__all__ = [
    "READERS",
    "WRITERS",
    "FileError",
    "read",
    "read_keypoints",
    "write",
    "write_keypoints",
]

READERS: dict[str, Callable[..., PoseSequence]] = {
    ".amc": read_amc,
    ".asf": read_asf,
    ".bvh": read_bvh,
    ".c3d": read_c3d,
    ".csv": read_csv,
    ".json": read_json,
    ".npz": read_npz,
    ".parquet": read_parquet,
    ".trc": read_trc,
}
"""3D motion by suffix: ``reader(path, **options)``."""

WRITERS: dict[str, Callable[[PoseSequence, Path], None]] = {
    ".bvh": write_bvh,
    ".c3d": write_c3d,
    ".csv": write_csv,
    ".glb": write_glb,
    ".json": write_json,
    ".npz": write_npz,
    ".parquet": write_parquet,
    ".trc": write_trc,
}
"""3D motion by suffix: ``writer(sequence, path)``."""

_PICTURES = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".jpg", ".jpeg", ".png"})


def read(path: str | Path, **options: Any) -> PoseSequence:
    """Read the 3D motion of one person.

    Args:
        path: A motion file; the suffix names the format (`READERS`).
        options: What the format's reader also takes: ``unit_m`` of BVH, ``asf`` of AMC.

    Raises:
        FileError: Not a sound file of that format; one line says what is wrong.
        OSError: It does not exist or may not be read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in READERS:
        if not path.exists():
            raise FileNotFoundError(f"no such file: {path}")
        return READERS[suffix](path, **options)
    if suffix in _PICTURES or path.is_dir():
        raise FileError(
            f"{path} holds pictures, not 3D motion: vitruve.estimate(path) makes motion of them, "
            "vitruve.io.video.read_frames(path) gives the frames"
        )
    raise FileError(
        f"{path} has the suffix {suffix!r}; 3D motion is read from {' '.join(READERS)}, "
        "2D keypoints by vitruve.io.read_keypoints"
    )


def write(sequence: PoseSequence, path: str | Path) -> Path:
    """Write the 3D motion of one person; whole or not at all.

    Args:
        sequence: What to write.
        path: The suffix names the format (`WRITERS`).

    Returns:
        ``path``.

    Raises:
        FileError: The suffix names no format.
        ValueError: The format cannot hold this sequence; the message says what can.
        OSError: The folder cannot be written or the disk is full; an older file stays as it was.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise FileError(f"{path} has the suffix {suffix!r}; allowed are {' '.join(WRITERS)}")
    WRITERS[suffix](sequence, path)
    return path
