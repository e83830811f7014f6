"""Damaged and hostile motion files: a clean clip or one clear line, nothing else."""

import functools
import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from motion_samples import sample
from test_io_asf_amc import AMC, ASF

import vitruve
from vitruve.io import READERS, WRITERS, FileError
from vitruve.io.limits import MAX_TEXT_BYTES

SUFFIXES = sorted(set(READERS) - {".asf"})
edits = st.lists(
    st.tuples(
        st.sampled_from(["flip", "insert", "delete", "cut", "word"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=4,
)
WORDS = (
    b"nan",
    b"1e999",
    b"-1",
    b"99999999999999999999",
    b"{",
    b"}",
    b"\r\n",
    b"\xff",
    b"\0",
    b"[[",
)


def mutate(data: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, new in changes:
        at = int(where * len(data))
        if kind == "word":
            new = WORDS[new[0] % len(WORDS)]
        if kind in ("insert", "word"):
            data = data[:at] + new + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + len(new) :]
        elif kind == "cut":
            data = data[:at]
        else:
            data = data[:at] + new + data[at + len(new) :]
    return data


@functools.cache
def valid_files() -> dict[str, bytes]:
    clip = sample(3)
    with tempfile.TemporaryDirectory() as folder:
        files = {
            s: vitruve.write(clip, Path(folder) / f"a{s}").read_bytes()
            for s in SUFFIXES
            if s in WRITERS
        }
        sidecar = (Path(folder) / "a.bvh.json").read_bytes()
    return files | {".amc": AMC.encode(), "sidecar": sidecar}


def check(path):
    line = path.stem
    try:
        clip = vitruve.read(path)
        assert np.isfinite(clip.joints_world.numpy()).all()
        assert np.isfinite(clip.fps)
    except (FileError, OSError) as error:
        line = str(error)
    assert "\n" not in line
    assert path.stem in line


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=edits)
def test_mutated_files(suffix, changes, tmp_path):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(mutate(valid_files()[suffix], changes))
    (tmp_path / "a.asf").write_text(ASF)
    check(path)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=edits)
def test_mutated_sidecars_and_figures(changes, tmp_path):
    (tmp_path / "a.bvh").write_bytes(valid_files()[".bvh"])
    (tmp_path / "a.bvh.json").write_bytes(mutate(valid_files()["sidecar"], changes))
    check(tmp_path / "a.bvh")
    (tmp_path / "b.amc").write_bytes(valid_files()[".amc"])
    (tmp_path / "b.asf").write_bytes(mutate(ASF.encode(), changes))
    check(tmp_path / "b.amc")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"\0\1\2" * 400, b"text\n" * 400, b"\xef\xbb\xbf"])
def test_empty_and_foreign_content(suffix, content, tmp_path):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    (tmp_path / "a.asf").write_text(ASF)
    with pytest.raises(FileError, match=r"a\.") as caught:
        vitruve.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_ten_gigabytes_are_refused_unread(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    with path.open("wb") as file:
        file.truncate(10 * 2**30)
    (tmp_path / "a.asf").write_text(ASF)
    with pytest.raises(FileError, match="10,737,418,240 bytes; at most"):
        vitruve.read(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_folders_are_refused(suffix, tmp_path):
    (tmp_path / f"a{suffix}").mkdir()
    (tmp_path / "a.asf").write_text(ASF)
    with pytest.raises(FileError, match="is not a file"):
        vitruve.read(tmp_path / f"a{suffix}")


def test_a_zip_bomb_is_refused_before_it_unpacks(tmp_path):
    path = vitruve.write(sample(3), tmp_path / "a.npz")
    with zipfile.ZipFile(path) as archive:
        members = {i.filename: archive.read(i) for i in archive.infolist()}
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content if name != "frames.npy" else content + bytes(2**28))
    with pytest.raises(FileError, match="holds more than its header says"):
        vitruve.read(bomb)
    header = (
        b"\x93NUMPY\x01\x00v\x00{'descr': '<i8', 'fortran_order': False, 'shape': (99999999,), }"
    )
    with zipfile.ZipFile(bomb, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content if name != "frames.npy" else header.ljust(127) + b"\n")
    with pytest.raises(FileError, match="claims 799,999,992 bytes"):
        vitruve.read(bomb)


def test_a_pickle_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, meta=np.array({"a": 1}, dtype=object))
    with pytest.raises(FileError, match="'meta' is object"):
        vitruve.read(path)


def test_deep_json_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("[" * 200_000)
    with pytest.raises(FileError, match="not JSON"):
        vitruve.read(tmp_path / "a.json")


def test_a_deep_and_a_crowded_bvh(tmp_path):
    path = tmp_path / "a.bvh"
    joint = "JOINT j\n{\nOFFSET 0 1 0\nCHANNELS 0\n"
    path.write_text("HIERARCHY\n" + joint.replace("JOINT", "ROOT") + joint * 50_000)
    with pytest.raises(FileError, match="more than 1000 joints"):
        vitruve.read(path)


def test_huge_counts_are_refused_before_allocating(tmp_path):
    path = vitruve.write(sample(3), tmp_path / "a.bvh")
    (tmp_path / "a.bvh.json").unlink()
    path.write_text(path.read_text().replace("Frames: 3", "Frames: 2000000000"))
    with pytest.raises(FileError, match="declares an array of"):
        vitruve.read(path)


def test_line_ends_and_byte_order_marks_do_not_matter(tmp_path):
    for suffix in (".bvh", ".trc", ".csv", ".json"):
        path = vitruve.write(sample(3), tmp_path / f"a{suffix}")
        expected = vitruve.read(path).joints_world
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
        np.testing.assert_array_equal(vitruve.read(path).joints_world, expected)


def test_wrong_joint_count_and_wrong_camera(tmp_path):
    path = vitruve.write(sample(3), tmp_path / "a.json")
    record = json.loads(path.read_text())
    for change, line in (
        ({"joints_world": [[[0, 0, 0]]]}, "no sound motion"),
        ({"fps": 0}, r"fps is 0; allowed is"),
        ({"frames": [2, 1, 0]}, "must increase"),
        ({"camera": record["camera"] | {"intrinsics": [[1]]}}, r"intrinsics has shape \(1, 1\)"),
    ):
        path.write_text(json.dumps(record | change))
        with pytest.raises(FileError, match=line):
            vitruve.read(path)


def test_the_text_limit_holds_hours():
    assert MAX_TEXT_BYTES > 60 * 60 * 60 * 17 * 3 * 10
