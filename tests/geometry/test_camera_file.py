import json

import pytest
import torch

from vitruve.geometry.camera import Camera, intrinsics_from_fov
from vitruve.geometry.camera_file import load_camera, load_cameras, save_camera

OPENCV_YAML = """%YAML:1.0
---
image_width: 640
image_height: 480
camera_matrix: !!opencv-matrix
   rows: 3
   cols: 3
   dt: d
   data: [ 600., 0., 319.5, 0., 610.,
       239.5, 0., 0., 1. ]
dist_coeffs: !!opencv-matrix
   rows: 1
   cols: 5
   dt: d
   data: [ -1.0e-01, 2.e-02, 0., 1.0e-03, 0. ]
"""
POSE2SIM = """
[cam_01]
name = "left"
size = [ 1088.0, 1920.0]
matrix = [ [ 1681.2, 0.0, 543.5], [ 0.0, 1681.2, 959.5], [ 0.0, 0.0, 1.0]]
distortions = [ -0.001, 0.01, 0.0, 0.0]
rotation = [ 0.0, 1.5707963267948966, 0.0]
translation = [ 1.0, 2.0, 3.0]
fisheye = false
[cam_02]
size = [ 1088.0, 1920.0]
matrix = [ [ 1681.2, 0.0, 543.5], [ 0.0, 1681.2, 959.5], [ 0.0, 0.0, 1.0]]
distortions = [ 0.0, 0.0, 0.0, 0.0]
rotation = [ 0.0, 0.0, 0.0]
translation = [ 0.0, 0.0, 0.0]
[metadata]
adjusted = false
error = 0.0
"""
QUALISYS = """<?xml version='1.0' encoding='ASCII'?>
<calibration type="regular"><cameras>
  <camera serial="left">
    <fov_video bottom="1079" left="20" right="1939" top="0"/>
    <transform r11="1" r12="0" r13="0" r21="0" r22="0" r23="1" r31="0" r32="-1" r33="0"
      x="1000" y="-3000" z="1500"/>
    <intrinsic centerPointU="62720" centerPointV="34560" focalLengthU="64000" focalLengthV="64640"
      radialDistortion1="-0.05" radialDistortion2="0.1" radialDistortion3="0"
      tangentalDistortion1="0.001" tangentalDistortion2="0"/>
  </camera>
</cameras></calibration>
"""
CENTRE = [320.0, 240.0]


def write(tmp_path, text, name="camera.txt"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("full", [True, False])
def test_our_file_comes_back_as_written(tmp_path, full):
    optional = {"distortion": torch.rand(8), "T_world_cam": torch.eye(4)} if full else {}
    camera = Camera(intrinsics_from_fov(60.0, (640, 480)), (640, 480), **optional)
    save_camera(camera, tmp_path / "c.json")
    back = load_camera(tmp_path / "c.json")
    assert back.image_size_px == (640, 480)
    for field in ("intrinsics", "distortion", "T_world_cam"):
        ours, read = getattr(camera, field), getattr(back, field)
        assert (ours is None and read is None) or torch.equal(ours, read)
    assert [p.name for p in tmp_path.iterdir()] == ["c.json"]


def test_opencv_yaml(tmp_path):
    camera = load_camera(write(tmp_path, OPENCV_YAML))
    assert camera.intrinsics.tolist() == [[600, 0, 320], [0, 610, 240], [0, 0, 1]]
    assert camera.image_size_px == (640, 480)
    torch.testing.assert_close(camera.distortion, torch.tensor([-0.1, 0.02, 0, 0.001, 0]))


@pytest.mark.parametrize("wrapped", [True, False])
def test_opencv_json(tmp_path, wrapped):
    matrix = [[600.0, 0, 319.5], [0, 610, 239.5], [0, 0, 1]]
    stored = {
        "type_id": "opencv-matrix",
        "rows": 3,
        "cols": 3,
        "data": [x for row in matrix for x in row],
    }
    text = json.dumps(
        {
            "camera_matrix": stored if wrapped else matrix,
            "dist_coeffs": [[0.1, 0, 0, 0]],
            "image_size": [640, 480],
        }
    )
    camera = load_camera(write(tmp_path, text))
    assert camera.intrinsics[:2, 2].tolist() == CENTRE
    assert camera.distortion is not None
    assert len(camera.distortion) == 5


def test_pose2sim_toml(tmp_path):
    path = write(tmp_path, POSE2SIM)
    cameras = load_cameras(path)
    assert list(cameras) == ["left", "cam_02"]
    left = load_camera(path, "left")
    assert left.intrinsics[:2, 2].tolist() == [544, 960]
    world = torch.tensor([[0.5, -1.0, 4.0]])
    # x_cam = R x_world + t, R a quarter turn about y.
    torch.testing.assert_close(left.joints_to_cam(world), torch.tensor([[5.0, 1.0, 2.5]]))
    with pytest.raises(KeyError, match="holds 2 cameras and a name is needed: left, cam_02"):
        load_camera(path)
    with pytest.raises(KeyError, match="none is called 'right'"):
        load_camera(path, "right")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no camera file; give"),
        ("{", "cannot be read as a camera: Expecting"),
        ("\x00\x01", "cannot be read as a camera"),
        ("{" + '"a":[' * 5000, "cannot be read as a camera"),
        ('{"format": "vitruve-camera"}', "has no intrinsics"),
        (OPENCV_YAML.replace("600.", "-600."), "camera matrix is not"),
        (OPENCV_YAML.replace("610.,", ""), "camera matrix has 8 numbers; 9 are needed"),
        (OPENCV_YAML.replace("image_width: 640\n", ""), "does not say image_width"),
        (POSE2SIM.replace("translation = [ 1.0, 2.0, 3.0]", ""), "translation has 1 numbers"),
        (POSE2SIM.replace("1.0, 2.0, 3.0", "1.0, nan, 3.0"), "no finite number"),
        (POSE2SIM.replace("fisheye = false", "fisheye = true"), "fisheye"),
    ],
)
def test_hostile_files_give_one_clear_line(tmp_path, text, match):
    with pytest.raises(ValueError, match=match) as caught:
        load_camera(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_missing_binary_and_huge_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no camera file"):
        load_camera(tmp_path / "nowhere.json")
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00" * 9)
    with pytest.raises(ValueError, match="cannot be read as a camera"):
        load_camera(tmp_path / "b")
    with pytest.raises(ValueError, match="under 1 MB"):
        load_camera(write(tmp_path, " " * 1_000_001))


def test_a_sheared_world_is_refused(tmp_path):
    content = {
        "format": "vitruve-camera",
        "image_size_px": [9, 9],
        "intrinsics": torch.eye(3).tolist(),
    }
    content["T_world_cam"] = (2 * torch.eye(4)).tolist()
    with pytest.raises(ValueError, match="no rigid motion"):
        load_camera(write(tmp_path, json.dumps(content)))


def test_a_qualisys_camera_looks_where_it_stood(tmp_path):
    cameras = load_cameras(write(tmp_path, QUALISYS, "calib.qca.txt"))
    assert list(cameras) == ["left"]
    camera = cameras["left"]
    assert camera.image_size_px == (1920, 1080)
    assert camera.distortion.tolist() == pytest.approx([-0.05, 0.1, 0.001, 0.0, 0.0])
    # Ahead of it, along the world's y, lies the principal point: 980 less the 20 cut off.
    ahead, left_of_it, below = torch.tensor([[1.0, 0, 1.5], [0.0, 0, 1.5], [1.0, 0, 0.5]])
    assert camera.project_world(ahead[None])[0].tolist() == pytest.approx([960.0, 540.0])
    assert camera.project_world(left_of_it[None])[0, 0] < 700
    assert camera.project_world(below[None])[0, 1] > 800


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("<cameras>", "<cameras", "damaged"),
        ("<calibration", '<!DOCTYPE a [<!ENTITY b "c">]><calibration', "entities"),
        ("fov_video", "fov", "lacks one of fov_video"),
        ('focalLengthU="64000" ', "", "does not say focalLengthU"),
        ('r11="1"', 'r11="2"', "no rigid motion"),
        ('z="1500"', 'z="nan"', "no finite number"),
        ('z="1500"', 'z="high"', "could not convert"),
        ("camera serial", "person serial", "damaged"),
    ],
)
def test_a_damaged_qualisys_file_is_refused(tmp_path, old, new, says):
    file = write(tmp_path, QUALISYS.replace(old, new, 1), "calib.qca.txt")
    with pytest.raises(ValueError, match=says):
        load_cameras(file)


def test_xml_without_cameras_is_no_calibration(tmp_path):
    with pytest.raises(ValueError, match="no <camera>"):
        load_cameras(write(tmp_path, "<calibration></calibration>", "calib.xml"))
