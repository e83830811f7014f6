"""TensorFlow's record files, written by hand; checksums are zeros."""

import struct

import numpy as np


def varint(value):
    value %= 2**64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def feature(values, packed=True):
    """Bytes, a list of floats, or a list of integers."""
    if isinstance(values, bytes):
        return field(1, field(1, values))
    if np.asarray(values).dtype.kind == "f":
        each = [struct.pack("<f", value) for value in values]
        kind, lone = 2, 5
    else:
        each = [varint(int(value)) for value in values]
        kind, lone = 3, 0
    if packed:
        return field(kind, field(1, b"".join(each)))
    return field(kind, b"".join(varint(1 << 3 | lone) + one for one in each))


def record(features, packed=True):
    entries = [
        field(1, field(1, name.encode()) + field(2, feature(values, packed)))
        for name, values in features.items()
    ]
    return field(1, b"".join(entries))


def write_records(path, records, packed=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    written = [record(features, packed) for features in records]
    path.write_bytes(b"".join(struct.pack("<Q4x", len(r)) + r + bytes(4) for r in written))
