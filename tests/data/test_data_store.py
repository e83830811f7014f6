import json

import fsspec
import numpy as np
import pytest
import torch

from vitruve.data.sequences.clip import MotionSequence, finite_joints
from vitruve.data.sequences.store import SequenceStore
from vitruve.data.sequences.store_write import write_store
from vitruve.geometry.camera import Camera
from vitruve.poses import KeypointSequence
from vitruve.skeletons.skeleton import Skeleton

CHAIN = Skeleton("chain_3", ("root", "middle", "tip"), (-1, 0, 1))


def motion(name="walk", frames=25, seed=0, **fields):
    joints = np.random.default_rng(seed).normal(size=(frames, 3, 3)).astype(np.float32)
    valid = np.ones((frames, 3), dtype=bool)
    valid[0, 2] = False
    return MotionSequence(
        name=name,
        subject="S1",
        action="Walking",
        split="train",
        skeleton=CHAIN,
        fps=50.0,
        joints_world=joints,
        valid=valid,
        **fields,
    )


def seen(frames=25):
    """A camera and what it saw."""
    camera = Camera(torch.eye(3), (640, 480), torch.arange(5) / 10, torch.eye(4))
    keypoints = KeypointSequence(
        skeleton=CHAIN,
        keypoints_px=torch.rand(frames, 3, 2, generator=torch.Generator().manual_seed(0)),
        valid=torch.ones(frames, 3, dtype=torch.bool),
        confidence=torch.ones(frames, 3),
        frames=torch.arange(frames),
        fps=50.0,
        image_size_px=(640, 480),
        model="made up",
    )
    return {"cameras": (camera,), "keypoints": (keypoints,)}


def test_round_trip_and_ranges_across_chunks(tmp_path):
    walk, run = motion(**seen()), motion("rün/..", frames=7, seed=1)
    store = write_store([walk, run], tmp_path / "störe", chunk_frames=10)
    assert len(store) == 2
    assert store.names("train") == ("walk", "rün/..")
    assert store.names("test") == ()
    whole = store["walk"]
    np.testing.assert_array_equal(whole.joints_world, walk.joints_world)
    np.testing.assert_array_equal(whole.valid, walk.valid)
    assert whole.skeleton == CHAIN
    assert (whole.subject, whole.action, whole.split, whole.fps) == ("S1", "Walking", "train", 50)
    assert torch.equal(whole.keypoints[0].keypoints_px, walk.keypoints[0].keypoints_px)
    assert torch.equal(whole.cameras[0].distortion, walk.cameras[0].distortion)
    for start, stop in [(0, 1), (8, 12), (9, 25), (10, 20), (24, 25)]:
        part = store.read("walk", start, stop)
        np.testing.assert_array_equal(part.joints_world, walk.joints_world[start:stop])
        assert torch.equal(part.keypoints[0].frames, torch.arange(start, stop))
    assert [s.name for s in store] == ["walk", "rün/.."]
    assert store.verify() == []


def test_two_dimensional_sequences_fit(tmp_path):
    only_2d = MotionSequence("clip", "", "", "", CHAIN, 50.0, keypoints=seen()["keypoints"])
    store = write_store([only_2d], tmp_path / "store")
    assert store["clip"].joints_world is None
    assert store["clip"].num_frames == 25


def test_only_the_chunks_in_question_are_touched(tmp_path):
    store = write_store([motion()], tmp_path / "store", chunk_frames=10)
    (tmp_path / "store/arrays/00000/joints_world.002.npy").unlink()
    assert store.read("walk", 3, 18).num_frames == 15
    with pytest.raises(ValueError, match=r"002\.npy is missing"):
        store.read("walk", 15, 22)
    assert store.verify() == ["walk: arrays/00000/joints_world.002.npy is missing"]


def test_object_storage_address(tmp_path):
    local = write_store([motion(**seen())], tmp_path / "store", chunk_frames=10)
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path / "store"), "/bucket/store", recursive=True)
    remote = SequenceStore.open("memory://bucket/store")
    part = remote.read("walk", 5, 15)
    np.testing.assert_array_equal(part.joints_world, local["walk"].joints_world[5:15])
    assert remote.verify() == []
    with pytest.raises(FileNotFoundError, match="no sequence store at memory://bucket/none"):
        SequenceStore.open("memory://bucket/none")


def test_writing_is_all_or_nothing(tmp_path):
    def interrupted():
        yield motion()
        raise RuntimeError("the reader broke")

    with pytest.raises(RuntimeError, match="the reader broke"):
        write_store(interrupted(), tmp_path / "store")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="two sequences are called 'walk'"):
        write_store([motion(), motion()], tmp_path / "store")
    with pytest.raises(ValueError, match="no sequences to write"):
        write_store([], tmp_path / "store")
    write_store([motion()], tmp_path / "store")
    with pytest.raises(FileExistsError, match="exists; give a new folder"):
        write_store([motion()], tmp_path / "store")


def test_wrong_names_and_ranges(tmp_path):
    store = write_store([motion()], tmp_path / "store")
    with pytest.raises(KeyError, match="no sequence 'jog'"):
        store["jog"]
    with pytest.raises(IndexError, match="it has frames 0 to 25"):
        store.read("walk", 20, 26)


def test_damaged_chunks_are_refused_before_they_are_mapped(tmp_path):
    write_store([motion()], tmp_path / "store", chunk_frames=10)
    chunk = tmp_path / "store/arrays/00000/joints_world.000.npy"
    sound = chunk.read_bytes()

    chunk.write_bytes(sound[:-40])
    with pytest.raises(ValueError, match="mmap length is greater than file size"):
        SequenceStore.open(tmp_path / "store").read("walk", 0, 5)
    chunk.write_bytes(sound + bytes(5000))
    with pytest.raises(ValueError, match="needs about 360"):
        SequenceStore.open(tmp_path / "store").read("walk", 0, 5)

    np.save(chunk, np.zeros((10, 3, 3), dtype=np.int32))
    with pytest.raises(ValueError, match="of int32, the index says"):
        SequenceStore.open(tmp_path / "store").read("walk", 0, 5)

    np.save(chunk, np.array([{"a": 1}] * 60, dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"not a plain \.npy file"):
        SequenceStore.open(tmp_path / "store").read("walk", 0, 5)

    changed = bytearray(sound)
    changed[-1] ^= 1
    chunk.write_bytes(bytes(changed))
    problem = SequenceStore.open(tmp_path / "store").verify()
    assert problem == ["walk: arrays/00000/joints_world.000.npy is damaged (checksum differs)"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: i.update(schema=9), "store schema 9, this version reads 1"),
        (lambda i: i.pop("sequences"), "not a sequence store's index"),
        (lambda i: i["sequences"][0].update(frames=-1), "damaged or doubled"),
        (lambda i: i["sequences"][0]["arrays"].update({"../x": {}}), "damaged or doubled"),
        (lambda i: i["sequences"].append(i["sequences"][0]), "damaged or doubled"),
        (lambda i: i["sequences"][0].update(number="../.."), "not a sequence store's index"),
    ],
)
def test_index_from_elsewhere_is_checked(tmp_path, change, message):
    write_store([motion()], tmp_path / "store")
    path = tmp_path / "store/index.json"
    index = json.loads(path.read_text())
    change(index)
    path.write_text(json.dumps(index))
    with pytest.raises(ValueError, match=message):
        SequenceStore.open(tmp_path / "store")


def test_sequences_refuse_parts_that_do_not_fit():
    with pytest.raises(ValueError, match="neither joints_world nor keypoints"):
        MotionSequence("a", "", "", "", CHAIN, 50.0)
    with pytest.raises(ValueError, match="has 4 joints but skeleton 'chain_3' has 3"):
        MotionSequence(
            "a", "", "", "", CHAIN, 50.0, np.zeros((2, 4, 3), np.float32), np.ones((2, 4), bool)
        )
    with pytest.raises(ValueError, match="parts differ in length"):
        motion(frames=24, **seen(25))
    with pytest.raises(ValueError, match="come together"):
        MotionSequence("a", "", "", "", CHAIN, 50.0, np.zeros((2, 3, 3), np.float32))


def test_non_finite_joints_become_invalid():
    raw = np.zeros((2, 3, 3))
    raw[1, 2, 0] = np.nan
    joints, valid = finite_joints(raw)
    assert np.isfinite(joints).all()
    assert valid.sum() == 5
    assert not valid[1, 2]
