import errno
import json

import numpy as np
import pytest
import torch
from motion_samples import assert_same, sample

import vitruve
from vitruve import io
from vitruve.io import READERS, WRITERS, FileError
from vitruve.skeletons import Skeleton

ROUND_TRIPS = sorted(set(READERS) & set(WRITERS))


@pytest.mark.parametrize("suffix", ROUND_TRIPS)
def test_what_is_written_is_read(suffix, tmp_path):
    written = sample()
    path = vitruve.write(written, tmp_path / f"clip é 走{suffix}")
    assert_same(vitruve.read(path), written, spread=suffix not in {".trc", ".c3d"})
    assert vitruve.read(path).skeleton is vitruve.skeleton("h36m_17")


@pytest.mark.parametrize("suffix", ROUND_TRIPS)
def test_a_bare_clip_of_one_frame_in_an_unknown_skeleton(suffix, tmp_path):
    skeleton = Skeleton("my rig", ("base", "tip, end"), (-1, 0))
    joints = torch.tensor([[[0.1, 0.2, 0.3], [0.1, 0.2, 1.3]]])
    written = vitruve.PoseSequence(
        skeleton, joints, torch.ones(1, 2, dtype=torch.bool), torch.tensor([0]), 30.0
    )
    read = vitruve.read(vitruve.write(written, tmp_path / f"a{suffix}"))
    assert_same(read, written)
    assert read.camera is None
    assert read.spread is None


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_every_file_states_its_contents(suffix, tmp_path):
    path = vitruve.write(sample(), tmp_path / f"clip{suffix}")
    if suffix == ".bvh":
        path = tmp_path / "clip.bvh.json"
    plain = suffix != ".npz"
    text = path.read_bytes().decode("latin1") if plain else str(np.load(path)["meta"])
    for word in (
        "h36m_17",
        "units",
        "axes",
        "fps",
        "intrinsics",
        "T_world_cam",
        "lifter",
        "version",
    ):
        assert word in text, word


@pytest.mark.parametrize("suffix", sorted(set(WRITERS) - {".bvh", ".glb"}))
def test_formats_without_a_tree_take_several_roots(suffix, tmp_path):
    written = sample()
    loose = Skeleton("loose", written.skeleton.names, (-1,) * 17)
    written = vitruve.PoseSequence(
        loose, written.joints_world, written.valid, written.frames, 30.0, written.spread
    )
    read = vitruve.read(vitruve.write(written, tmp_path / f"a{suffix}"))
    assert_same(read, written, spread=suffix not in {".trc", ".c3d"})


@pytest.mark.parametrize("suffix", [".bvh", ".glb"])
def test_formats_of_one_tree_refuse_several_roots(suffix, tmp_path):
    skeleton = Skeleton("pair", ("a", "b"), (-1, -1))
    clip = vitruve.PoseSequence(
        skeleton, torch.zeros(2, 2, 3), torch.ones(2, 2, dtype=torch.bool), torch.arange(2), 30.0
    )
    with pytest.raises(ValueError, match=r"'pair' has 2 roots \(a, b\).*write trc"):
        vitruve.write(clip, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_npz_is_exact_and_plain_numpy_reads_it(tmp_path):
    written = sample()
    path = vitruve.write(written, tmp_path / "clip.npz")
    assert torch.equal(
        vitruve.read(path).joints_world[written.valid], written.joints_world[written.valid]
    )
    with np.load(path, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["joints_cam"], written.joints_cam.numpy())
        assert arrays["names"].tolist() == list(written.skeleton.names)
        assert float(arrays["fps"]) == written.fps


def test_unknown_suffixes_say_what_is_allowed(tmp_path):
    with pytest.raises(FileError, match=r"suffix '\.fbx'; allowed are \.bvh \.c3d"):
        vitruve.write(sample(), tmp_path / "a.fbx")
    with pytest.raises(FileError, match=r"suffix '\.fbx'; 3D motion is read from \.amc"):
        vitruve.read(tmp_path / "a.fbx")
    with pytest.raises(FileError, match=r"vitruve\.estimate"):
        vitruve.read(tmp_path / "a.mp4")
    with pytest.raises(FileNotFoundError, match=r"no such file: .*a\.bvh"):
        vitruve.read(tmp_path / "a.bvh")


def test_a_keypoint_file_names_its_reader(tmp_path):
    path = tmp_path / "keypoints.json"
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": [1, 2, 0.5]}]}))
    with pytest.raises(FileError, match="read_keypoints"):
        vitruve.read(path)


def test_nothing_to_write_and_unsound_joints_are_refused(tmp_path):
    clip = sample(4)
    empty = vitruve.PoseSequence(
        clip.skeleton, clip.joints_world[:0], clip.valid[:0], clip.frames[:0], 30.0
    )
    unsound = vitruve.PoseSequence(
        clip.skeleton, clip.joints_world * float("nan"), clip.valid, clip.frames, 30.0
    )
    for suffix in WRITERS:
        with pytest.raises(ValueError, match="0 frames"):
            vitruve.write(empty, tmp_path / f"a{suffix}")
        with pytest.raises(ValueError, match="marked valid but is not finite"):
            vitruve.write(unsound, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", sorted(WRITERS))
def test_a_missing_folder_is_named(suffix, tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        vitruve.write(sample(4), tmp_path / "nowhere" / f"a{suffix}")


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = vitruve.write(sample(4), tmp_path / "a.json")
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(io.json_file.json, "dump", full)
    with pytest.raises(OSError, match="No space left"):
        vitruve.write(sample(5), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
