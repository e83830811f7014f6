import json
import subprocess
import sys

import pytest
import torch
from cli_samples import NUM_FRAMES, Everyone, Nobody, walk
from PIL import Image

from vitruve.cli.estimate import parse_size
from vitruve.estimators import MetricScale, MetricScaleConfig, save_estimator
from vitruve.io import read, read_keypoints, write_keypoints
from vitruve.nets.res_net import ResNetConfig
from vitruve.skeletons import merge, skeleton


def test_keypoints_become_motion_files_and_a_page(vitruve, keypoints, weights, tmp_path):
    out = tmp_path / "out"
    args = ("--model", weights, "--out", out, "--format", "bvh, TRC,.npz", "--skeleton", "smpl_24")
    code, said, err = vitruve("estimate", keypoints, *args)
    assert (code, err) == (0, ""), err
    assert "1 person, frames 0 to 11" in said
    assert "h36m_17 -> smpl_24" in said
    assert "lifting alone" in said
    assert "mean spread" in said
    # The fixture's net says that everyone stands still: there is no motion to lose.
    assert "amplitude removed by smoothing" not in said
    assert "60 degrees, assumed" in said
    assert said.splitlines()[-1].strip() == str(out / "page.html")
    assert read(out / "person0.npz").skeleton.name == "smpl_24"
    assert {"person0.bvh", "person0.trc", "page.html"} <= {p.name for p in out.iterdir()}
    code, said, _ = vitruve("estimate", keypoints, *args)
    assert code == 0
    assert "every stage was finished by an earlier run" in said


def test_a_video_is_detected_lifted_and_shown(vitruve, clip, weights, tmp_path):
    out = tmp_path / "out"
    code, said, err = vitruve(
        "estimate",
        clip,
        "--model",
        weights,
        "--out",
        out,
        "--save-keypoints",
        "--smooth-hz",
        "none",
    )
    assert (code, err) == (0, ""), err
    assert f"{NUM_FRAMES} frames in" in said
    assert "everyone" in said
    assert b"ftyp" in (out / "preview.mp4").read_bytes()[:16]
    assert read_keypoints(out / "keypoints.json")[0].model == "everyone"
    assert len((out / "page.html").read_bytes()) > len((out / "preview.mp4").read_bytes())


def test_unrelated_pictures_are_looked_at_one_by_one(vitruve, weights, tmp_path, detector):
    class OnlyInBright(Everyone):
        def detect(self, image):
            return super().detect(image) if image.mean() > 100 else []

    detector(OnlyInBright)
    pictures, out = tmp_path / "album", tmp_path / "out"
    pictures.mkdir()
    for name, size, grey in (("a", (64, 48), 200), ("b", (80, 60), 255), ("dark", (64, 48), 0)):
        Image.new("RGB", size, (grey,) * 3).save(pictures / f"{name}.png")
    asked = ["estimate", pictures, "--photos", "--model", weights, "--out", out, "--no-page"]
    code, said, err = vitruve(*asked, "--skeleton", "smpl_24,h36m_17")
    assert code == 0
    assert "2 of 3 pictures with people" in said
    assert "dark.png" in err
    assert {f.name for f in (out / "b").glob("person*.npz")} == {
        "person0.smpl_24.npz",
        "person0.h36m_17.npz",
    }
    detector(Nobody)
    assert vitruve(*asked[:-2], tmp_path / "none")[0] == 2


def test_an_image_model_answers_for_a_clip(vitruve, clip, tmp_path):
    torch.manual_seed(0)
    says = merge(tuple(map(skeleton, ("h36m_17", "coco_17"))))
    config = MetricScaleConfig(
        says,
        backbone_config=ResNetConfig(depths=(1, 1), channels=(8, 8)),
        depth=2,
        stride=4,
        side_px=16,
    )
    model = MetricScale(config)
    # Heatmaps of nothing put every joint in the middle of the box: give people an extent.
    with torch.no_grad():
        model.heatmaps.logits.weight.mul_(40)
    save_estimator(model, tmp_path / "photo.safetensors")
    asked = ["estimate", clip, "--model", tmp_path / "photo.safetensors", "--out", tmp_path / "out"]
    code, said, err = vitruve(*asked, "--skeleton", "all", "--no-page")
    assert (code, err) == (0, ""), err
    assert "looking alone" in said
    assert (tmp_path / "out" / "person0.h36m_17.npz").exists()
    assert (tmp_path / "out" / "person0.smpl_24.npz").exists()
    assert "nothing to do" in vitruve(*asked, "--skeleton", "coco_17", "--no-page")[1]


def test_the_default_folder_is_here(vitruve, keypoints, weights, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, _ = vitruve("lift", keypoints, "--model", weights, "--no-page", "--height", "1.8")
    assert code == 0
    names = {p.name for p in (tmp_path / "walk_vitruve").iterdir()}
    assert names == {"person0.npz", "lifted_0.npz", "run.json"}


def test_keypoints_that_do_not_say_are_told(vitruve, weights, tmp_path):
    points = walk().keypoints_px.tolist()
    people = [
        {"image_id": i, "category_id": 1, "score": 1, "track_id": 0}
        | {"keypoints": [x for p in frame for x in (*p, 0.9)]}
        for i, frame in enumerate(points)
    ]
    (tmp_path / "coco.json").write_text(json.dumps(people))
    out = tmp_path / "out"
    args = ("--model", weights, "--out", out, "--no-page", "--fps", "50", "--size", "800x600")
    assert vitruve("lift", tmp_path / "coco.json", *args)[0] == 0
    person = read(out / "person0.npz")
    assert person.fps == 50
    assert person.camera.image_size_px == (800, 600)
    name = ("--keypoint-skeleton", "h36m_17", "--out", tmp_path / "other")
    assert vitruve("lift", tmp_path / "coco.json", *args, *name)[0] == 0


def test_the_most_seen_person_is_kept(vitruve, weights, tmp_path):
    write_keypoints([walk(4), walk(person=1), walk(5, person=2)], tmp_path / "many.npz")
    out = tmp_path / "out"
    args = ("--model", weights, "--out", out, "--no-page", "--max-persons", "1")
    assert vitruve("lift", tmp_path / "many.npz", *args)[0] == 0
    assert [p.name for p in out.glob("person*")] == ["person1.npz"]


def test_detect_writes_both_kinds(vitruve, clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, said, err = vitruve("detect", clip)
    assert (code, err) == (0, ""), err
    assert said.splitlines()[-1] == "clip_keypoints.npz"
    assert vitruve("detect", clip, "--out", "k.json")[0] == 0
    first, second = (read_keypoints(name)[0] for name in ("clip_keypoints.npz", "k.json"))
    assert (first.keypoints_px == second.keypoints_px).all()


@pytest.mark.parametrize("verb", ["estimate", "detect", "lift", "convert", "doctor", "data"])
def test_help_is_there(vitruve, verb):
    code, said, _ = vitruve(verb, "--help")
    assert code == 0
    assert "usage: vitruve " + verb in said


def test_help_of_the_main_job_needs_no_torch():
    script = (
        "import sys; from vitruve.cli import main; code = main(['estimate', '--help']);"
        "print(code, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "0 False"


def test_sizes():
    assert parse_size("1920X1080") == (1920, 1080)
    for wrong in ("1920", "0x10", "axb", "1.5x2", "x"):
        with pytest.raises(ValueError, match="--size"):
            parse_size(wrong)
