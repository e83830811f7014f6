"""Readers of datasets under licences, on made-up files in their official layouts."""

import io
import os
import pickle

import numpy as np
import pytest
import torch

import official_samples as samples
from vitruve.data import READERS
from vitruve.data.cameras.level import fit_intrinsics
from vitruve.data.decoding.mat_file import read_mat
from vitruve.data.motion import h3wb, human36m, human36m_motionbert, mpi_inf_3dhp, threedpw
from vitruve.data.sequences.store_write import write_store
from vitruve.io.restricted_pickle import restricted_load


def in_camera(sequence, number=0):
    return sequence.cameras[number].joints_to_cam(torch.from_numpy(sequence.joints_world)).numpy()


def test_human36m_detections_of_the_hourglass_are_mpiis(tmp_path):
    samples.write_human36m(tmp_path)
    samples.write_human36m(tmp_path, detector="cpn_ft_h36m_dbb")
    assert human36m.detectors(tmp_path) == ("gt", "cpn_ft_h36m_dbb")
    seen = {"S1": {"Walking 1": [np.zeros((9, 16, 2), np.float32)] * 4}}
    metadata = {"num_joints": 16, "keypoints_symmetry": samples.SYMMETRY_MPII}
    path = tmp_path / "data_2d_h36m_sh_ft_h36m.npz"

    def write():
        np.savez(path, positions_2d=samples.as_object(seen), metadata=samples.as_object(metadata))

    write()
    walk = next(human36m.read(tmp_path, "train", detector="sh_ft_h36m"))
    assert walk.keypoints[0].skeleton.name == "mpii_16"
    seen["S1"]["Walking 1"] = [np.zeros((9, 17, 2), np.float32)] * 4
    write()
    with pytest.raises(ValueError, match=r"shape \(9, 17, 2\), expected \(t, 16, 2\)"):
        list(human36m.read(tmp_path, "train", detector="sh_ft_h36m"))
    seen["S1"]["Walking 1"] = [np.zeros((9, 16, 2), np.float32)] * 3
    write()
    with pytest.raises(ValueError, match="has 3 views, expected 4"):
        list(human36m.read(tmp_path, "train", detector="sh_ft_h36m"))


def test_motionbert_videos(tmp_path):
    path = samples.write_motionbert(tmp_path)
    found = human36m_motionbert.videos(tmp_path, "test")
    assert {v.name: (v.action, len(v.joints_px)) for v in found} == {
        name: (action, frames) for name, (action, _, frames) in samples.VIDEOS.items()
    }
    assert [v.image_size_px[1] for v in found] == [1002, 1002, 1000, 1002]
    first = found[0]
    np.testing.assert_allclose(
        first.joints_m, first.joints_px * first.m_per_px[:, None, None], 1e-6
    )
    assert (first.confidence == 0.5).all()
    train, *test = READERS["human36m_motionbert"](path)
    assert (train.split, train.subject, train.action) == ("train", "s_01", "Eating")
    assert [s.split for s in test] == ["test"] * 4
    assert not train.cameras
    (row,) = human36m_motionbert.videos(path, "train")
    assert row.joints_m is None
    # Half the image's width is 1; y of the image is down, z of the world up.
    np.testing.assert_allclose(
        np.diff(train.joints_world[..., 2], axis=1),
        -np.diff(row.joints_px[..., 1], axis=1) / 500,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": None}, "test: there is no column 'source'"),
        ({"action": ["Walking"]}, "differ in length"),
        ({"joint_2d": np.zeros((3, 17, 2))}, r"joint_2d is float64 \(3, 17, 2\), expected 37 rows"),
        ({"joint3d_image": np.zeros((37, 16, 3))}, "joint3d_image has shape"),
        ({"2.5d_factor": np.full(37, np.nan)}, "2.5d_factor is not finite in row 0"),
        ({"camera_name": ["0"] * 37}, "camera '0' in row 0 is none of Human3.6M's"),
    ],
)
def test_wrong_motionbert_files_are_one_line(tmp_path, change, message):
    samples.write_motionbert(tmp_path, **change)
    with pytest.raises(ValueError, match=message):
        human36m_motionbert.videos(tmp_path, "test")
    (tmp_path / human36m_motionbert.FILE).write_bytes(pickle.dumps([1]))
    with pytest.raises(ValueError, match="holds no 'test'; expected a dict"):
        human36m_motionbert.videos(tmp_path, "test")


def test_mpi_inf_3dhp_test_set_from_npz(tmp_path):
    samples.write_3dhp_test(tmp_path)
    found = list(mpi_inf_3dhp.read(tmp_path, "test"))
    assert [s.num_frames for s in found] == list(samples.TEST_FRAMES.values())
    assert [s.cameras[0].image_size_px for s in found] == [(2048, 2048)] * 4 + [(1920, 1080)] * 2
    for sequence in found:
        points, joints, valid = samples.sequence_3dhp(sequence.name)
        assert (sequence.valid.all(-1) == valid).all()
        ok = valid.astype(bool)
        np.testing.assert_allclose(in_camera(sequence)[ok], joints[ok] / 1000, atol=1e-5)
        assert sequence.keypoints[0].valid.all()
        projected = sequence.cameras[0].project(torch.from_numpy(joints / 1000).float())
        np.testing.assert_allclose(projected.numpy(), points, atol=1e-2)
        assert sequence.joints_world[ok][..., 2].min() == pytest.approx(0, abs=1e-6)
    with pytest.raises(
        FileNotFoundError, match=r"data_test_3dhp_ori\.npz is missing.*3dhp-dataset"
    ):
        list(mpi_inf_3dhp.read(tmp_path, "test", annotation="annot3"))


def test_mpi_inf_3dhp_training_drops_damaged_frames_and_finds_the_lens(tmp_path):
    samples.write_3dhp_train(tmp_path)
    first, second = mpi_inf_3dhp.read(tmp_path, "train")
    assert (first.name, first.subject, first.fps) == ("S1 Seq1 camera 0", "S1", 25.0)
    assert np.flatnonzero(~first.valid.all(-1)).tolist() == [3]
    assert not first.keypoints[0].valid[3, 5]
    assert second.valid.all()
    lens = torch.tensor([[1400.0, 0, 1020], [0, 1400, 1010], [0, 0, 1]])
    torch.testing.assert_close(first.cameras[0].intrinsics, lens, atol=1e-2, rtol=0)
    seen = second.cameras[0].project(torch.from_numpy(in_camera(second)))
    torch.testing.assert_close(seen, second.keypoints[0].keypoints_px, atol=2e-2, rtol=0)


def test_lenses_need_absolute_joints_and_more_than_one_ray():
    with pytest.raises(ValueError, match="must be absolute, not root-relative"):
        fit_intrinsics(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match="does not follow from 4 points"):
        fit_intrinsics(np.zeros((4, 2)), np.ones((4, 3)))


def write_hdf5(path, arrays):
    h5py = pytest.importorskip("h5py", reason="MATLAB 7.3 files need the extra `mat`")
    path.parent.mkdir(exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = array
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


@pytest.mark.parametrize("kind", ["hdf5", "old"])
def test_mpi_inf_3dhp_test_set_from_the_published_mat_files(tmp_path, kind):
    from scipy.io import savemat

    for name in samples.TEST_FRAMES:
        path, arrays = tmp_path / name / "annot_data.mat", samples.mat_arrays(name)
        path.parent.mkdir()
        if kind == "hdf5":
            write_hdf5(path, arrays)
        else:
            savemat(path, {key: array.T for key, array in arrays.items()})
    for annotation, factor in (("univ_annot3", 1.0), ("annot3", 1.1)):
        found = list(mpi_inf_3dhp.read(tmp_path, "test", annotation=annotation))
        assert [s.name for s in found] == list(samples.TEST_FRAMES)
        _, joints, valid = samples.sequence_3dhp("TS6")
        ok = valid.astype(bool)
        np.testing.assert_allclose(in_camera(found[-1])[ok], factor * joints[ok] / 1000, atol=1e-5)
    (tmp_path / "TS4" / "annot_data.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"TS4/annot_data\.mat is missing"):
        list(mpi_inf_3dhp.read(tmp_path, "test"))


def test_mat_files_without_their_reader_name_the_extra(tmp_path, monkeypatch):
    write_hdf5(tmp_path / "a.mat", {"x": np.zeros(3)})
    with pytest.raises(ValueError, match="has no array 'y'; it has x"):
        read_mat(tmp_path / "a.mat", ["y"])
    write_hdf5(tmp_path / "b.mat", {"x": "text"})
    with pytest.raises(ValueError, match="expected numbers"):
        read_mat(tmp_path / "b.mat", ["x"])
    content = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "cut.mat").write_bytes(content[:600])
    with pytest.raises(ValueError, match="damaged MATLAB file"):
        read_mat(tmp_path / "cut.mat", ["x"])
    (tmp_path / "text.mat").write_text("no mat file at all")
    with pytest.raises(ValueError, match="is not a MATLAB file"):
        read_mat(tmp_path / "text.mat", ["x"])
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(ImportError, match=r"pip install 'vitruve\[mat\]'"):
        read_mat(tmp_path / "a.mat", ["x"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"TS2": {"data_2d": 1}}, "'TS2' is no {data_2d, data_3d, valid}"),
        (
            {"TS2": {"data_2d": np.zeros((2, 16, 2)), "data_3d": np.zeros((2, 17, 3)), "valid": 1}},
            r"TS2 has 2D \(2, 16, 2\)",
        ),
        (
            {
                "TS2": {
                    "data_2d": np.zeros((2, 17, 2)),
                    "data_3d": np.ones((2, 17, 3)),
                    "valid": [1],
                }
            },
            "2 frames but 1 flags",
        ),
        (
            {
                "TS2": {
                    "data_2d": np.full((1, 17, 2), np.inf),
                    "data_3d": np.ones((1, 17, 3)),
                    "valid": [1],
                }
            },
            "not finite",
        ),
    ],
)
def test_wrong_3dhp_files_are_one_line(tmp_path, change, message):
    samples.write_3dhp_test(tmp_path, **change)
    with pytest.raises(ValueError, match=message):
        list(mpi_inf_3dhp.read(tmp_path, "test"))
    np.savez(tmp_path / "data_train_3dhp.npz", data=samples.as_object({"S1 Seq1": 3}))
    with pytest.raises(ValueError, match=r"'S1 Seq1' is not \[\{camera"):
        list(mpi_inf_3dhp.read(tmp_path, "train"))


def test_h3wb_json(tmp_path):
    samples.write_h3wb_json(tmp_path)
    (clip,) = h3wb.read(tmp_path, "test")
    assert clip.keypoints[0].frames.tolist() == [0, 1, 2, 8]
    assert (clip.num_frames, clip.skeleton.name) == (4, "h3wb_133")
    joints = samples.before_camera(1, 133, 1)[0]  # sample 8
    expected = joints - joints[:1]
    found = clip.joints_world[3] - clip.joints_world[3, :1]
    np.testing.assert_allclose(found, expected[:, [0, 2, 1]] * (1, 1, -1), atol=1e-5)
    with pytest.raises(FileNotFoundError, match=r"2Dto3D_train\.json is missing.*wholebody3d"):
        h3wb.read(tmp_path, "train")
    with pytest.raises(ValueError, match="no split 'validation'"):
        h3wb.read(tmp_path, "validation")


def test_h3wb_npz_has_the_rigs(tmp_path):
    for split in ("train", "test"):
        samples.write_h3wb_npz(tmp_path, split)
    train, test = h3wb.read(tmp_path)
    assert (train.name, test.name) == ("S1 Directions 1", "S8 Directions 1")
    assert test.keypoints[3].frames.tolist() == [75, 80, 130]
    seen = test.cameras[3].project_world(torch.from_numpy(test.joints_world))
    torch.testing.assert_close(seen, test.keypoints[3].keypoints_px, atol=1e-2, rtol=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("{}", "holds no sample"),
        ('{"0": {"keypoints_2d": {}}}', "with 133 joints"),
        ("[1]", "with 133 joints"),
        ('{"0": {"keypoints_2d": {"0": {"x": 1, "y": "?"}}}}', "is not JSON|133 joints"),
    ],
)
def test_wrong_h3wb_json_is_one_line(tmp_path, text, message):
    (tmp_path / "2Dto3D_test_3d.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        list(h3wb.read(tmp_path, "test"))


def test_wrong_h3wb_npz_is_one_line(tmp_path):
    path = tmp_path / "task1_test_3d.npz"
    for content, message in (
        ({"S8": {"Eating": {"global_3d": np.zeros((2, 17, 3))}}}, r"\(2, 17, 3\)"),
        ({"S8": {"Eating": {}}}, "S8 Eating is no {global_3d"),
        ({"S9000": {"Eating": {}}}, "no subject of Human3.6M"),
        ([1], "holds list, expected a dict"),
    ):
        np.savez(path, data=samples.as_object(content))
        with pytest.raises(ValueError, match=message):
            list(h3wb.read(tmp_path, "test"))


def test_threedpw(tmp_path):
    samples.write_3dpw(tmp_path)
    first, second = threedpw.read(tmp_path, "test")
    assert (first.name, second.name) == ("downtown_walk_00/0", "downtown_walk_00/1")
    assert first.cameras[0].image_size_px == (1080, 1920)
    np.testing.assert_allclose(in_camera(first), samples.before_camera(6, 24), atol=1e-5)
    assert np.flatnonzero(~second.valid.all(-1)).tolist() == [4]
    seen = first.keypoints[0]
    assert seen.skeleton.name == "3dpw_18"
    assert not seen.valid[2].any()
    assert seen.valid[[0, 1, 3, 4, 5]].all()
    points = first.cameras[0].project(torch.from_numpy(in_camera(first)))[:, :18]
    torch.testing.assert_close(seen.keypoints_px[:2], points[:2], atol=1e-2, rtol=0)
    assert len(list(threedpw.read(tmp_path / "sequenceFiles", "test"))) == 2
    with pytest.raises(FileNotFoundError, match=r"sequenceFiles/train.*virtualhumans"):
        threedpw.read(tmp_path)
    with pytest.raises(ValueError, match="no split 'val'"):
        threedpw.read(tmp_path, "val")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cam_poses": np.zeros((6, 3, 4))}, r"cam_poses has shape \(6, 3, 4\)"),
        ({"jointPositions": [np.zeros((5, 72))]}, r"jointPositions has shape \(5, 72\)"),
        ({"cam_intrinsics": "none"}, "cam_intrinsics is no array of numbers"),
    ],
)
def test_wrong_3dpw_files_are_one_line(tmp_path, change, message):
    samples.write_3dpw(tmp_path, **change)
    with pytest.raises(ValueError, match=message):
        list(threedpw.read(tmp_path, "test"))


def test_stores_of_every_reader_check(tmp_path):
    samples.write_3dhp_train(tmp_path)
    samples.write_3dhp_test(tmp_path)
    samples.write_motionbert(tmp_path)
    for split in ("train", "test"):
        samples.write_h3wb_npz(tmp_path, split)
    for split in threedpw.SPLITS:
        samples.write_3dpw(tmp_path, split)
    for name in ("h3wb", "human36m_motionbert", "mpi_inf_3dhp"):
        store = write_store(READERS[name](tmp_path), tmp_path / f"store_{name}")
        assert store.verify() == []
        assert set(store.names("train")) | set(store.names("test")) == set(store.names())


class Shell:
    def __reduce__(self):
        return os.system, ("touch /tmp/vitruve_was_here",)


def test_hostile_pickles_are_refused_by_every_reader(tmp_path):
    hostile = pickle.dumps({"test": Shell(), "train": {}})
    (tmp_path / human36m_motionbert.FILE).write_bytes(hostile)
    folder = tmp_path / "sequenceFiles" / "test"
    folder.mkdir(parents=True)
    (folder / "a.pkl").write_bytes(hostile)
    for name in ("data_test_3dhp", "task1_test_3d"):
        np.savez(tmp_path / f"{name}.npz", data=samples.as_object(Shell()))
    for name in ("human36m_motionbert", "threedpw", "mpi_inf_3dhp", "h3wb"):
        with pytest.raises(ValueError, match=r"asks for \w+\.system.*Do not trust this file"):
            list(READERS[name](tmp_path, "test"))
    assert not os.path.exists("/tmp/vitruve_was_here")


def test_pickles_of_python_2_are_read():
    file = io.BytesIO()
    content = {"names": ["a", "b"], "array": np.arange(3.0), "flags": np.array([True, False])}
    samples.Python2Pickler(file, protocol=2).dump(content)
    loaded = restricted_load(io.BytesIO(file.getvalue()))
    assert loaded["names"] == ["a", "b"]
    np.testing.assert_array_equal(loaded["array"], content["array"])
    np.testing.assert_array_equal(loaded["flags"], content["flags"])
