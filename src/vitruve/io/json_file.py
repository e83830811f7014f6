"""JSON: the whole record in plain fields, for programs in any language; metres, z up.

``joints_world`` holds per frame and joint ``[x, y, z]``, or null where the joint is missing;
``frames`` the source frame indices; ``spread`` metres or null.
"""

import json
from pathlib import Path

import numpy as np

from vitruve.io.atomic import atomic_path
from vitruve.io.contents import FORMAT, Z_UP, arrays, assemble, describe
from vitruve.io.errors import FileError
from vitruve.io.limits import clip, read_text
from vitruve.poses import PoseSequence

_MISSING = [float("nan")] * 3


def write_json(sequence: PoseSequence, path: Path) -> None:
    """Write one object.

    Raises:
        OSError: The folder cannot be written.
    """
    joints, valid, frames, spread = arrays(sequence)
    rows = [
        [p if seen else None for p, seen in zip(row, flags, strict=True)]
        for row, flags in zip(np.round(joints, 6).tolist(), valid.tolist(), strict=True)
    ]
    record = describe(sequence, "m", Z_UP) | {
        "frames": frames.tolist(),
        "joints_world": rows,
        "spread": None if spread is None else np.round(spread.astype(np.float64), 6).tolist(),
    }
    with atomic_path(path) as tmp, tmp.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(record, file, allow_nan=False, separators=(",", ":"))


def read_json(path: Path) -> PoseSequence:
    """Read a JSON file that Vitruve wrote.

    Raises:
        FileError: Not such a file; 2D keypoint files are for ``read_keypoints``.
        OSError: It does not exist or may not be read.
    """
    try:
        record = json.loads(read_text(path))
    except FileError:
        raise
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path} is not JSON: {clip(str(error))}") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise FileError(
            f'{path} holds no 3D motion (its "format" is not {FORMAT!r}); '
            "2D keypoint files are read by vitruve.io.read_keypoints"
        )
    try:
        count = len(record["skeleton"]["names"])
        rows = [[_MISSING if p is None else p for p in row] for row in record["joints_world"]]
        joints = np.array(rows, dtype=np.float64).reshape(len(rows), count, 3)
        frames = np.array(record["frames"], dtype=np.int64)
        stated = record.get("spread")
        spread = None if stated is None else np.array(stated, dtype=np.float64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise FileError(f"{path} holds no sound motion: {clip(repr(error))}") from None
    return assemble(path, joints, record, frames=frames, spread=spread)
