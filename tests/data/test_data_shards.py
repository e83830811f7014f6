"""Shards: what was written comes back, lazily; what is broken is named."""

import json
import zipfile
from contextlib import suppress

import fsspec
import numpy as np
import pytest

from vitruve.data.shards.file import ShardFile, write_shard
from vitruve.data.shards.folder import ShardReader, shard_name, write_index
from vitruve.io.errors import FileError


def columns(first: int, count: int) -> dict:
    drawn = np.random.default_rng(first)
    return {
        "key": np.array([f"{i:06d}" for i in range(first, first + count)]),
        "joints": drawn.normal(size=(count, 5, 3)).astype(np.float32),
        "valid": drawn.random((count, 5)) < 0.5,
        "image": [drawn.bytes(int(n)) for n in drawn.integers(0, 90, count)],
    }


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        write_shard(tmp_path / shard_name(number), columns(10 * number, 7))
    write_index(tmp_path, {"skeleton": "h36m_17"}, range(3))
    return tmp_path


def test_examples_come_back_by_key_and_by_number(folder) -> None:
    reader = ShardReader(folder)
    assert len(reader) == 21
    assert reader.about == {"skeleton": "h36m_17"}
    assert [e["key"].item() for e in reader] == [
        f"{i:06d}" for s in (0, 10, 20) for i in range(s, s + 7)
    ]
    expected = columns(10, 7)
    for i in range(7):
        example = reader[7 + i]
        assert reader.number_of(f"{10 + i:06d}") == 7 + i
        for name, column in expected.items():
            assert np.array_equal(example[name], column[i]), name
        assert reader[f"{10 + i:06d}"]["image"] == expected["image"][i]
    assert np.array_equal(reader.column("joints")[7:14], expected["joints"])
    assert reader.verify() == []


def test_numpy_alone_reads_a_shard(folder) -> None:
    with np.load(folder / shard_name(1)) as plain:
        ends = plain["image.ends"]
        assert plain["image"][ends[2] : ends[3]].tobytes() == columns(10, 7)["image"][3]


def test_equal_columns_are_equal_files(tmp_path) -> None:
    for name in ("a.npz", "b.npz"):
        write_shard(tmp_path / name, columns(0, 5))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_only_the_shard_in_question_is_touched(folder) -> None:
    (folder / shard_name(0)).unlink()
    reader = ShardReader(folder)
    assert reader["000012"]["key"] == "000012"
    with pytest.raises(FileNotFoundError, match=r"shard-000000.npz is missing"):
        reader[3]
    assert reader.verify() == [f"shard {folder / shard_name(0)} is missing"]


def test_an_open_shard_keeps_one_file_open_and_cannot_be_written_to(folder) -> None:
    shard = ShardFile(folder / shard_name(0))
    for column in shard.arrays.values():
        assert not column.flags.writeable
        assert not column.flags.owndata
    assert len({id(column.base) for column in shard.arrays.values()}) == 1


def test_shards_behind_an_address_are_fetched_and_checked(folder) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/bucket/people", recursive=True)
    local, remote = ShardReader(folder), ShardReader("memory://bucket/people")
    assert [e["image"] for e in remote] == [e["image"] for e in local]
    assert np.array_equal(remote.column("joints"), local.column("joints"))
    assert remote.verify() == []
    where, file = "memory://bucket/people", f"/bucket/people/{shard_name(1)}"
    whole = memory.cat_file(file)
    memory.pipe_file(file, whole[:-1] + bytes([whole[-1] ^ 1]))
    again = ShardReader(where)
    assert again[0]["key"] == "000000"
    with pytest.raises(FileError, match=f"shard {where}/{shard_name(1)} is damaged"):
        again[7]
    memory.rm(file)
    assert again.verify() == [f"shard {where}/{shard_name(1)} is missing"]
    with pytest.raises(FileNotFoundError, match=r"no shards at memory://bucket/none: index\.json"):
        ShardReader("memory://bucket/none")


@pytest.mark.parametrize("key", ["000007", "", "zzz", "000020x"])
def test_unknown_keys_and_numbers(folder, key) -> None:
    reader = ShardReader(folder)
    with pytest.raises(KeyError, match="has no example"):
        reader[key]
    with pytest.raises(IndexError, match="it has 21"):
        reader[21]
    with pytest.raises(KeyError, match="no column 'image'"):
        reader.column("image")


def test_what_cannot_be_written_is_refused(tmp_path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(ValueError, match="columns of one length"):
        write_shard(path, columns(0, 3) | {"x": np.zeros(2)})
    with pytest.raises(ValueError, match="sort the examples by key"):
        write_shard(path, {"key": np.array(["b", "a"])})
    with pytest.raises(ValueError, match="'x' holds Python objects"):
        write_shard(path, {"key": np.array(["a"]), "x": np.array([{}])})
    assert list(tmp_path.iterdir()) == []
    for number in range(2):
        write_shard(tmp_path / shard_name(number), columns(0, 3))
    with pytest.raises(FileError, match=r"shard-000001.npz starts at key '000000'"):
        write_index(tmp_path, {}, range(2))


def test_every_cut_of_a_shard_is_noticed(folder) -> None:
    path = folder / shard_name(1)
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(FileError, match=r"shard .*shard-000001.npz has .* bytes"):
            ShardReader(folder)[8]
        with pytest.raises(FileError, match=r"shard .*shard-000001.npz is damaged"):
            ShardFile(path)


def test_no_flipped_byte_crashes_and_all_are_found_by_checksum(folder) -> None:
    path = folder / shard_name(2)
    whole = path.read_bytes()
    reader = ShardReader(folder)
    for place in range(0, len(whole), 61):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(FileError):
            shard = ShardFile(path)
            assert len([shard[i] for i in range(len(shard))]) == 7
        assert reader.verify() == [f"shard {path} is damaged (checksum differs)"]


def test_hostile_shards_are_refused(tmp_path) -> None:
    path = tmp_path / "a.npz"
    keys = np.array(["a", "b"])

    def refused(**arrays) -> None:
        np.savez(path, **arrays)
        with pytest.raises(FileError, match=r"a\.npz is damaged"):
            ShardFile(path)

    refused(key=keys, x=np.array([{}, 1], dtype=object))
    refused(x=np.zeros(2))
    refused(key=keys[::-1])
    refused(key=keys, x=np.zeros(3))
    refused(key=keys, **{"x": np.zeros(4, np.uint8), "x.ends": np.array([2, 9])})
    refused(key=keys, **{"x": np.zeros(4, np.uint8), "x.ends": np.array([5, 4])})
    refused(key=keys, **{"x": np.zeros(4, np.uint8), "x.ends": np.array([-1, 4])})
    np.savez_compressed(path, key=keys)
    with pytest.raises(FileError, match="is packed"):
        ShardFile(path)
    with zipfile.ZipFile(path, "w") as archive:
        huge = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
        huge += b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }".ljust(117)
        archive.writestr("key.npy", huge + b"\n")
    with pytest.raises(FileError, match="no plain array of this file"):
        ShardFile(path)


def test_hostile_indices_are_refused(folder) -> None:
    path = folder / "index.json"
    index = json.loads(path.read_text())

    def refused(changes: dict, message: str) -> None:
        shards = [index["shards"][0] | changes, *index["shards"][1:]]
        path.write_text(json.dumps(index | {"shards": shards}))
        with pytest.raises(FileError, match=message):
            ShardReader(folder)

    refused({"file": "../secret.npz"}, "damaged or disordered")
    refused({"file": "shard-/../x.npz"}, "damaged or disordered")
    refused({"last": "999999"}, "damaged or disordered")
    refused({"examples": -4}, "damaged or disordered")
    refused({"examples": "many"}, "index of shards|damaged or disordered")
    refused({"more": 1}, "not an index of shards")
    path.write_text(json.dumps(index | {"schema": 9}))
    with pytest.raises(FileError, match="schema 9"):
        ShardReader(folder)
    path.write_text("{")
    with pytest.raises(FileError, match="is not JSON"):
        ShardReader(folder)
    path.unlink()
    with pytest.raises(FileNotFoundError, match="the same command goes on"):
        ShardReader(folder)
