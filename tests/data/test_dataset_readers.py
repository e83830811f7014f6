import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import releases
import torch

from tf_record_samples import write_records
from vitruve.data.datasets.cards import dataset_card
from vitruve.data.decoding.mat_file import read_cell
from vitruve.data.decoding.table_pickle import read_table
from vitruve.data.processing import SelectConfig, Selector
from vitruve.data.processing.pictures import Pictures
from vitruve.data.readers import DATASETS
from vitruve.data.readers.release import check_pose, make_camera
from vitruve.io.errors import FileError

WRITERS = {"3dpw": "threedpw", "3doh50k": "threedoh", "3dpeople": "threedpeople"}
WEAK = ("coco", "mpii", "posetrack", "jrdb", "stanford_extra")
MASKS = ("tiktok",)
"""Releases without joints."""
MHAD_FRAMES = "Correspondences/corr_moc_img_s01_a02_r03.txt"
needs_cdf = pytest.mark.skipif(importlib.util.find_spec("cdflib") is None, reason="needs cdflib")
NAMES = [
    pytest.param(n, marks=needs_cdf if n == "human36m" else ())
    for n in DATASETS
    if n not in (*WEAK, *MASKS)
]


def write(name, root):
    return getattr(releases, WRITERS.get(name, name))(root)


def read(name, root, split=None):
    parts, read_part = DATASETS[name]
    return [example for part in parts(root, split) for example in read_part(part)]


@pytest.mark.parametrize("name", NAMES)
def test_a_release_in_its_official_layout_is_read(name, tmp_path):
    expected = write(name, tmp_path)
    found = read(name, tmp_path)
    assert len(found) == len(expected.joints_cam)
    assert len({example.name for example in found}) == len(found)
    assert {example.skeleton.name for example in found} <= set(dataset_card(name).skeletons)
    for example, joints in zip(found, expected.joints_cam, strict=True):
        valid = np.isfinite(joints).all(-1)
        assert (example.valid == valid).all()
        np.testing.assert_allclose(example.joints_cam[valid], joints[valid], atol=2e-5)
        assert np.isfinite(example.joints_cam).all()
        assert example.picture.exists() or example.video_frame is None


@needs_cdf
def test_masks_of_human36m_are_films_or_cells(tmp_path):
    h5py = pytest.importorskip("h5py", reason="MATLAB 7.3 files need the extra `mat`")
    releases.human36m(tmp_path)
    assert all(example.mask is None for example in read("human36m", tmp_path))
    folder = tmp_path / "S1/MySegmentsMat/ground_truth_bs"
    releases.touch(folder / "Walking 1.54138969.mp4")
    inside = np.zeros((6, 4), dtype=bool)  # As MATLAB has it, columns first.
    inside[5, 1] = True
    with h5py.File(folder / "Walking 1.55011271.mat", "w") as file:
        masks = [file.create_dataset(f"#refs#/{n}", data=inside if n else ~inside) for n in (0, 1)]
        cell = file.create_dataset("Masks", (2, 1), dtype=h5py.ref_dtype)
        cell[:, 0] = [mask.ref for mask in masks]
        file.create_dataset("numbers", data=np.zeros(3))
    found = {e.name: e.mask for e in read("human36m", tmp_path) if e.mask is not None}
    assert {name.partition("/")[0] for name in found} == {"S1"}
    film = found["S1/Walking 1.54138969/000001/0"]
    assert film.path.suffix == ".mp4"
    assert (film.frame, film.above) == (1, 127.0)
    opened = Pictures()
    assert np.argwhere(opened.mask(found["S1/Walking 1.55011271/000001/0"])).tolist() == [[1, 5]]
    assert opened.mask(found["S1/Walking 1.55011271/000000/0"]).sum() == 23
    path = folder / "Walking 1.55011271.mat"
    for name, number, match in (("Masks", 2, "has 2 arrays, not 3"), ("numbers", 0, "is no cell")):
        with pytest.raises(ValueError, match=match):
            read_cell(path, name, number)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="damaged MATLAB file"):
        read_cell(path, "Masks", 0)


@pytest.mark.parametrize("name", NAMES)
def test_cameras_are_in_house_units(name, tmp_path):
    expected = write(name, tmp_path)
    camera = read(name, tmp_path)[0].camera
    np.testing.assert_allclose(camera.intrinsics.numpy(), expected.K, rtol=1e-6)
    lens = None if camera.distortion is None else camera.distortion.numpy()
    if expected.lens is None:
        assert lens is None
    else:
        np.testing.assert_allclose(lens, expected.lens, atol=1e-7)
    if expected.up is None:
        assert camera.T_world_cam is None
    else:
        np.testing.assert_allclose(camera.T_world_cam[2, :3].numpy(), expected.up, atol=1e-5)
        assert torch.linalg.det(camera.T_world_cam[:3, :3]).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_releases_own_2d_is_where_joints_are_projected(name, tmp_path):
    write(name, tmp_path)
    for example in read(name, tmp_path):
        if example.keypoints_px is not None:
            joints = torch.from_numpy(example.joints_cam).float()
            projected = example.camera.project(joints).numpy()
            given = example.keypoints_px[example.valid]
            np.testing.assert_allclose(projected[example.valid], given, atol=1e-2)


@pytest.mark.parametrize("name", DATASETS)
def test_an_empty_folder_tells_the_page_and_the_layout(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is missing: get .* from http") as error:
        read(name, tmp_path)
    assert dataset_card(name).page in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", WEAK)
def test_weak_labels_are_read(name, tmp_path):
    expected = write(name, tmp_path).keypoints_px
    found = read(name, tmp_path)
    assert len(found) == len(expected)
    assert {e.skeleton.name for e in found} == set(dataset_card(name).skeletons)
    assert {e.split for e in found} == {"train"}
    assert len({e.name for e in found}) == len(found)
    for example, points in zip(found, expected, strict=True):
        valid = np.isfinite(points).all(-1)
        assert (example.valid == valid).all()
        np.testing.assert_allclose(example.keypoints_px[valid], points[valid])
        assert (example.joints_cam, example.camera) == (None, None)
    if name in ("coco", "posetrack"):
        assert found[0].box_px.tolist() == [10, 10, 310, 310]


def test_a_release_of_masks_has_no_joint_but_people(tmp_path):
    boxes = releases.tiktok(tmp_path)
    found = read("tiktok", tmp_path)
    assert [e.box_px.tolist() for e in found] == [list(map(float, box)) for box in boxes]
    assert not any(e.valid.any() for e in found)
    assert [e.sequence for e in found] == ["00001"] * 3 + ["00002"]
    pictures = Pictures()
    for example, box in zip(found, boxes, strict=True):
        assert (pictures.mask(example.mask) == releases.mask_of(box)).all()
        assert Selector(SelectConfig(min_side_px=20.0), "h36m_18").keep(example)


def test_dogs_have_masks_and_splits(tmp_path):
    releases.stanford_extra(tmp_path)
    found = read("stanford_extra", tmp_path)
    assert [e.picture.name for e in found] == ["n02087394_2.jpg", "n02087394_0.jpg"]
    assert found[0].picture.parent == tmp_path / "Images/n02087394-Rhodesian_ridgeback"
    assert found[0].mask is None
    assert found[1].box_px.tolist() == [10, 5, 30, 35]
    assert (Pictures().mask(found[1].mask) == releases.mask_of((10, 5, 30, 35))).all()
    assert read("stanford_extra", tmp_path, "test") == []
    for listed in (tmp_path / "StanfordExtra_V12").glob("*.npy"):
        listed.unlink()
    assert [e.frame for e in read("stanford_extra", tmp_path)] == [0, 2]


def test_wrong_dogs_are_one_line(tmp_path):
    releases.stanford_extra(tmp_path)
    path = tmp_path / "StanfordExtra_V12/StanfordExtra_v12.json"
    listed = path.with_name("train_stanford_StanfordExtra_v12.npy")
    np.save(listed, np.array([0, 3]))
    with pytest.raises(FileError, match=r"does not list dogs of .* by numbers 0 to 2"):
        read("stanford_extra", tmp_path)
    np.save(listed, np.array([print]), allow_pickle=True)
    with pytest.raises(FileError, match=r"is no plain \.npy file"):
        read("stanford_extra", tmp_path)
    np.save(listed, np.array([0]))
    dogs = json.loads(path.read_text())
    path.write_text(json.dumps([{**dogs[0], "img_height": 41}]))
    (example,) = read("stanford_extra", tmp_path, "train")
    with pytest.raises(FileError, match="a mask's runs have 2400 pixels, its picture 2460"):
        Pictures().mask(example.mask)


def test_pictures_are_where_the_releases_say(tmp_path):
    for name, path in (
        ("coco", "train2017/8.jpg"),
        ("mpii", "images/8.jpg"),
        ("posetrack", "images/train/000001_bonn/000000.jpg"),
        # Two frames later than labelled.
        ("jrdb", "train_dataset/images/image_2/bytes-cafe-2019-02-07_0/000017.jpg"),
    ):
        write(name, tmp_path / name)
        assert read(name, tmp_path / name)[0].picture == tmp_path / name / path


def test_splits_are_the_releases(tmp_path):
    releases.aist(tmp_path / "aist")
    assert {e.split for e in read("aist", tmp_path / "aist")} == {"train"}
    assert read("aist", tmp_path / "aist", "val") == []
    releases.surreal(tmp_path / "surreal")
    assert {e.split for e in read("surreal", tmp_path / "surreal", "train")} == {"train"}


def test_a_real_clip_of_aspset_projects_where_its_authors_say():
    """Joints, camera and pixels of 04ac-0026-right, from the tests of aspset-510 (CC0)."""
    K = np.array([[3908.201416, 0, 1907.136108], [0, 3904.395020, 1082.651855], [0, 0, 1]])
    T = np.array(
        [
            [0.355310, -0.037651, 0.933990, -16513.444863],
            [0.010982, 0.999288, 0.036106, -694.394037],
            [-0.934684, -0.002572, 0.355470, 12560.579233],
        ]
    )
    world = np.array([[-518.131775, 1121.474, 18538.8398], [-412.053192, -511.55838, 18571.8145]])
    pixels = [[2021.66769504, 1299.42125245], [2048.13982880, 974.88781273]]
    camera = make_camera(
        Path("here"), K, (3840, 2160), R_cam_world=T[:, :3], t_cam_world=T[:, 3] / 1000, up="-y"
    )
    joints = torch.from_numpy((world @ T[:, :3].T + T[:, 3]) / 1000).float()
    np.testing.assert_allclose(camera.project(joints).numpy(), pixels, atol=0.05)
    upwards = camera.joints_to_world(joints)
    assert upwards[1, 2] - upwards[0, 2] == pytest.approx(1.633, abs=0.01)


def test_a_table_of_todays_pandas_is_read(tmp_path):
    pandas = pytest.importorskip("pandas")
    names = pandas.Index(["a", "b", "c"], dtype=object)
    words = pandas.Series(["x", "y"], dtype=object)
    table = pandas.DataFrame({"a": [[1, 2], [3]], "b": [0.5, 1.5], "c": words}).set_axis(
        names, axis=1
    )
    table.to_pickle(tmp_path / "table.pkl")
    columns = read_table(tmp_path / "table.pkl")
    assert list(columns) == ["a", "b", "c"]
    assert columns["a"][0] == [1, 2]
    assert columns["b"].tolist() == [0.5, 1.5]
    assert columns["c"][1] == "y"


def test_a_hostile_table_runs_nothing(tmp_path):
    (tmp_path / "table.pkl").write_bytes(pickle.dumps(importlib.import_module))
    with pytest.raises(ValueError, match=r"asks for importlib\.import_module"):
        read_table(tmp_path / "table.pkl")
    (tmp_path / "table.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(ValueError, match="it holds list, expected a table"):
        read_table(tmp_path / "table.pkl")


def test_labels_cannot_name_pictures_outside_the_release(tmp_path):
    releases.coco(tmp_path)
    path = tmp_path / "annotations/person_keypoints_train2017.json"
    for name in ("../../secret.jpg", "/etc/secret.jpg"):
        labels = json.loads(path.read_text())
        labels["images"][1]["file_name"] = name
        path.write_text(json.dumps(labels))
        with pytest.raises(FileError, match=r"secret\.jpg', which is outside the release"):
            read("coco", tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matrix": [[0.0] * 3] * 3}, "are no pinhole's in pixels"),
        ({"matrix": [[1000.0, 0, 960]]}, r"intrinsics has shape \(1, 3\), expected \(3, 3\)"),
        ({"distortions": [0.0] * 20}, "distortion has 20 terms, at most 12"),
        ({"translation": [0, 0, float("nan")]}, "translation holds a number that is not finite"),
        ({"name": "c09"}, "has no camera 'c02'"),
        ({"size": None}, "size is no array of numbers|size has shape"),
    ],
)
def test_wrong_cameras_are_one_line(tmp_path, change, message):
    releases.aist(tmp_path)
    path = tmp_path / "cameras/setting1.json"
    first, camera = json.loads(path.read_text())
    path.write_text(json.dumps([first, {**camera, **change}]))
    with pytest.raises(FileError, match=message) as error:
        read("aist", tmp_path)
    assert "setting1.json" in str(error.value)


def test_a_mirrored_rotation_is_refused():
    with pytest.raises(FileError, match="is no rotation from world to camera"):
        check_pose(Path("here"), np.diag([1.0, 1, -1]), np.zeros(3))


DAMAGED = [
    ("panoptic", "170407_haggling_a1/calibration_170407_haggling_a1.json", "{", "is not JSON"),
    ("mpi_inf_3dhp", "S2/Seq1/annot.mat", "no", "is not a MATLAB file"),
    ("mpi_inf_3dhp", "S2/Seq1/camera.calibration", "no cameras", "has no camera 0; it has"),
    ("aspset", "trainval/joints_3d/04ac/04ac-0026.c3d", "no", "is no C3D file"),
    ("aist", "keypoints3d/gBR_sBM_cAll_d04_mBR0_ch01.pkl", "no", "damaged pickle"),
    ("total_capture", "calibration.cal", "1 1\n", "has 0 cameras, none is 2"),
    ("jta", "annotations/train/seq_0.json", "[[1, 2]]", r"its rows has shape \(1, 2\)"),
    ("3dpeople", "skeleton/man01/02_04_jump/camera01/0002.txt", "1 2 3", "has 1 rows of"),
    ("berkeley_mhad", "Calibration/camcfg_l01.yml", "Camera_1:\n", "has no Camera_2"),
    ("berkeley_mhad", "Calibration/camcfg_l01.yml", "Camera_2:\n", "has no matrix PosRel"),
    ("berkeley_mhad", "Calibration/RwTw_l01.txt", "Rw=1 2", "is not Rw= and 9 numbers"),
    (
        "berkeley_mhad",
        f"Camera/{MHAD_FRAMES}",
        "0 0 9\n0 0 9",
        "names frame 9 of a motion",
    ),
    ("berkeley_mhad", f"Camera/{MHAD_FRAMES}", "0 0 1", "no frame of the motion for picture 1"),
    ("human4d", "S2/19-07-12-09-09-06/Dump/gposes3d/2.npy", "no", r"is no plain \.npy file"),
    ("human4d", "S2/offsets.txt", "19-07-12-09-09-06 9", "has no offset of take 19-07-12-09-09-06"),
    ("human4d", "S2/offsets.txt", "19-07-12-09-09-06\t-", "is not a take and its offsets"),
    ("human4d", "S2/device_repository.json", "[]", "has no device 'M72h'"),
    ("hspace", "2021_01/train/scene_00.tfrecord", "no", "Is it a TFRecord file, and whole"),
    ("sail_vos", "ah_1_ext_t6/7_Ped_player/000004_3d.txt", "1 2 3", "has 1 bones, expected 343"),
    (
        "sail_vos",
        "ah_1_ext_t6/7_Ped_player/000004_2d.txt",
        "1 2 3",
        r"its bones has shape \(1, 3\)",
    ),
    ("sail_vos", "ah_1_ext_t6/visible/000004.npy", "no", r"is no plain \.npy file"),
    ("umpm", "Groundtruth/p1_grab_1_vm.c3d", "no", "is no C3D file"),
    ("umpm", "Calib/calib_l06_s.ini", "1 2 3\n", "has lines of 3 numbers, expected 3, 3, 3, 4"),
    ("umpm", "p1_grab_1.json", '{"calib":"../x"}', "'../x' is no name of a calibration"),
    ("spec", "spec-syn/annotations/train.npz", "no", "is not an .npz archive"),
    ("rich", "scan_calibration/BBQ/calibration/002.xml", "<a/>", "has no CameraMatrix with"),
    ("rich", "bodies/train/BBQ_001_013_talk/00010/001.pkl", "no", "damaged pickle"),
    ("rich", "body_models/smplx/SMPLX_MALE.npz", "no", "is not an .npz archive"),
]


@pytest.mark.parametrize(("name", "path", "content", "message"), DAMAGED)
def test_damaged_files_are_one_line(tmp_path, name, path, content, message):
    write(name, tmp_path)
    (tmp_path / path).write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        read(name, tmp_path)
    assert Path(path).name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_body_model_that_is_not_there_is_one_line(tmp_path):
    releases.rich(tmp_path)
    (tmp_path / "body_models/smplx/SMPLX_FEMALE.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"SMPLX_FEMALE\.npz is missing: get RICH"):
        read("rich", tmp_path)


def test_a_subject_that_nobody_knows_is_one_line(tmp_path):
    releases.rich(tmp_path)
    fit = tmp_path / "bodies/train/BBQ_001_013_talk/00010/001.pkl"
    fit.rename(fit.with_name("022.pkl"))
    with pytest.raises(FileError, match="subject 22 is not known, there are 0 to 21"):
        read("rich", tmp_path)


def test_3dpeople_has_masks_and_splits(tmp_path):
    releases.threedpeople(tmp_path)
    found = read("3dpeople", tmp_path)
    assert [e.split for e in found] == ["train"] * 2 + ["test"] * 2
    assert read("3dpeople", tmp_path, "test")[0].subject == "woman34"
    assert (Pictures().mask(found[0].mask) == releases.mask_of((10, 5, 30, 35))).all()


def test_rows_in_an_order_that_nobody_knows_are_one_line(tmp_path):
    releases.threedpeople(tmp_path)
    for path in (tmp_path / "skeleton/man01").glob("*/*/*.txt"):
        rows = path.read_text().splitlines()
        rows[6], rows[8] = rows[8], rows[6]
        path.write_text("\n".join(rows))
    with pytest.raises(FileError, match="joints are in no known order"):
        read("3dpeople", tmp_path)


def test_spec_without_an_array_is_one_line(tmp_path):
    releases.spec(tmp_path)
    path = tmp_path / "spec-syn/annotations/train.npz"
    arrays = dict(np.load(path))
    np.savez(path, **{key: array for key, array in arrays.items() if key != "cam_int"})
    with pytest.raises(FileError, match="'cam_int' is missing from the archive"):
        read("spec", tmp_path)
    np.savez(path, **arrays | {"S": arrays["S"][:, :11]})
    with pytest.raises(FileError, match="S has 11 joints, expected 12 or more"):
        read("spec", tmp_path)


def test_a_raw_mosaic_is_shown_in_colour(tmp_path):
    releases.berkeley_mhad(tmp_path)
    raw, made, kinect = read("berkeley_mhad", tmp_path)
    assert [e.mosaic for e in (raw, made, kinect)] == ["grbg", "", ""]
    assert (Pictures().picture(raw) == (200, 100, 50)).all()
    assert (Pictures().picture(made) == 0).all()


def test_pictures_are_cut_out_of_records(tmp_path):
    releases.hspace(tmp_path)
    pictures = Pictures()
    shown = [pictures.picture(example) for example in read("hspace", tmp_path)]
    assert [image[0, 0].tolist() for image in shown] == [[0, 100, 150]] * 2 + [[50, 100, 150]]
    assert shown[0] is shown[1]


def test_a_record_of_another_layout_is_one_line(tmp_path):
    path = tmp_path / "2021_01/train/a.tfrecord"
    write_records(path, [{"image/rgb": b"no", "camera_intrinsics": [1.0] * 4}])
    with pytest.raises(FileError, match="the picture cannot be decoded"):
        read("hspace", tmp_path)
    write_records(path, [{"camera_intrinsics": [1.0] * 4}])
    with pytest.raises(FileError, match="has no image/rgb; there is camera_intrinsics"):
        read("hspace", tmp_path)


def test_people_of_sail_vos_are_boxed_where_they_are_seen(tmp_path):
    releases.sail_vos(tmp_path)
    found = read("sail_vos", tmp_path)
    assert [e.box_px.tolist() for e in found] == [[0, 150, 200, 300], [300, 100, 500, 300]]
    assert [(e.frame, e.person) for e in found] == [(4, 7), (4, 8)]
    (tmp_path / "ah_1_ext_t6/visible/000004.npy").unlink()
    assert [e.box_px for e in read("sail_vos", tmp_path)] == [None] * 3
