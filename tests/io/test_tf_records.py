import struct

import numpy as np
import pytest

from tf_record_samples import field, write_records
from vitruve.io.errors import FileError
from vitruve.io.limits import read_span
from vitruve.io.tf_records import read_records

RECORDS = [
    {"picture": b"\x89PNG" * 99, "place": [1.5, -2.0], "count": [3, -7, 2**40], "none": b""},
    {"place": [0.25], "count": [0]},
]


@pytest.mark.parametrize("packed", [True, False])
def test_records_come_back(tmp_path, packed):
    path = tmp_path / "a.tfrecord"
    write_records(path, RECORDS, packed)
    first, second = read_records(path)
    assert first["place"].numbers.tolist() == [1.5, -2.0]
    assert first["count"].numbers.tolist() == [3, -7, 2**40]
    assert first["count"].numbers.dtype == np.int64
    assert [read_span(path, span) for span in first["picture"].spans] == [RECORDS[0]["picture"]]
    assert [read_span(path, span) for span in first["none"].spans] == [b""]
    assert second["place"].numbers.tolist() == [0.25]
    assert set(second) == {"place", "count"}


ODD_FLOATS = field(1, b"a") + field(2, field(2, field(1, b"123")))


def framed(record):
    return struct.pack("<Q4x", len(record)) + record + bytes(4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no record", "record 0 states 9 bytes; 0 are left"),
        (struct.pack("<Q4x", 2**62) + b"x" * 20, "at most 268,435,456 are read"),
        (framed(b"\x0a\x7fabc"), "record 0 is damaged: a field states 127 bytes, 3 are left"),
        (framed(b"\xff" * 20), "a number is longer than ten bytes"),
        (framed(b"\x0f"), "a field is written in an unknown way, 7"),
        (framed(field(1, field(1, field(1, b"name")))), "a feature has no name or no value"),
        (framed(field(1, field(1, field(1, b"\xff") + field(2, b"")))), "can't decode byte 0xff"),
        (
            framed(field(1, field(1, field(1, b"a") + field(2, field(2, field(1, b"123")))))),
            "damaged",
        ),
    ],
)
def test_damaged_records_are_one_line(tmp_path, content, message):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(content)
    with pytest.raises(FileError, match=message) as error:
        list(read_records(path))
    assert "a.tfrecord" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_span_beyond_the_file_is_one_line(tmp_path):
    path = tmp_path / "a.tfrecord"
    path.write_bytes(b"123")
    with pytest.raises(FileError, match="ends before byte 5; is it cut short"):
        read_span(path, (1, 4))
