"""Studies find what was put in, and draw it."""

import json
import math
import statistics
from pathlib import Path

import pytest
import torch
from cmu_samples import CLIPS, H36M, write_archive
from study_samples import Follower, Oracle, TwoTasks, check_pictures, material, measure

from vitruve.benchmarks import CmuLift, Row, cmu_lift, record
from vitruve.benchmarks.studies import (
    STUDIES,
    CmuMotion,
    Finding,
    as_table,
    figure,
    motion,
    write_report,
)
from vitruve.benchmarks.studies.axes import GROUPS
from vitruve.benchmarks.studies.features import TASKS
from vitruve.estimators import Lifter, LifterConfig
from vitruve.nets import SimpleBaselineConfig


@pytest.fixture
def archive(tmp_path, monkeypatch):
    for module in (cmu_lift, motion):
        monkeypatch.setattr(module, "clips", lambda *sets: CLIPS)
    return write_archive(tmp_path / "motion.npz")


@pytest.fixture
def seen(archive):
    return CmuMotion(archive)


@pytest.fixture
def lifter():
    torch.manual_seed(0)
    net = SimpleBaselineConfig(17, 17, width=8)
    return Lifter(LifterConfig(H36M, H36M, "simple_baseline", net))


def test_noise_raises_the_error_by_what_the_model_lets_through(seen, tmp_path):
    given = material(seen, Oracle(), Follower())
    study, (blind, follower) = measure("noise", given, sigmas_px=(0.0, 1.0, 2.0), flip=False)
    assert [row["increase_mm"] for row in blind.rows] == [0, 0, 0]
    assert [row["mpjpe_mm"] for row in blind.rows] == pytest.approx([0, 0, 0], abs=1e-3)
    none, one, two = (row["mpjpe_mm"] for row in follower.rows)
    assert none == pytest.approx(0, abs=1e-3)
    # The root is moved too and subtracted: the mean of a Rayleigh variable of sqrt(2) px, 0 there.
    assert one == pytest.approx(math.sqrt(2) * math.sqrt(math.pi / 2) * 16 / 17, rel=0.05)
    assert two == pytest.approx(2 * one, rel=1e-3)
    assert follower.rows[2]["increase_mm"] == follower.metrics["increase_2px_mm"] == two - none
    check_pictures(study, [blind, follower], tmp_path)


def test_noise_of_the_benchmark_gives_its_score(archive, seen, lifter, tmp_path):
    benchmark = CmuLift(archive)
    _, (finding,) = measure("noise", material(seen, lifter), sigmas_px=(0.0, 5.0))
    for keypoints, row in zip(("gt", "noisy"), finding.rows, strict=True):
        score = benchmark.score(benchmark.predict(lifter, tmp_path / "p.npz", keypoints))
        expected = score["sets"]["subject"]["metrics"]["mpjpe_mm"]
        assert row["mpjpe_mm"] == pytest.approx(expected, rel=1e-6)


def test_a_shift_in_depth_is_seen_in_depth_alone(seen, tmp_path):
    given = material(seen, Oracle((0.0, 0.0, 0.01)))
    study, (finding,) = measure("axes", given)
    for row in finding.rows:
        # The root never errs: with it, the mean is over 17 joints of which 16 are off.
        expected = 10 if row["joints"] in GROUPS else 10 * 16 / 17
        assert row["z_mm"] == pytest.approx(expected, abs=1e-3)
        assert row["mpjpe_mm"] == pytest.approx(expected, abs=1e-3)
        assert max(row["x_mm"], row["y_mm"], row["xy_mm"]) < 1e-3
    assert {row["action"] for row in finding.rows} == {"mean of actions", "hop", "walk"}
    assert finding.metrics["wrists_z_mm"] == pytest.approx(10, abs=1e-3)
    joints = [j for group in GROUPS.values() for j in group]
    assert sorted(joints) == sorted(n for n in H36M.names if n != "pelvis")
    check_pictures(study, [finding, finding], tmp_path)


def test_pckh_of_the_truth_is_100_and_of_what_is_far_off_0(seen, tmp_path):
    given = material(seen, Oracle(), Oracle((3.0, 0.0, 0.0)))
    study, (right, wrong) = measure("pckh", given, keypoints="noisy", flip=False)
    assert [row["pckh"] for row in right.rows] == [100] * 17
    assert [row["pckh"] for row in wrong.rows] == [0] * 17
    assert 50 < right.metrics["input_pckh"] == wrong.metrics["input_pckh"] <= 100
    assert "pelvis" not in {row["joint"] for row in right.rows}
    check_pictures(study, [right, wrong], tmp_path)


def test_pckh_moves_with_depth_along_the_ray_only(seen):
    """A shift towards the camera moves what is off the optical axis, seen through the lens."""
    near = measure("pckh", material(seen, Oracle((0.0, 0.0, 0.01))))[1][0]
    far = measure("pckh", material(seen, Oracle((0.0, 0.0, 4.0))))[1][0]
    assert near.metrics["pckh"] == 100
    assert far.metrics["pckh"] < 60


def test_features_of_two_tasks_are_told_apart(seen, tmp_path):
    study, (finding,) = measure("features", material(seen, TwoTasks()), points=70)
    assert len(finding.rows) == finding.metrics["points"] == 2 * 34
    assert finding.metrics["task_silhouette"] > 0.8
    assert [row["task"] for row in finding.rows] == [task for task in TASKS for _ in range(34)]
    assert {r["action"] for r in finding.rows} == {"walk", "hop"}
    assert {r["joint"] for r in finding.rows} == set(H36M.names)
    again = measure("features", material(seen, TwoTasks()), points=70)[1][0]
    assert again.rows == finding.rows
    check_pictures(study, [finding], tmp_path)


def test_features_need_a_net_that_has_them(seen, lifter):
    with pytest.raises(ValueError, match="m0 gives no features by task"):
        measure("features", material(seen, lifter))
    with pytest.raises(ValueError, match="60 points are too few: t-SNE needs more than 60"):
        measure("features", material(seen, TwoTasks()), points=60)
    slow = TwoTasks()
    slow.receptive_field = 13
    with pytest.raises(ValueError, match="no clip has the 13 frames"):
        measure("features", material(seen, slow))


def test_cost_of_weights_and_of_published_nets(lifter, tmp_path):
    study, (own,) = measure("cost", material(None, lifter), repeats=1, frames=3)
    assert own.metrics["parameters"] == sum(p.numel() for p in lifter.parameters())
    # Two residual blocks of two layers, 8 wide, between 34 numbers and 51.
    assert own.metrics["macs_per_frame"] == 34 * 8 + 4 * 8 * 8 + 8 * 51
    assert own.metrics["macs_per_clip"] == 3 * own.metrics["macs_per_frame"]
    assert own.metrics["frames_per_second"] > 0
    nets = ("simple_baseline", "video_pose_3d")
    _, published = measure("cost", material(None), repeats=1, frames=1, nets=nets)
    assert [f.model for f in published] == list(nets)
    assert published[0].metrics["parameters"] == 4296755
    check_pictures(study, [own, *published], tmp_path)


def test_cost_counts_nets_alone():
    with pytest.raises(ValueError, match="m0 is a Oracle; only a plain Lifter"):
        measure("cost", material(None, Oracle()))
    with pytest.raises(KeyError, match=r"unknown net 'nope'; there are .*simple_baseline"):
        measure("cost", material(None), nets=("nope",))
    with pytest.raises(ValueError, match="repeats is 0; it must be 1 or more"):
        measure("cost", material(None), repeats=0)


def test_the_leaderboard_joins_seeds_and_sizes(tmp_path):
    for run, seed, error in (
        ("a.b.net.small", 0, 51.0),
        ("a.b.net.small", 1, 53.0),
        ("x", 0, 40.0),
    ):
        metrics = {"mpjpe_mm": error, "mpjve_mm": 5.0}
        record(Row(run, seed, "cpu", "cmu gt", metrics, "", 0.0), "lifters_cmu", tmp_path)
    size = {"parameters": 1_000_000, "macs_per_frame": 2e6}
    record(Row("a.b.net.small", 0, "cpu", "cost", size, "", 0.0), "lifters_studies", tmp_path)
    study, (first, second) = measure("leaderboard", material(None, results=tmp_path))
    assert (first.model, first.metrics) == ("x", {"seeds": 1, "mpjpe_mm": 40, "mpjve_mm": 5})
    assert second.metrics["mpjpe_mm"] == 52
    assert second.metrics["mpjpe_std_mm"] == pytest.approx(math.sqrt(2))
    assert second.metrics["parameters"] == 1_000_000
    assert as_table(study, [first, second]).splitlines()[2:] == [
        "| `x` | 1 | 40.0 |  | 5.00 |  |  |",
        "| `a.b.net.small` | 2 | 52.0 | 1.41 | 5.00 | 1,000,000 | 2,000,000 |",
    ]
    files = check_pictures(study, [first, second], tmp_path / "out")
    document = json.loads(files[0].read_text())
    assert {"study", "command", "commit", "machine", "findings"} <= set(document)
    assert files[1].read_text().splitlines()[0] == "model,seed,mpjpe_mm,mpjve_mm"
    with pytest.raises(
        ValueError, match=r"lifters_cmu\.json has no run on 'cmu gt' with a name like q"
    ):
        measure("leaderboard", material(None, results=tmp_path), prefix=("q",))


def test_pairs_are_of_one_net_one_kind_and_one_seed(tmp_path):
    known = {
        ("a.net.baseline", 0): 100.0,
        ("a.net.baseline", 1): 50.0,
        ("a.net.baseline_labels_1", 0): 200.0,
        ("a.net.graph", 0): 99.0,
        ("a.net.graph", 1): 51.0,
        ("a.net.graph_labels_1", 0): 190.0,
        ("a.net.graph_nce", 0): 1.0,
        ("a.other.graph", 0): 1.0,
    }
    for (run, seed), error in known.items():
        metrics = dict.fromkeys(("mpjpe_mm", "p_mpjpe_mm", "lse", "lle", "bsle"), error)
        record(Row(run, seed, "cpu", "cmu gt", metrics, "", 0.0), "scotl_cmu", tmp_path)
    study, found = measure("paired", material(None, results=tmp_path), variants=("graph",))
    metrics = found[0].metrics
    assert metrics["pairs"] == 3
    assert metrics["lse_percent"] == pytest.approx((-1 + 2 - 5) / 3)
    assert metrics["lse_error"] == pytest.approx(statistics.stdev((-1, 2, -5)) / math.sqrt(3))
    assert metrics["lse_lower"] == 2
    check_pictures(study, found, tmp_path / "out")
    with pytest.raises(
        ValueError, match=r"scotl_cmu\.json has 0 pairs on 'cmu gt' that all .*graph 3, mlp 0"
    ):
        measure("paired", material(None, results=tmp_path), variants=("graph", "mlp"))


def test_numbers_that_could_not_be_measured_are_null(tmp_path):
    build, config = STUDIES["noise"]
    rows = [{"sigma_px": s, "mpjpe_mm": math.nan, "increase_mm": math.nan} for s in (0.0, 1.0)]
    finding = Finding("none", {"mpjpe_mm": math.nan}, rows)
    files = write_report(tmp_path, "it", build(config()), [finding], {})
    assert json.loads(files[0].read_text())["findings"][0]["metrics"] == {"mpjpe_mm": None}
    assert files[2].read_text().endswith("| `none` |  |\n")


@pytest.mark.parametrize("sigmas", [(1.0, 2.0), (0.0,), (0.0, 2.0, 2.0)])
def test_noise_begins_with_none_and_rises(sigmas):
    with pytest.raises(ValueError, match="must begin with 0, which the others are compared with"):
        measure("noise", material(None), sigmas_px=sigmas)


def test_every_study_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "studies.md").read_text("utf-8")
    assert all(f"## {name}\n" in page for name in STUDIES)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(figure, "find_spec", lambda name: None if name == "sklearn" else name)
    figure.check_plots()
    with pytest.raises(ImportError, match=r"need sklearn: pip install 'vitruve\[plots\]'"):
        figure.check_plots(("sklearn",))


def test_looks_differ():
    assert len({(figure.Look(i).colour, figure.Look(i).marker) for i in range(40)}) == 40
