import json

import numpy as np
import pytest
import releases
from PIL import Image

from vitruve.data.building.check import check_dataset
from vitruve.data.building.check_sheet import crop_sheet

SEQUENCE = "170407_haggling_a1"


@pytest.fixture
def panoptic(tmp_path):
    """CMU-Panoptic with pictures instead of a video."""
    releases.panoptic(tmp_path)
    folder = tmp_path / SEQUENCE / "hdImgs/00_03"
    folder.mkdir(parents=True)
    for frame in range(releases.T):
        Image.new("RGB", (1920, 1080), (90, 120, 90)).save(folder / f"00_03_{frame:08d}.jpg")
    return tmp_path


def scenes(root):
    return sorted((root / SEQUENCE).glob("hdPose3d*/*.json"))


def change(path, edit):
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def test_a_sound_release_has_no_problems_and_a_sheet(panoptic):
    report = check_dataset("panoptic", panoptic, examples=3)
    assert report.problems == []
    assert report.parts == 1
    assert (report.counts["examples"], report.counts["pictures"]) == (3, 3)
    assert report.counts["labelled joints"] == 3 * 18
    assert report.share("joints inside", "joints before") == 1
    sheet = crop_sheet(report.shown)
    assert sheet.shape[2] == 3
    # Blue and orange joints stand beside the green of the pictures.
    assert (sheet[..., 2].astype(int) - sheet[..., 0] > 60).sum() > 100
    assert (sheet[..., 0].astype(int) - sheet[..., 2] > 120).sum() > 100


def test_missing_and_wrong_pictures_are_counted(panoptic):
    first, second, _ = sorted((panoptic / SEQUENCE / "hdImgs/00_03").iterdir())
    first.unlink()
    Image.new("RGB", (960, 540)).save(second)
    report = check_dataset("panoptic", panoptic, examples=3)
    assert report.counts["missing pictures"] == 1
    assert report.counts["pictures that do not fit"] == 1
    assert "no such image" in report.problems[0]
    assert "has 960 x 540 pixels, its camera 1920 x 1080" in report.problems[1]


def test_millimetres_instead_of_centimetres_are_noticed(panoptic):
    for path in scenes(panoptic):
        joints = np.array(json.loads(path.read_text())["bodies"][0]["joints19"]).reshape(-1, 4)
        joints[:, :3] *= 10
        change(path, lambda c, j=joints: c["bodies"][0].update(joints19=j.ravel().tolist()))
    report = check_dataset("panoptic", panoptic, examples=3)
    (extent,) = [p for p in report.problems if "farthest joints" in p]
    assert "expected 0.5 to 3" in extent


def test_a_wrong_focal_length_is_noticed(panoptic):
    path = panoptic / SEQUENCE / f"calibration_{SEQUENCE}.json"
    change(path, lambda c: c["cameras"][1]["K"].__setitem__(0, [30000.0, 0, 960]))
    report = check_dataset("panoptic", panoptic, examples=3)
    assert any("of the joints project inside their picture" in p for p in report.problems)
    change(path, lambda c: c["cameras"][1]["K"].__setitem__(0, [0.7, 0, 0.5]))
    report = check_dataset("panoptic", panoptic, examples=3)
    assert "are no pinhole's in pixels" in report.problems[0]


def test_people_behind_the_camera_are_noticed(panoptic):
    path = panoptic / SEQUENCE / f"calibration_{SEQUENCE}.json"
    change(path, lambda c: c["cameras"][1].update(t=[[30], [-20], [-1000]]))
    report = check_dataset("panoptic", panoptic, examples=3)
    assert any("of the joints are behind the camera" in p for p in report.problems)


def test_a_jumping_joint_is_an_odd_pose(panoptic):
    path = scenes(panoptic)[1]
    joints = np.array(json.loads(path.read_text())["bodies"][0]["joints19"]).reshape(-1, 4)
    joints[5, :3] += 1000
    change(path, lambda c: c["bodies"][0].update(joints19=joints.ravel().tolist()))
    report = check_dataset("panoptic", panoptic, examples=3)
    assert report.counts["odd poses"] == 1
    assert any("implausible bone lengths" in p for p in report.problems)


def test_own_2d_and_masks_are_compared(tmp_path):
    from scipy.io import loadmat, savemat

    releases.surreal(tmp_path)
    from vitruve.io.video_writer import write_video

    for video in tmp_path.rglob("*.mp4"):
        write_video(video, np.full((3, 240, 320, 3), 90, np.uint8), 25.0)
    (info,) = tmp_path.rglob("*c0001_info.mat")
    for masks in tmp_path.rglob("*_segm.mat"):
        body = np.zeros((240, 320), np.uint8)
        body[:, 120:260] = 7
        savemat(masks, {f"segm_{i + 1}": body for i in range(3)})
    report = check_dataset("surreal", tmp_path, "train", examples=3)
    assert max(report.own_2d_px) < 0.01
    assert report.share("joints on the mask", "joints with a mask") > 0.7
    content = loadmat(info)
    # What the joints would be if the picture were not mirrored.
    flipped = content["joints2D"].copy()
    flipped[0] = 320 - flipped[0]
    savemat(info, {k: v for k, v in content.items() if k[0] != "_"} | {"joints2D": flipped})
    report = check_dataset("surreal", tmp_path, "train", examples=3)
    assert any("pixels off the projected 3D" in p for p in report.problems)


def test_a_part_that_cannot_be_read_does_not_hide_the_others(panoptic):
    (panoptic / SEQUENCE / "hdImgs/00_04").mkdir()
    report = check_dataset("panoptic", panoptic, examples=4)
    assert report.counts["parts that cannot be read"] == 1
    assert "has no camera '00_04'" in report.problems[0]
    assert report.counts["pictures"] > 0


def test_unknown_datasets_and_splits_are_one_line(panoptic):
    with pytest.raises(KeyError, match="no dataset 'h36m'; there are muco_3dhp"):
        check_dataset("h36m", panoptic)
    with pytest.raises(FileNotFoundError, match="has no part of split 'test'"):
        check_dataset("panoptic", panoptic, "test")
    with pytest.raises(ValueError, match="no picture to show"):
        crop_sheet([])
