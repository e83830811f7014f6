"""``vitruve evaluate`` from two files to numbers."""

import json
from dataclasses import replace

import pytest
import torch

from vitruve.cli import main
from vitruve.io import write
from vitruve.poses import PoseSequence
from vitruve.skeletons import skeleton

H36M = skeleton("h36m_17")


def person():
    """A figure of 1.7 m that sways, (t, 17, 3), z up."""
    generator = torch.Generator().manual_seed(0)
    rest = torch.rand(17, 3, generator=generator) * torch.tensor([0.8, 0.6, 1.7])
    sway = 0.1 * torch.sin(torch.arange(12) / 3)[:, None, None] * rest[None, :, 2:]
    return rest + sway * torch.tensor([1.0, 0.5, 0.0])


def motion(**changes):
    joints = person()
    valid = torch.ones(joints.shape[:2], dtype=torch.bool)
    given = PoseSequence(H36M, joints, valid, torch.arange(len(joints)), 60.0)
    return replace(given, **changes)


def evaluate(tmp_path, predicted, truth, *options):
    write(predicted, tmp_path / "predicted.npz")
    write(truth, tmp_path / "truth.npz")
    files = [str(tmp_path / "predicted.npz"), str(tmp_path / "truth.npz")]
    assert main(["evaluate", *files, "--json", str(tmp_path / "out.json"), *options]) == 0
    return json.loads((tmp_path / "out.json").read_text())


def test_a_shifted_motion_errs_only_where_nothing_is_aligned(tmp_path, capsys):
    truth = motion()
    shifted = motion(joints_world=truth.joints_world + torch.tensor([0.3, 0.4, 0.0]))
    metrics = evaluate(tmp_path, shifted, truth, "--align", "none")["metrics"]
    assert metrics["mpjpe_mm"] == pytest.approx(500, abs=0.01)
    assert metrics["p_mpjpe_mm"] == pytest.approx(0, abs=0.01)
    assert metrics["mpjve_mm"] == pytest.approx(0, abs=0.01)
    for align in ("root", "procrustes"):
        metrics = evaluate(tmp_path, shifted, truth, "--align", align)["metrics"]
        assert metrics["mpjpe_mm"] == pytest.approx(0, abs=0.01)
    assert metrics["jitter"] == pytest.approx(metrics["jitter_truth"], rel=1e-3)
    assert "jitter" in capsys.readouterr().out


def test_frames_are_joined_by_number_and_gaps_left_out(tmp_path, capsys):
    truth, late = motion(), motion(frames=torch.arange(12) + 5)
    late = replace(late, joints_world=torch.roll(truth.joints_world, -5, 0))
    report = evaluate(tmp_path, late, truth, "--format", "json")
    assert report["frames"] == 7
    assert report["metrics"]["mpjpe_mm"] == pytest.approx(0, abs=1e-3)
    assert json.loads(capsys.readouterr().out) == report


def test_other_skeletons_are_compared_by_the_joints_they_share(tmp_path):
    coco = skeleton("coco_17")
    joints = torch.rand(12, 17, 3, generator=torch.Generator().manual_seed(0))
    valid = torch.ones(12, 17, dtype=torch.bool)
    other = motion(skeleton=coco, joints_world=joints, valid=valid)
    report = evaluate(tmp_path, other, motion(), "--align", "procrustes")
    assert 0 < len(report["joints"]) < 17
    assert "left_knee" in report["joints"]


@pytest.mark.parametrize(
    ("predicted", "truth", "message"),
    [
        ({"fps": 30.0}, {}, "30 frames per second and the truth 60"),
        ({"frames": torch.arange(12) + 50}, {}, "no frame is in both"),
        ({"valid": torch.arange(17).ne(0).expand(12, 17)}, {}, "no 'pelvis' in common"),
    ],
)
def test_what_cannot_be_compared_is_one_line(tmp_path, capsys, predicted, truth, message):
    write(motion(**predicted), tmp_path / "p.npz")
    write(motion(**truth), tmp_path / "t.npz")
    assert main(["evaluate", str(tmp_path / "p.npz"), str(tmp_path / "t.npz")]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert main(["evaluate", str(tmp_path / "p.npz"), str(tmp_path / "none.npz")]) == 2
    assert "no such file" in capsys.readouterr().err
