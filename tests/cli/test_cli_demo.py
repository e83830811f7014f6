"""The demo: its clip and truth agree, its table is right, and it runs and goes on."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import roma
import torch

from vitruve.cli import demo, main
from vitruve.estimators import Lifter, LifterConfig, save_estimator
from vitruve.io import read
from vitruve.io.video import probe
from vitruve.metrics import foot_contact, foot_slide_mm
from vitruve.nets import VideoPose3DConfig
from vitruve.pipeline import run as run_stage
from vitruve.pipeline.models import cached_models
from vitruve.skeletons import skeleton

STANDING = {
    # right of the body's middle, down, metres; the left side mirrors it
    "pelvis": (0.0, 0.0), "spine": (0.0, -0.2), "thorax": (0.0, -0.45), "neck": (0.0, -0.5),
    "head": (0.0, -0.65), "hip": (0.1, 0.0), "knee": (0.12, 0.42), "ankle": (0.13, 0.83),
    "toe": (0.15, 0.88), "shoulder": (0.17, -0.43), "elbow": (0.24, -0.18), "wrist": (0.27, 0.05),
}  # fmt: skip


@pytest.fixture(scope="module")
def truth():
    return read(demo.SAMPLE / "truth.npz")


@pytest.fixture(autouse=True)
def detector():
    """The real one: its clip is what this module is about."""


@pytest.fixture
def weights(tmp_path):
    """A model that takes everyone for someone who stands still and looks at the camera."""
    joints, keypoints = skeleton("vitruve_19"), skeleton("vitruve_15")
    net = VideoPose3DConfig(15, 19, in_channels=3, widths=(3,), channels=8, dropout=0.0)
    lifter = Lifter(LifterConfig(joints, keypoints, "video_pose_3d", net, "root_view", 30.0, True))
    pose = [standing(name) for name in joints.names]
    with torch.no_grad():
        lifter.net.shrink.weight.zero_()
        lifter.net.shrink.bias.copy_(torch.tensor(pose).flatten())
    save_estimator(lifter, tmp_path / "standing.safetensors")
    return str(tmp_path / "standing.safetensors")


def standing(name):
    side, _, part = name.rpartition("_")
    x, y = STANDING[part]
    # The person's left is the picture's right.
    return (x if side == "left" else -x, y, 0.0)


def test_the_truth_is_of_the_clip(truth):
    clip = probe(demo.SAMPLE / "clip.mp4")
    assert truth.skeleton.name == "h36m_17"
    assert truth.valid.all()
    assert truth.frames.tolist() == list(range(clip.num_frames))
    assert truth.fps == clip.fps == 30
    assert truth.camera.image_size_px == clip.image_size_px
    pixels = truth.camera.project_world(truth.joints_world)
    assert (pixels > 20).all()
    assert (pixels < torch.tensor(clip.image_size_px) - 20).all()


def test_the_motion_obeys_bones_floor_and_gravity(truth):
    joints = truth.joints_world
    for pair in truth.skeleton.limbs:
        for upper, lower in pair:
            length = (joints[:, upper] - joints[:, lower]).norm(dim=-1)
            torch.testing.assert_close(length, length[:1].expand_as(length), rtol=0, atol=1e-5)
    ankles = joints[:, [3, 6]]
    contact = foot_contact(ankles, truth.fps)
    assert contact.any(1).float().mean() > 0.8
    assert foot_slide_mm(ankles, contact) < 0.5
    height = joints[:, 0, 2].double()
    fall = (height[2:] - 2 * height[1:-1] + height[:-2]) * truth.fps**2
    airborne = (ankles[1:-1, :, 2] > 0.25).all(1)
    assert airborne.sum() > 5
    assert fall[airborne].tolist() == pytest.approx([-9.81] * int(airborne.sum()), abs=0.02)


def test_the_truth_has_no_error(truth):
    rows = {row.what: row for row in demo.compare(truth, truth)}
    assert rows["frames with a pose"].estimated == len(truth.frames)
    for what, row in rows.items():
        assert row.true is None or row.estimated == row.true, what
    errors = [row.estimated for row in rows.values() if row.true is None]
    assert errors == pytest.approx([0, 0], abs=1e-3)
    # Half a second of free fall, and the feet stretched before it.
    assert rows["highest rise of the hips"].true == pytest.approx(30.7 + 6.8, abs=1.5)
    assert rows["length of the path"].true == pytest.approx(2.4, abs=0.15)


def test_a_larger_copy_errs_in_size_only(truth):
    larger = replace(truth, joints_world=1.25 * truth.joints_world)
    rows = {row.what: row for row in demo.compare(larger, truth)}
    assert rows["the same after the best fit of each pose"].estimated == pytest.approx(0, abs=1e-3)
    assert rows["error of 17 joints, hips aligned"].estimated > 50
    rise = rows["highest rise of the hips"]
    assert rise.estimated == pytest.approx(1.25 * rise.true, rel=1e-5)
    assert str(rise).split()[-3:] == [f"{rise.estimated:.0f}", f"{rise.true:.0f}", "cm"]


def test_the_ghost_is_laid_onto_the_result(truth):
    turn = roma.rotvec_to_rotmat(torch.tensor([0.1, -0.2, 1.0]))
    moved = replace(truth, joints_world=truth.joints_world @ turn.T + torch.tensor([3.0, 1, 0.5]))
    ghost = demo.laid_onto(truth, moved)
    torch.testing.assert_close(ghost.joints_world, moved.joints_world, atol=1e-4, rtol=0)


@pytest.mark.skipif(
    cached_models() is None or find_spec("ai_edge_litert") is None,
    reason="the detector or its models are not on this machine",
)
def test_it_runs_and_goes_on(tmp_path, weights, capsys, monkeypatch):
    command = ["demo", "--out", str(tmp_path / "out"), "--model", weights]
    assert main(command) == 0
    told = capsys.readouterr().out
    page = Path(told.splitlines()[-1].removeprefix("the page: "))
    assert page.is_file()
    assert "Vitruve demo" in page.read_text(encoding="utf-8")
    assert {f"person0.{suffix}" for suffix in demo.FORMATS} <= {
        f.name for f in page.parent.iterdir()
    }
    line = next(line for line in told.splitlines() if "frames with a pose" in line)
    assert line.split()[-2:] == ["228", "228"]
    monkeypatch.setattr(run_stage, "detect", None)
    assert main(command) == 0
    assert capsys.readouterr().out == told


def test_without_the_models_it_says_what_to_do(tmp_path, weights, capsys, monkeypatch):
    monkeypatch.setenv("VITRUVE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("VITRUVE_MEDIAPIPE_WHEEL", str(tmp_path / "none.whl"))
    assert main(["demo", "--out", str(tmp_path / "out"), "--model", weights]) == 2
    told = capsys.readouterr().err
    assert "VITRUVE_MEDIAPIPE_WHEEL names no file" in told
    assert told.count("\n") == 1
