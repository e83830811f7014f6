import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from vitruve.data.motion import human36m
from vitruve.io.npz_members import open_archive, read_member
from vitruve.io.restricted_pickle import restricted_load
from vitruve.skeletons import SKELETONS

SYMMETRY = [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]


def test_the_17_joints_are_the_published_ones():
    """Which of the 32 VideoPose3D keeps, their tree, and their sides."""
    kept = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
    assert kept == human36m.JOINTS_17
    joints, (left, right) = SKELETONS["h36m_17"], SYMMETRY
    assert joints.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
    assert [joints.mirror_index[j] for j in left] == right
    assert all(joints.names[j].startswith("left") for j in left)
    assert sum(image == j for j, image in enumerate(joints.mirror_index)) == 5


def write_dataset(root, *, symmetry=SYMMETRY, extra_frames=2):
    rng = np.random.default_rng(0)
    motion, seen = {}, {}
    for subject, frames in (("S1", 4), ("S9", 3)):
        motion[subject] = {"Walking 1": rng.normal(size=(frames, 32, 3)).astype(np.float32)}
        views = [
            rng.uniform(0, 1000, size=(frames + extra_frames, 17, 2)).astype(np.float32)
            for _ in range(4)
        ]
        seen[subject] = {"Walking 1": views}
    metadata = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": symmetry}
    np.savez_compressed(root / "data_3d_h36m.npz", positions_3d=np.array(motion, dtype=object))
    np.savez_compressed(
        root / "data_2d_h36m_gt.npz",
        positions_2d=np.array(seen, dtype=object),
        metadata=np.array(metadata, dtype=object),
    )
    return motion, seen


def test_videopose3d_layout(tmp_path):
    motion, seen = write_dataset(tmp_path)
    walks = list(human36m.read(tmp_path, detector="gt"))
    assert [w.name for w in walks] == ["S1 Walking 1", "S9 Walking 1"]
    walk = walks[0]
    assert (walk.subject, walk.action, walk.split, walk.fps) == ("S1", "Walking 1", "train", 50.0)
    assert walk.skeleton.names[14] == "right_shoulder"
    np.testing.assert_array_equal(walk.joints_world[:, 14], motion["S1"]["Walking 1"][:, 25])
    np.testing.assert_array_equal(walk.joints_world[:, 4], motion["S1"]["Walking 1"][:, 6])
    assert len(walk.cameras) == len(walk.keypoints) == 4
    assert walk.keypoints[3].image_size_px == (1000, 1002)
    expected = seen["S1"]["Walking 1"][2][:4]  # truncated to the motion
    np.testing.assert_array_equal(walk.keypoints[2].keypoints_px.numpy(), expected)
    assert [w.subject for w in human36m.read(tmp_path, "test")] == ["S9"]
    assert next(human36m.read(tmp_path)).keypoints == ()


def test_coco_detections_keep_their_own_joints(tmp_path):
    write_dataset(tmp_path, symmetry=[[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]])
    walk = next(human36m.read(tmp_path, detector="gt"))
    assert walk.keypoints[0].skeleton.name == "coco_17"
    assert walk.skeleton.name == "h36m_17"


def test_missing_files_say_where_to_get_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"vision\.imar\.ro.*data_3d_h36m\.npz"):
        human36m.read(tmp_path)


def test_wrong_layouts_are_named(tmp_path):
    write_dataset(tmp_path, symmetry=[[1], [2]])
    with pytest.raises(ValueError, match=r"17 keypoints with left side \[1\] are neither"):
        human36m.read(tmp_path, detector="gt")
    write_dataset(tmp_path, extra_frames=-1)
    with pytest.raises(ValueError, match="has 3 frames of keypoints but 4 of motion"):
        list(human36m.read(tmp_path, detector="gt"))
    np.savez(tmp_path / "data_3d_h36m.npz", other=np.zeros(3))
    with pytest.raises(KeyError, match="'positions_3d' is missing"):
        human36m.read(tmp_path)
    (tmp_path / "data_3d_h36m.npz").write_bytes(b"not a zip")
    with pytest.raises(ValueError, match=r"not an \.npz archive"):
        human36m.read(tmp_path)


class Shell:
    def __reduce__(self):
        return os.system, ("touch /tmp/vitruve_was_here",)


class Allocator:
    """Asks numpy for an array larger than any machine."""

    def __reduce__(self):
        return np.ndarray, ((2**40,), np.dtype("f8"))


@pytest.mark.parametrize("hostile", [Shell(), {"S1": Shell()}, [Allocator()], np.ndarray, eval])
def test_hostile_pickles_are_refused(tmp_path, hostile):
    np.savez(tmp_path / "data_3d_h36m.npz", positions_3d=np.array([hostile, 0], dtype=object)[:1])
    with pytest.raises(ValueError, match=r"Do not trust this file|damaged pickle|expected a dict"):
        human36m.read(tmp_path)
    assert not os.path.exists("/tmp/vitruve_was_here")


@pytest.mark.parametrize("protocol", range(2, 6))
def test_arrays_of_every_protocol_survive(protocol):
    content = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "big endian": np.arange(3, dtype=">i4"),
        "fortran": np.asfortranarray(np.eye(3)),
        "scalar": np.float64(2.5),
        "nested": [np.array([{"x": 1}, None], dtype=object), "text", 3, 1.5, True],
    }
    loaded = restricted_load(io.BytesIO(pickle.dumps(content, protocol=protocol)))
    for key in ("a", "big endian", "fortran", "scalar"):
        np.testing.assert_array_equal(loaded[key], content[key])
    assert loaded["nested"][0][0] == {"x": 1}
    assert np.dtype("i4").byteorder == "="


@pytest.mark.parametrize("cut", [1, 5, 40, 100])
def test_damaged_pickles_get_one_line(cut):
    data = pickle.dumps({"a": np.arange(30.0)}, protocol=4)
    with pytest.raises(ValueError, match="damaged pickle"):
        restricted_load(io.BytesIO(data[:-cut]))


def test_plain_members_are_checked_against_their_size(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, fine=np.arange(4), objects=np.array([{}], dtype=object))
    with open_archive(path) as archive:
        np.testing.assert_array_equal(read_member(archive, "fine"), np.arange(4))
        with pytest.raises(ValueError, match="pickled object array"):
            read_member(archive, "objects")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("huge.npy", header.getvalue())
        archive.writestr("noise.npy", b"no header")
    with open_archive(path) as archive:
        with pytest.raises(ValueError, match="more than its"):
            read_member(archive, "huge")
        with pytest.raises(ValueError, match="no sound array header"):
            read_member(archive, "noise")
