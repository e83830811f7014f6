"""TensorFlow's record files of ``tf.train.Example``, without TensorFlow.

A record is its length (8 bytes), a checksum of that (4), its bytes, and a checksum of these (4).
The checksums are not compared. Its bytes are a protocol buffer: a map from names to lists of byte
strings, of floats, or of integers. Byte strings may be large and stay in the file.

Source: tensorflow.org, "TFRecord and tf.train.Example"; protobuf.dev, "Encoding".
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitruve.io.errors import FileError
from vitruve.io.limits import check_file

MAX_FILE_BYTES = 64 * 2**30
MAX_RECORD_BYTES = 2**28
_LENGTH = struct.Struct("<Q4x")
_CHECKSUM_BYTES = 4
_VARINT, _EIGHT, _DELIMITED, _FOUR = 0, 1, 2, 5
"""How a field of a protocol buffer is written."""
_BYTES, _FLOATS = 1, 2
"""Kinds of lists; the third are integers."""


@dataclass(frozen=True, eq=False)
class RecordFeature:
    """What stands under one name of a record."""

    numbers: np.ndarray
    """Floats or integers; empty where there are byte strings."""
    spans: tuple[tuple[int, int], ...] = ()
    """Where each byte string begins in the file, and how long it is."""


def read_records(path: Path) -> Iterator[Mapping[str, RecordFeature]]:
    """The records of a file, one after another.

    Raises:
        FileError: It is damaged, cut short, or holds something else.
        OSError: It does not exist or may not be read.
    """
    size = check_file(path, MAX_FILE_BYTES)
    with path.open("rb") as file:
        number = 0
        while head := file.read(_LENGTH.size):
            start = file.tell()
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else size
            if length > min(MAX_RECORD_BYTES, size - start - _CHECKSUM_BYTES):
                raise FileError(
                    f"{path}: record {number} states {length:,} bytes; {size - start:,} are left, "
                    f"at most {MAX_RECORD_BYTES:,} are read. Is it a TFRecord file, and whole?"
                )
            try:
                yield _features(file.read(length), start)
            except (ValueError, IndexError) as error:
                raise FileError(f"{path}: record {number} is damaged: {error}") from None
            file.seek(_CHECKSUM_BYTES, 1)
            number += 1


def _features(data: bytes, start: int) -> dict[str, RecordFeature]:
    found = {}
    for _, a, b in _delimited(data, 0, len(data), 1):
        for _, c, d in _delimited(data, a, b, 1):
            entry = {field: (e, f) for field, e, f in _delimited(data, c, d)}
            if set(entry) != {1, 2}:
                raise ValueError("a feature has no name or no value")
            name = data[slice(*entry[1])].decode("utf-8")
            found[name] = _feature(data, *entry[2], start)
    return found


def _feature(data: bytes, a: int, b: int, start: int) -> RecordFeature:
    numbers: list[np.ndarray] = []
    spans = []
    for kind, c, d in _delimited(data, a, b):
        for _, wire, e, f in _fields(data, c, d):
            if kind == _BYTES:
                spans.append((start + e, f - e))
            elif kind == _FLOATS:
                numbers.append(np.frombuffer(data[e:f], "<f4"))
            else:
                numbers.append(_integers(data, e, f) if wire == _DELIMITED else np.array([e]))
    return RecordFeature(np.concatenate(numbers) if numbers else np.empty(0), tuple(spans))


def _integers(data: bytes, a: int, b: int) -> np.ndarray:
    values = []
    while a < b:
        value, a = _varint(data, a, b)
        values.append(value)
    return np.array(values, dtype=np.int64)


def _delimited(
    data: bytes, a: int, b: int, only: int | None = None
) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of each field that has a length."""
    for number, wire, c, d in _fields(data, a, b):
        if wire == _DELIMITED and only in (None, number):
            yield number, c, d


def _fields(data: bytes, a: int, b: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, way of writing, begin and end of each field; a lone integer for its begin."""
    while a < b:
        key, a = _varint(data, a, b)
        wire = key & 7
        if wire == _VARINT:
            value, a = _varint(data, a, b)
            yield key >> 3, wire, value, a
            continue
        if wire == _DELIMITED:
            length, a = _varint(data, a, b)
        elif wire in (_FOUR, _EIGHT):
            length = 4 if wire == _FOUR else 8
        else:
            raise ValueError(f"a field is written in an unknown way, {wire}")
        if not 0 <= length <= b - a:
            raise ValueError(f"a field states {length} bytes, {b - a} are left")
        yield key >> 3, wire, a, a + length
        a += length


def _varint(data: bytes, a: int, b: int) -> tuple[int, int]:
    """A signed integer of seven bits a byte, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        if a >= b:
            raise ValueError("it ends within a number")
        value |= (data[a] & 0x7F) << shift
        a += 1
        if data[a - 1] < 0x80:
            value &= 2**64 - 1
            return value - 2**64 if value >= 2**63 else value, a
    raise ValueError("a number is longer than ten bytes")
