"""`vitruve import-checkpoint`: every net with published weights, and every file that is refused."""

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from nets_golden import make_state, read_cases

from vitruve.cli import main
from vitruve.estimators import (
    DiffusionLifter,
    MaskedKeypoints,
    RayBlendLifter,
    load,
    load_estimator,
    read_statement,
)
from vitruve.estimators.published import BY_NUMBER, NORMALISERS_OF
from vitruve.nets import LIFTERS, load_official, recognise
from vitruve.nets.diffusion_schedule import schedule_tensors
from vitruve.poses import PoseBatch

HINTS = {
    "motionagformer_tcn_tiny": {"num_frames": 9},
    "motionagformer_tempadj_tiny": {"temporal_mixer": "chain"},
    "poseformerv2_9_1_3_tiny": {"num_frames": 9},
    "poseformerv2_9_3_5_tiny": {"num_frames": 9},
    "poseformerv2_tta_tiny": {"num_frames": 9},
}
"""What the shapes of some runs do not tell."""
SCHEDULES = {"d3dp": schedule_tensors()}
"""What published weights hold beside those that were learnt."""


def _published_runs():
    """Each tiny run of a published net that lifts keypoints alone, once per set of shapes."""
    found = {}
    for net in LIFTERS:
        path = Path(__file__).parent / f"golden_{net}.json"
        for name, case in (read_cases(net) if path.exists() else {}).items():
            state = {k: torch.empty(shape, device="meta") for k, shape in case["shapes"].items()}
            config = recognise(state)[1]
            if "strong" in case and config.num_joints in BY_NUMBER and config.in_channels <= 3:
                found[json.dumps(case["shapes"])] = pytest.param(
                    net, case, HINTS.get(name, {}), id=name
                )
    return list(found.values())


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run `vitruve import-checkpoint` in a folder of its own: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*args):
        code = main(["import-checkpoint", *map(str, args)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def refused(run, tmp_path):
    """Run a command that must fail in one line saying ``words``, and write nothing."""

    def refused(content, words, *args):
        path = tmp_path / "bad.bin"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        code, out, err = run("bad.bin", *args)
        assert (code, out) == (2, "")
        assert err.startswith("vitruve: ")
        assert err.count("\n") == 1
        assert len(err) < 2500
        assert words in err
        assert [p.name for p in tmp_path.iterdir()] == ["bad.bin"]

    return refused


def video_pose_3d(name="videopose3d_tiny"):
    return make_state(read_cases("video_pose_3d")[name], "strong")


@pytest.mark.parametrize(("net", "case", "hints"), _published_runs())
def test_every_published_net_comes_over_whole(net, case, hints, run, tmp_path):
    state = make_state(case, "strong", SCHEDULES.get(net))
    official = load_official(state, **hints)
    config = official.config
    checkpoint = {
        "epoch": 80,
        "random_state": np.random.RandomState(3),
        "model_pos": {f"module.{key}": value for key, value in state.items()},
    }
    torch.save(checkpoint, tmp_path / "best.bin")
    unit = () if net in NORMALISERS_OF else ("--metres-per-unit", "1")
    said = [f"{name}={value}" for name, value in hints.items()]
    code, out, err = run("best.bin", *unit, *(("--hint", *said) if said else ()))
    assert (code, err) == (0, "")
    assert out.startswith(f"{net}: ")
    assert out.endswith("best.safetensors\n")
    kept = sum(p.numel() for p in official.parameters())
    whole = kept == case["param_count"] and net not in SCHEDULES
    assert ("left out: nothing" in out) == whole
    lifter = load(tmp_path / "best.safetensors")
    assert lifter.config.net == net
    assert isinstance(lifter, DiffusionLifter) == (net == "d3dp")
    assert lifter.config.confidence == (config.in_channels == 3)
    assert lifter.skeleton.name == BY_NUMBER[config.num_joints]
    frames = official.window or official.receptive_field + 2
    x = torch.randn(2, frames, config.num_keypoints, config.in_channels)
    with torch.no_grad():
        assert torch.equal(lifter.net(x), official(x))


def p_stmo_and_its_refine_file(tmp_path):
    """The pair of files that P-STMO publishes."""
    lifter = make_state(read_cases("p_stmo")["pstmo_f9_tiny"], "strong")
    blend = make_state(read_cases("ray_blend")["pstmo_refine_official"], "strong")
    for name, state in (("no_refine", lifter), ("refine", blend)):
        torch.save({f"module.{k}": v for k, v in state.items()}, tmp_path / f"{name}.pth")
    return load_official(lifter), load_official(blend)


@pytest.mark.parametrize("root", ["placed", "label"])
def test_p_stmo_comes_with_its_refining_net(root, run, tmp_path):
    net, blend = p_stmo_and_its_refine_file(tmp_path)
    options = ("--ray-blend", "refine.pth", "--root-depth", root, "--out", "both.safetensors")
    code, out, err = run("no_refine.pth", *options)
    assert (code, err) == (0, "")
    assert out.startswith("p_stmo: ")
    assert "blended with the keypoints' rays" in out
    both = load(tmp_path / "both.safetensors")
    assert isinstance(both, RayBlendLifter)
    assert (both.config.root_depth, both.config.flip) == (root, True)
    for ours, theirs in ((both.lifter.net, net), (both.blend, blend)):
        for key, value in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[key], value)
    assert "refine.pth (SHA-256 " in read_statement(tmp_path / "both.safetensors")["card"]


def test_a_refining_net_goes_with_its_lifter_only(run, tmp_path):
    p_stmo_and_its_refine_file(tmp_path)
    d3dp = make_state(read_cases("d3dp")["d3dp_denoiser_tiny"], "w05", schedule_tensors())
    torch.save(d3dp, tmp_path / "d3dp.bin")
    sixteen = make_state(read_cases("sem_gcn")["semgcn_tiny"], "w05")
    torch.save(sixteen, tmp_path / "sixteen.pth")
    for files, words in {
        ("refine.pth",): "weights of ray_blend, which lifts nothing by itself: it goes with",
        ("no_refine.pth", "no_refine.pth"): "is blended by weights of ray_blend, but these are of",
        ("d3dp.bin", "refine.pth"): "a DiffusionLifter cannot be blended",
        ("sixteen.pth", "refine.pth"): "num_joints is 17, but the lifter says 16 joints",
        ("no_refine.pth", "none.pth"): "none.pth",
    }.items():
        blend = ("--ray-blend", files[1]) if files[1:] else ()
        code, out, err = run(files[0], *blend)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert words in err
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_masked_pre_training_becomes_the_start_of_a_lifter(run, tmp_path):
    state = make_state(read_cases("masked_pose_model")["pstmo_mae_tiny"], "strong")
    torch.save({f"module.{k}": v for k, v in state.items()}, tmp_path / "mae.pth")
    code, out, err = run("mae.pth")
    assert (code, err) == (0, "")
    assert out.startswith("masked_pose_model: ")
    assert "vitruve train RECIPE --initial" in out
    written = load_estimator(tmp_path / "mae.safetensors")
    assert isinstance(written, MaskedKeypoints)
    assert (written.keypoint_skeleton.name, written.native_fps) == ("h36m_17", 50)
    for key, value in load_official(state).state_dict().items():
        assert torch.equal(written.net.state_dict()[key], value)
    for options in (("--metres-per-unit", "1"), ("--ray-blend", "mae.pth")):
        code, out, err = run("mae.pth", *options)
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_what_shapes_cannot_tell_is_said_by_the_user(run, tmp_path):
    torch.save({"model_traj": None, "model_pos": video_pose_3d()}, tmp_path / "a.bin")
    options = ("--hint", "causal=true", "dropout=0.1", "--keypoint-skeleton", "coco_17")
    code, out, _ = run("a.bin", *options, "--part", "model_pos", "--out", "b.safetensors")
    assert code == 0
    assert "causal True" in out
    lifter = load(tmp_path / "b.safetensors")
    assert lifter.config.net_config.causal
    assert lifter.config.net_config.dropout == 0.1
    assert lifter.keypoint_skeleton.name == "coco_17"
    assert lifter.native_fps == 50


def test_other_joints_need_a_stated_unit(run, refused, tmp_path):
    options = ("--skeleton", "mpi_inf_3dhp_17", "--keypoint-skeleton", "mpi_inf_3dhp_17")
    refused(video_pose_3d(), "known for Human3.6M joints only, not for 'mpi_inf", *options)
    code, out, _ = run("bad.bin", *options, "--metres-per-unit", "0.001", "--fps", "25")
    assert code == 0
    assert "units of 0.001 m" in out
    lifter = load(tmp_path / "bad.safetensors")
    batch = PoseBatch(
        keypoint_skeleton=lifter.keypoint_skeleton,
        keypoints_px=500 * torch.rand(1, 40, 17, 2),
        keypoints_valid=torch.ones(1, 40, 17, dtype=torch.bool),
        confidence=torch.ones(1, 40, 17),
        image_size_px=torch.tensor([[1000.0, 1000.0]]),
    )
    plain = replace(lifter.config, metres_per_unit=1.0)
    twin = type(lifter)(plain).eval()
    twin.load_state_dict(lifter.state_dict())
    torch.testing.assert_close(lifter(batch).joints_cam, twin(batch).joints_cam / 1000)
    assert lifter.native_fps == 25


def test_an_unknown_unit_is_refused(refused):
    state = make_state(read_cases("simple_baseline")["simplebaseline_tiny"], "w05")
    refused(state, "the unit of simple_baseline weights is not known")
    refused(state, "must be above 0, got -1", "--metres-per-unit", "-1")


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_files(refused, tmp_path, legacy, share):
    path = tmp_path / "bad.bin"
    torch.save(video_pose_3d(), path, _use_new_zipfile_serialization=not legacy)
    content = path.read_bytes()
    refused(content[: int(share * len(content))], "not a readable PyTorch checkpoint")


class _Malicious:
    def __reduce__(self):
        return os.mkdir, ("owned",)


def test_code_inside_is_never_run(refused, run, tmp_path):
    refused(pickle.dumps(_Malicious()), "not a readable PyTorch checkpoint")
    refused({"model_pos": _Malicious()}, "no state dict in this checkpoint")
    torch.save({"optimizer": _Malicious(), "model_pos": video_pose_3d()}, tmp_path / "bad.bin")
    assert run("bad.bin")[0] == 0
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: {"a": torch.zeros(2)}, "no lifter has the keys a; the known ones are"),
        (lambda s: s | {"extra": torch.zeros(2)}, "no rule for official key 'extra'"),
        (lambda s: {k: v for k, v in s.items() if k != "shrink.bias"}, "Missing key(s)"),
        (lambda s: s | {"shrink.bias": torch.zeros(7)}, "size mismatch for shrink.bias"),
        (lambda s: s | {"expand_conv.weight": torch.zeros(4)}, "no size of it can be read"),
        (lambda s: s | {"expand_conv.weight": torch.zeros(20_000, 34, 3)}, "sizes ask for"),
        (lambda s: {"epoch": 3}, "no state dict in this checkpoint"),
    ],
)
def test_other_weights(refused, change, words):
    refused(change(video_pose_3d()), words)


def test_weights_of_another_net_under_our_keys(refused):
    mixste = make_state(read_cases("mixste")["mixste_tiny"], "w05")
    del mixste["Temporal_pos_embed"]
    refused(mixste, "the keys are those of mixste, but no size of it can be read")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--part", "model_traj"), "no weights under 'model_traj'"),
        (("--skeleton", "h36m_16"), "the net has 17 joints, but 'h36m_16' has 16"),
        (("--skeleton", "h36m_71"), "no skeleton 'h36m_71'"),
        (("--hint", "depth=3"), "has no field 'depth'"),
        (("--hint", "causal=maybe"), "causal must be of type bool, got 'maybe'"),
        (("--hint", "causal"), "must be NAME=VALUE"),
        (("--hint", "channels=32"), "size mismatch"),
        (("--hint", "channels=1000000"), "sizes ask for"),
        (("--out", "nowhere/a.safetensors"), "No such file or directory"),
    ],
)
def test_wrong_options(refused, options, words):
    refused(video_pose_3d(), words, *options)


def test_a_net_that_places_the_root_is_no_lifter(refused):
    traj = video_pose_3d("videopose3d_traj_tiny")
    refused({"model_traj": traj}, "these weights say one joint", "--part", "model_traj")


def test_no_file(run):
    code, _, err = run("none.bin")
    assert code == 2
    assert "none.bin" in err
