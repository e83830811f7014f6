"""Recipes: every one can be built, described and read back; the CLI trains them."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from rich.console import Console

from vitruve.benchmarks.provenance import commit
from vitruve.cli import main
from vitruve.data.sequences.clip import MotionSequence
from vitruve.estimators import DiffusionLifter, DiffusionLifterConfig, load_estimator
from vitruve.estimators.saved import read_statement
from vitruve.io.dataclass_json import config_from_dict
from vitruve.nets import D3DPConfig, SimpleBaselineConfig
from vitruve.recipes import RECIPES, Run
from vitruve.recipes.sources import adults, cmu_lift, motion
from vitruve.recipes.sources.motion import MotionSource, MotionSourceConfig
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig

TOY = "toy.synthetic.simple_baseline.position"
H36M = skeleton("h36m_17")


def standing_people(joints_of=H36M):
    """Two short clips of a person of 1.6 metres swaying on the spot."""
    rng = np.random.default_rng(0)
    rest = rng.uniform((-0.3, -0.2, 0.0), (0.3, 0.2, 1.6), (joints_of.num_joints, 3))
    rest[0] = (0.0, 0.0, 0.9)
    sway = 0.1 * np.sin(np.arange(90) / 9)[:, None, None] * rest[None, :, 2:]
    joints = (rest + sway * (1.0, 0.0, 0.0)).astype(np.float32)
    valid = np.ones(joints.shape[:2], bool)
    return [
        MotionSequence(split, "", "sway", split, joints_of, 60.0, joints, valid)
        for split in ("train", "test")
    ]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_round_trips_through_json(name):
    run = RECIPES[name]
    assert config_from_dict(Run, json.loads(json.dumps(asdict(run)))) == run
    assert name.count(".") == 3


ELSEWHERE = ("formats", "pictures", "recorded")
"""Sources whose recipes train two steps in tests of their own."""


@pytest.mark.parametrize(
    "name", [name for name, run in RECIPES.items() if run.source not in ELSEWHERE]
)
def test_every_recipe_trains_two_steps(name, tmp_path, monkeypatch, studio_folder, dogs_folder):
    if "gpu" in name:
        with torch.device("meta"):
            RECIPES[name].build()
        return
    monkeypatch.setattr(motion, "read_motion", lambda data: standing_people())
    people = {s.name: s for s in standing_people()}
    monkeypatch.setattr(cmu_lift, "read_clips", lambda data, wanted: people)
    monkeypatch.setattr(adults.cmu_archive, "read", lambda *args, **kwargs: iter(()))
    monkeypatch.setattr(adults, "to_adults", lambda *views: standing_people(adults.JOINTS)[:1])
    run = RECIPES[name]
    train = replace(
        run.train, steps=2, batch_size=2, accelerator="cpu", out=str(tmp_path), evaluate_every=0
    )
    studio = dogs_folder if ".dog." in name else studio_folder
    data = studio if run.source == "studio" else tmp_path
    result = replace(run, train=train).start(data, console=Console(quiet=True))
    assert result.finished
    again = load_estimator(result.weights)
    assert (result.figures.get("mpjpe_mm", 0) > 0) == again.says_joints
    assert again.config == run.estimator_config


def test_validation_shows_no_labels_to_an_estimator_that_trains_on_them(tmp_path, monkeypatch):
    people = {s.name: s for s in standing_people()}
    monkeypatch.setattr(cmu_lift, "read_clips", lambda data, wanted: people)
    config, train = cmu_lift.CmuLiftSourceConfig(window=3), TrainConfig(batch_size=2)
    source = cmu_lift.CmuLiftSource(config, train, tmp_path)
    net = D3DPConfig(17, 17, num_frames=3, channels=8, depth=1, num_heads=2)
    lifter = DiffusionLifter(DiffusionLifterConfig(H36M, H36M, "d3dp", net, num_steps=1)).eval()
    assert source.evaluate(lifter) == source.evaluate(lifter)
    assert source.evaluate(lifter)["mpjpe_mm"] > 0


def test_the_published_sizes():
    def count(name):
        with torch.device("meta"):
            return sum(p.numel() for p in RECIPES[name].build()[0].parameters())

    assert count("lifters.cmu.video_pose_3d.t243_gpu") == 16_952_371
    assert RECIPES["lifters.cmu.simple_baseline.gpu"].estimator_config.net_config == (
        SimpleBaselineConfig(17, 17)
    )


def test_motion_batches_split_between_processes(monkeypatch):
    monkeypatch.setattr(motion, "read_motion", lambda data: standing_people())
    source = MotionSource(MotionSourceConfig(window=5), TrainConfig(batch_size=6), None)
    assert source.batch_at(0).keypoints_px.shape == (6, 5, 17, 2)
    assert source.batch_at(0, 1, 2).keypoints_px.shape == (3, 5, 17, 2)
    assert not torch.equal(source.batch_at(0, 0, 2).joints_cam, source.batch_at(0, 1, 2).joints_cam)


def test_a_split_without_motion_is_named(monkeypatch):
    monkeypatch.setattr(motion, "read_motion", lambda data: standing_people()[:1])
    with pytest.raises(
        ValueError, match=r"no sequence of split 'test'; its splits are \['train'\]"
    ):
        MotionSource(MotionSourceConfig(), TrainConfig(), None)


def test_command_line_trains_resumes_and_refuses(tmp_path, capsys):
    arguments = [
        "train",
        TOY,
        "--train.steps",
        "2",
        "--train.batch-size",
        "4",
        "--train.out",
        str(tmp_path),
    ]
    assert main(arguments) == 0
    assert "trained 2 steps, mpjpe_mm" in capsys.readouterr().out
    assert main([*arguments, "--train.seed", "1"]) == 2
    assert "another run (run.train.seed was 0, now 1)" in capsys.readouterr().err


def test_command_line_help(capsys):
    assert main(["train", "--help"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in RECIPES)
    assert main(["train", TOY, "--help"]) == 0
    assert "--train.learning-rate" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "unknown recipe 'nope'; there are "),
        ([TOY, "--train.steps", "0"], "steps must be 1 or more"),
        (["lifters.cmu.video_pose_3d.t27_cpu"], "mocap.cs.cmu.edu"),
        (["lifters.cmu.video_pose_3d.t27_cpu", "--data", "/nowhere"], "no motion at /nowhere"),
    ],
)
def test_command_line_errors_are_one_message(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("VITRUVE_MOTION", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_every_ablation_of_prml_is_a_run_of_its_own():
    runs = {name: run for name, run in RECIPES.items() if name.startswith("prml.")}
    bare = [replace(run, train=replace(run.train, out=""), summary="") for run in runs.values()]
    assert len({json.dumps(asdict(run), sort_keys=True) for run in bare}) == len(runs)
    full = runs["prml.cmu.prml.full_gpu"]
    assert full.terms.keys() == {"position", "temporal", "information"}
    with torch.device("meta"):
        assert sum(p.numel() for p in full.build()[0].parameters()) == 13_000_327
    assert "information" not in runs["prml.cmu.prml.branches_cpu"].terms
    assert runs["prml.cmu.mixste.split_cpu"].terms["position"].objective == "task_position"


def test_trained_weights_state_their_commit(tmp_path):
    run = RECIPES[TOY]
    train = replace(run.train, steps=1, accelerator="cpu", out=str(tmp_path))
    result = replace(run, train=train).start(console=Console(quiet=True))
    assert read_statement(result.weights)["commit"] == commit()
