"""``vitruve data masks``, and models that look at pictures in ``vitruve estimate``."""

import numpy as np
import pytest
import torch
from cli_samples import NUM_FRAMES
from PIL import Image

from own_samples import iou, person_mask, walk, wall, write_frames, write_walk
from vitruve.data.masking import mask_box
from vitruve.data.masking.boxes import write_boxes
from vitruve.data.own.mask_file import load_mask
from vitruve.estimators import (
    HeatmapDetector,
    HeatmapDetectorConfig,
    MetricScale,
    MetricScaleConfig,
    save_estimator,
)
from vitruve.io import read
from vitruve.nets.heatmap_head import HeatmapHeadConfig
from vitruve.nets.res_net import ResNetConfig
from vitruve.skeletons import skeleton

NET = ResNetConfig(depths=(1, 1), channels=(8, 8))
HEAD = HeatmapHeadConfig(deconvolutions=1, width=8, depth_cells=8)


def save_detector(path, joints, side_px=32):
    config = HeatmapDetectorConfig(skeleton(joints), "res_net", NET, HEAD, 3, 3, side_px=side_px)
    torch.manual_seed(0)
    save_estimator(HeatmapDetector(config), path)
    return path


@pytest.fixture
def model(tmp_path):
    return save_detector(tmp_path / "detector.safetensors", "h36m_18")


def test_masks_of_a_folder_and_their_sheet(vitruve, tmp_path):
    truth = write_walk(tmp_path / "own/clip")
    write_walk(tmp_path / "own/other", seed=1)
    code, said, err = vitruve("data", "masks", tmp_path / "own", tmp_path / "masks")
    assert (code, err) == (0, "")
    assert said.splitlines()[:2] == ["clip: 24 masks: 24 good", "other: 24 masks: 24 good"]
    assert iou(load_mask(tmp_path / "masks/clip", "0005"), truth[5]) > 0.9
    with Image.open(tmp_path / "masks_sheet.jpg") as sheet:
        assert sheet.width > sheet.height


def test_masks_of_one_clip_lie_in_the_folder_itself(vitruve, tmp_path):
    write_walk(tmp_path / "own")
    arguments = ("--refine", "--sheet", tmp_path / "a.png")
    assert vitruve("data", "masks", tmp_path / "own", tmp_path / "masks", *arguments)[0] == 0
    assert len(list((tmp_path / "masks").glob("*.png"))) == 24
    assert (tmp_path / "a.png").is_file()


def test_warnings_have_counts(vitruve, tmp_path):
    write_frames(tmp_path / "own", [np.full((72, 96, 3), (0, 177, 64), np.uint8)] * 2)
    code, said, err = vitruve("data", "masks", tmp_path / "own", tmp_path / "out", "--by", "chroma")
    assert code == 0
    assert "own: 2 masks: 2 empty" in said
    assert "own: 2 of 2 masks are empty; first 0000" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere", "out"), "no such folder, video or picture: nowhere"),
        (("own", "out", "--by", "given"), "name it (--given DIR)"),
        (("own", "out", "--by", "given", "--given", "nope"), "no such folder of masks: nope"),
        (("own", "out", "--boxes", "nope.csv"), "no such table of boxes"),
        (("own", "out", "--sheet", "a.txt"), "must end in .png or .jpg"),
        (("own", "out", "--threshold", "0"), "--threshold 0: must be above 0"),
        (("own", "out", "--by", "chroma", "--key", "red"), "key 'red' is no colour"),
    ],
)
def test_bad_input_is_one_line(vitruve, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    write_walk(tmp_path / "own", 4)
    code, _, err = vitruve("data", "masks", *arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_a_trained_detector_is_an_estimator(vitruve, clip, model, tmp_path):
    out = tmp_path / "out"
    arguments = ("estimate", clip, "--model", model, "--out", out, "--format", "npz,trc")
    code, said, _ = vitruve(*arguments)
    assert code == 0
    person = read(out / "person0.npz")
    assert person.skeleton.name == "h36m_18"
    assert len(person.frames) == NUM_FRAMES
    assert person.valid.all()
    assert (person.joints_cam[..., 2] > 0).all()
    assert (out / "page.html").stat().st_size > 10_000
    assert (out / "person0.trc").is_file()
    assert "detector in boxes by everyone" in said
    assert "60 degrees, assumed" in said
    assert "earlier run" not in said
    before = (out / "person0.npz").read_bytes()
    assert "nothing to do" in vitruve(*arguments)[1]
    assert (out / "person0.npz").read_bytes() == before


def test_boxes_take_the_detectors_place(vitruve, clip, model, tmp_path, nobody):
    rows = {str(i): np.array([10.0 + i, 4, 40 + i, 44]) for i in (2, 3, 7)}
    (tmp_path / "boxes.csv").write_text(write_boxes(rows))
    out = tmp_path / "out"
    arguments = ("--boxes", tmp_path / "boxes.csv", "--out", out, "--save-keypoints")
    code, said, _ = vitruve("estimate", clip, "--model", model, *arguments)
    assert code == 0
    person = read(out / "person0.npz")
    assert person.frames.tolist() == [2, 3, 4, 5, 6, 7]
    assert "detector in boxes by boxes.csv" in said
    assert (out / "keypoints.json").is_file()


def test_a_dog_in_one_picture_by_its_mask(vitruve, tmp_path):
    model = save_detector(tmp_path / "dog.safetensors", "stanfordextra_24")
    mask = person_mask((40, 38))
    write_frames(tmp_path / "own", [wall()])
    write_frames(tmp_path / "masks", [np.stack([mask * np.uint8(255)] * 3, -1)])
    arguments = ("--boxes", tmp_path / "masks", "--out", tmp_path / "out")
    code, _, err = vitruve("estimate", tmp_path / "own/0000.png", "--model", model, *arguments)
    assert (code, err) == (0, "")
    dog = read(tmp_path / "out/person0.npz")
    assert dog.skeleton.name == "stanfordextra_24"
    paws = [j for j, name in enumerate(dog.skeleton.names) if name.endswith("_paw")]
    assert dog.joints_world[0, paws, 2].min().abs() < 0.3


def test_boxes_tell_where_to_look(vitruve, tmp_path, model):
    """The 2D answers lie in the boxes, wherever those are in the picture."""
    masks = walk(6)
    write_frames(tmp_path / "own", [wall()] * 6)
    table = {f"{i:04d}": mask_box(mask) for i, mask in enumerate(masks)}
    (tmp_path / "boxes.csv").write_text(write_boxes(table))
    arguments = ("--boxes", tmp_path / "boxes.csv", "--out", tmp_path / "out", "--save-keypoints")
    assert vitruve("estimate", tmp_path / "own", "--model", model, *arguments)[0] == 0
    from vitruve.io.keypoints import read_keypoints

    (found,) = read_keypoints(tmp_path / "out/keypoints.json")
    for points, box in zip(found.keypoints_px.numpy(), table.values(), strict=True):
        middle, reach = (box[:2] + box[2:]) / 2, 0.6 * (box[2:] - box[:2]).max()
        assert (np.abs(points - middle) < reach).all()


def test_a_metric_estimator_knows_its_crops_and_may_be_told_others(vitruve, clip, tmp_path):
    config = MetricScaleConfig(skeleton("h36m_17"), "res_net", NET, depth=4, stride=4)
    save_estimator(MetricScale(config), tmp_path / "metric.safetensors")
    arguments = ("estimate", clip, "--model", tmp_path / "metric.safetensors")
    assert vitruve(*arguments, "--out", tmp_path / "own")[0] == 0
    assert vitruve(*arguments, "--out", tmp_path / "out", "--crop-px", "32")[0] == 0
    assert read(tmp_path / "out/person0.npz").skeleton.name == "h36m_17"


@pytest.mark.parametrize(
    ("source", "more", "message"),
    [
        ("keypoints", (), "this model looks at pictures; give a video or pictures, not"),
        ("clip", ("--boxes", "nope.csv"), "no such table of boxes or folder of masks: nope.csv"),
        ("clip", ("--crop-px", "8"), "--crop-px 8: must be 16 or more"),
    ],
)
def test_what_a_looking_model_cannot_use(vitruve, request, model, tmp_path, source, more, message):
    path = request.getfixturevalue(source)
    code, _, err = vitruve("estimate", path, "--model", model, "--out", tmp_path / "out", *more)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_a_lifter_does_not_look(vitruve, clip, weights, tmp_path):
    arguments = ("--model", weights, "--out", tmp_path / "out", "--crop-px", "64")
    code, _, err = vitruve("estimate", clip, *arguments)
    assert code == 2
    assert "are for models that look at pictures; this one reads 2D keypoints" in err


def test_boxes_of_other_pictures_are_refused(vitruve, tmp_path, model):
    write_frames(tmp_path / "own", [wall()])
    (tmp_path / "boxes.csv").write_text(write_boxes({"other": np.array([1.0, 2, 30, 40])}))
    arguments = ("--boxes", tmp_path / "boxes.csv", "--out", tmp_path / "out")
    code, _, err = vitruve("estimate", tmp_path / "own", "--model", model, *arguments)
    assert code == 2
    assert "none of which is called as one of" in err
