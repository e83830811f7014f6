"""The bytes of a C3D file: header, parameters, point data. Nothing is allocated on its word alone.

Written here because a C library that meets a damaged file may end the process. Source: The C3D File
Format User Guide (c3d.org). Axes: t frames, j points.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vitruve.io.errors import FileError
from vitruve.io.limits import check_values

_BLOCK = 512
_INTEL, _DEC, _MIPS = 84, 85, 86
_KINDS = {-1: "S1", 1: "i1", 2: "i2", 4: "f4"}

Parameters = Mapping[tuple[str, str], Any]
"""By (group, name): a list of texts, or a numpy array."""


@dataclass(frozen=True)
class Points:
    """What a C3D file holds of points."""

    xyz: np.ndarray
    """(t, j, 3) in the file's unit and axes."""
    residual: np.ndarray
    """(t, j); negative where the point is missing."""
    first_frame: int
    """As the file counts, from 1."""
    fps: float
    parameters: Parameters


def parse_c3d(path: Path, data: bytes) -> Points:
    """Decode a whole file.

    Raises:
        FileError: It is no C3D file, damaged or cut short.
    """
    try:
        return _parse(path, data)
    except (struct.error, IndexError, ValueError, UnicodeError, OverflowError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} is a damaged C3D file: {error}") from None


def _parse(path: Path, data: bytes) -> Points:
    if len(data) < 2 * _BLOCK or data[1] != 0x50 or data[0] == 0:
        raise FileError(f"{path} is no C3D file: its second byte must be 80 (0x50)")
    start = (data[0] - 1) * _BLOCK
    if start + 4 > len(data):
        raise FileError(f"{path} is cut short: its parameters begin at byte {start}")
    processor = data[start + 3]
    if processor not in (_INTEL, _DEC, _MIPS):
        raise FileError(f"{path} names processor {processor}; known are {_INTEL} to {_MIPS}")
    order = ">" if processor == _MIPS else "<"
    words = struct.unpack_from(f"{order}5H", data, 2)
    count, analog, first, last = words[:4]
    scale = float(_floats(data[12:16], processor)[0])
    (block,) = struct.unpack_from(f"{order}H", data, 16)
    rate = float(_floats(data[20:24], processor)[0])
    parameters = _parameters(data, start + 4, processor)
    frames = _frame_count(parameters, first, last)
    offset = (block - 1) * _BLOCK
    check_values(path, (frames, count, 4))
    item = 2 if scale > 0 else 4
    width = 4 * count + analog
    needed = offset + frames * width * item
    if block == 0 or frames < 1 or count < 1 or needed > len(data):
        raise FileError(
            f"{path} states {frames} frames of {count} points, which need {needed:,} bytes; it has "
            f"{len(data):,}. Is it cut short?"
        )
    raw = data[offset : offset + frames * width * item]
    table = (
        np.frombuffer(raw, f"{order}i2").astype(np.float32)
        if scale > 0
        else _floats(raw, processor)
    )
    cells = table.reshape(frames, width)[:, : 4 * count].reshape(frames, count, 4)
    # Damage may leave signalling NaNs, which warn when cast.
    with np.errstate(invalid="ignore"):
        xyz = cells[..., :3].astype(np.float64) * (scale if scale > 0 else 1.0)
    return Points(xyz, cells[..., 3], first, rate, parameters)


def _frame_count(parameters: Parameters, first: int, last: int) -> int:
    """The header counts to 65,535; TRIAL and POINT:FRAMES say more about longer clips."""
    ends: list[Any] = [parameters.get(("TRIAL", f"ACTUAL_{end}_FIELD")) for end in ("START", "END")]
    if all(isinstance(end, np.ndarray) and end.size == 2 for end in ends):
        low, high = ((int(a) & 0xFFFF) + (int(b) & 0xFFFF) * 65536 for a, b in ends)
        return high - low + 1
    stated = parameters.get(("POINT", "FRAMES"))
    if isinstance(stated, np.ndarray) and stated.size == 1 and last == 0xFFFF:
        number = float(stated.reshape(-1)[0])
        return int(number) & 0xFFFF if number < 0 else int(number)
    return last - first + 1


def _floats(raw: bytes, processor: int) -> np.ndarray:
    raw = raw[: len(raw) // 4 * 4]
    if processor != _DEC:
        return np.frombuffer(raw, ">f4" if processor == _MIPS else "<f4").astype(np.float32)
    # A VAX F float is an IEEE float with its halves swapped and its exponent two too large.
    swapped = np.frombuffer(raw, "<u2").reshape(-1, 2)[:, ::-1].copy()
    with np.errstate(all="ignore"):
        return swapped.view("<f4")[:, 0] / np.float32(4)


def _parameters(data: bytes, at: int, processor: int) -> dict[tuple[str, str], Any]:
    order = ">" if processor == _MIPS else "<"
    groups: dict[int, str] = {}
    found: list[tuple[int, str, Any]] = []
    while at + 2 <= len(data):
        length, group = struct.unpack_from("bb", data, at)
        length = abs(length)
        if length == 0 or group == 0:
            break
        name = data[at + 2 : at + 2 + length].decode("latin1").strip().upper()
        link = at + 2 + length
        (skip,) = struct.unpack_from(f"{order}H", data, link)
        if group < 0:
            groups[-group] = name
        else:
            found.append((group, name, _value(data, link + 2, processor)))
        if skip == 0:
            break
        at = link + skip
    return {(groups.get(group, ""), name): value for group, name, value in found}


def _value(data: bytes, at: int, processor: int) -> Any:
    kind, rank = struct.unpack_from("bB", data, at)
    if kind not in _KINDS:
        raise FileError(f"a parameter has the unknown type {kind}")
    shape = struct.unpack_from(f"{rank}B", data, at + 2)
    count = 1
    for n in shape:
        count *= n
    first, size = at + 2 + rank, abs(kind) * count
    raw = data[first : first + size]
    if len(raw) < size:
        raise FileError("a parameter reaches beyond the file")
    if kind == 4:
        return _floats(raw, processor)
    if kind == -1:
        width = shape[0] if shape else 1
        text = raw.decode("utf-8", "replace") if width == len(raw) else None
        rows = [raw[i : i + width] for i in range(0, len(raw), width)] if width else []
        return (
            [text.rstrip()]
            if text is not None
            else [r.decode("utf-8", "replace").rstrip() for r in rows]
        )
    return np.frombuffer(raw, (">" if processor == _MIPS else "<") + _KINDS[kind])
