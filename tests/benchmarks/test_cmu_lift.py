"""CMU-Lift scores what it is given: nothing, a known shift, a net, or hostile files."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from cmu_samples import CLIPS, FRAMES, H36M, write_archive

from vitruve.benchmarks import BENCHMARKS, CmuLift, cmu_lift, write_predictions
from vitruve.benchmarks.cmu_clips import TEST_SETS, clips, read_clips
from vitruve.benchmarks.cmu_views import KEYPOINTS
from vitruve.benchmarks.predictions import read_predictions, write_arrays
from vitruve.estimators import Lifter, LifterConfig
from vitruve.nets import SimpleBaselineConfig, VideoPose3DConfig
from vitruve.skeletons import Skeleton, skeleton


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    monkeypatch.setattr(cmu_lift, "clips", lambda *sets: CLIPS)
    return CmuLift(write_archive(tmp_path / "motion.npz"))


@pytest.fixture
def perfect(benchmark, tmp_path):
    """Predictions that are the truth."""
    net = SimpleBaselineConfig(17, 17, width=8)
    file = tmp_path / "perfect.npz"
    benchmark.predict(Lifter(LifterConfig(H36M, H36M, "simple_baseline", net)), file)
    truth = np.concatenate([v.batch.joints_cam[0].numpy() for v in benchmark.views("gt")])
    predictions = replace(read_predictions(file), joints_cam=truth)
    write_predictions(predictions, file)
    return predictions


def test_the_truth_scores_zero_whatever_its_place_and_order(benchmark, perfect, tmp_path):
    order = np.random.default_rng(0).permutation(len(perfect.clip))
    shuffled = replace(
        perfect,
        clip=perfect.clip[order],
        camera=perfect.camera[order],
        frame=perfect.frame[order],
        joints_cam=perfect.joints_cam[order] + np.float32(0.25),
    )
    score = benchmark.score(write_predictions(shuffled, tmp_path / "p.npz"))
    assert set(score["sets"]) == {"subject", "action"}
    for part in score["sets"].values():
        symmetry = part["metrics"].pop("lse")
        assert symmetry > 0  # made-up people have uneven limbs
        assert part["metrics"].pop("true_lse") == pytest.approx(symmetry, abs=1e-3)
        assert max(part["metrics"].values()) < 1e-3
    assert set(score["sets"]["subject"]["actions"]) == {"walk", "hop"}
    assert score["sets"]["subject"]["frames"] == 2 * 4 * FRAMES


def test_a_known_error_comes_out(benchmark, perfect, tmp_path):
    joints = perfect.joints_cam.copy()
    joints[perfect.clip == "a_walk", 13, 0] += 0.17
    score = benchmark.score(write_predictions(replace(perfect, joints_cam=joints), tmp_path / "p"))
    subject = score["sets"]["subject"]
    assert subject["actions"]["walk"]["mpjpe_mm"] == pytest.approx(10, abs=1e-3)
    assert subject["metrics"]["mpjpe_mm"] == pytest.approx(5, abs=1e-3)
    assert subject["frame_metrics"]["mpjpe_mm"] == pytest.approx(5, abs=1e-3)
    assert subject["metrics"]["mpjve_mm"] == pytest.approx(0, abs=1e-3)
    assert score["sets"]["action"]["metrics"]["mpjpe_mm"] == pytest.approx(0, abs=1e-3)


def test_one_set_alone_is_scored(benchmark, perfect, tmp_path):
    keep = perfect.clip == "c_wash"
    part = replace(
        perfect,
        clip=perfect.clip[keep],
        camera=perfect.camera[keep],
        frame=perfect.frame[keep],
        joints_cam=perfect.joints_cam[keep],
    )
    score = benchmark.score(write_predictions(part, tmp_path / "p.npz"))
    assert list(score["sets"]) == ["action"]


@pytest.mark.parametrize("keypoints", KEYPOINTS)
def test_a_strided_net_predicts_every_frame_and_says_who_it_is(benchmark, keypoints, tmp_path):
    net = VideoPose3DConfig(17, 17, widths=(3, 3), channels=8, strided=True)
    estimator = Lifter(LifterConfig(H36M, H36M, "video_pose_3d", net))
    file = benchmark.predict(estimator, tmp_path / "p.npz", keypoints, model="tiny")
    score = benchmark.score(file)
    assert (score["model"], score["keypoints"]) == ("tiny", keypoints)
    assert score["sets"]["subject"]["metrics"]["mpjpe_mm"] > 50


def test_estimators_of_other_skeletons_are_converted_or_refused(benchmark, tmp_path):
    reads, says = skeleton("coco_17"), skeleton("smpl_24")
    net = SimpleBaselineConfig(17, 24, width=8)
    converted = Lifter(LifterConfig(says, reads, "simple_baseline", net))
    score = benchmark.score(benchmark.predict(converted, tmp_path / "p.npz"))
    assert score["sets"]["subject"]["metrics"]["mpjpe_mm"] > 50
    legs = Skeleton("legs", ("pelvis", "left_knee", "right_knee"), (-1, 0, 0))
    net = SimpleBaselineConfig(17, 3, width=8)
    with pytest.raises(ValueError, match=r"'legs' has nothing .* right_hip, .* and 6 more$"):
        benchmark.predict(Lifter(LifterConfig(legs, H36M, "simple_baseline", net)), "p.npz")


def test_views_are_the_same_every_time_and_noise_is_as_stated(benchmark):
    exact, first, second = (
        torch.cat([v.batch.keypoints_px[0] for v in benchmark.views(k)])
        for k in ("gt", "noisy", "noisy")
    )
    assert torch.equal(first, second)
    assert (first - exact).std().item() == pytest.approx(5, rel=0.05)
    assert all(v.scored.all() for v in benchmark.views("gt"))


def test_export_gives_another_system_all_it_needs(benchmark, tmp_path):
    file = np.load(benchmark.export(tmp_path / "in.npz", "gt"))
    n = len(CLIPS) * 4 * FRAMES
    assert file["keypoints_px"].shape == (n, 17, 2)
    assert file["clip"].shape == file["camera"].shape == file["frame"].shape == (n,)
    assert file["intrinsics"].shape == (len(CLIPS) * 4, 3, 3)
    assert json.loads(str(file["meta"]))["fps"] == 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame": lambda a: np.where(a == 3, 4, a)}, "camera 0: frame 3 is missing"),
        ({"frame": lambda a: np.where(a == 3, 999, a)}, "frame 3 is missing"),
        ({"camera": lambda a: np.where(a == 3, 4, a)}, r"is no \(clip, camera\) of CMU-Lift"),
        ({"clip": lambda a: np.where(a == "b_hop", "a_walk", a)}, "'b_hop', camera 0 is missing"),
        ({"joints_cam": lambda a: a[:, :16]}, "16 joints, h36m_17 has 17"),
        ({"joints_cam": lambda a: np.where(a > 0, np.nan, a)}, "not finite in row 0"),
        ({"joints_cam": lambda a: a[:5]}, "expected kind 'f' and shape"),
        ({"meta": lambda m: m | {"benchmark": "other"}}, "benchmark is 'other', expected"),
        ({"meta": lambda m: m | {"skeleton": "coco_17"}}, "skeleton is 'coco_17', expected"),
        ({"meta": lambda m: {}}, "`meta` must be JSON text with benchmark"),
    ],
)
def test_wrong_files_are_one_line(benchmark, perfect, tmp_path, change, message):
    content = {name: getattr(perfect, name) for name in ("clip", "camera", "frame", "joints_cam")}
    content |= {"meta": perfect.meta}
    content |= {name: fn(content[name]) for name, fn in change.items()}
    file = tmp_path / "p.npz"
    write_arrays(file, **content)
    with pytest.raises(ValueError, match=message):
        benchmark.score(file)


def test_hostile_files_are_refused(benchmark, tmp_path):
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, clip=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="pickled Python objects"):
        benchmark.score(pickled)
    lacking = tmp_path / "lacking.npz"
    np.savez(lacking, clip=np.array(["a"]))
    with pytest.raises(ValueError, match="no array 'camera'"):
        benchmark.score(lacking)
    text = tmp_path / "text.npz"
    text.write_text("hello")
    with pytest.raises(ValueError, match="not a readable npz"):
        benchmark.score(text)


def test_an_archive_without_the_clips_is_refused(tmp_path):
    archive = write_archive(tmp_path / "motion.npz", ("a_walk",))
    with pytest.raises(ValueError, match=r"lacks 41 of 41 clips of CMU-Lift, first '03_01'"):
        BENCHMARKS["cmu_lift"](archive)
    longer = tuple(replace(c, frames=99) for c in CLIPS[:1])
    with pytest.raises(ValueError, match="has 12 frames, CMU-Lift's has 99"):
        read_clips(archive, longer)


def test_the_split_keeps_its_promises():
    every = clips("train", "validation", *TEST_SETS)
    assert Counter(c.set for c in every) == {
        "train": 166,
        "validation": 3,
        "subject": 10,
        "action": 23,
        "avatar": 8,
    }
    assert len({c.name for c in every}) == len(every)
    learnt = {c.subject for c in clips("train")}
    assert not learnt & {c.subject for c in clips("subject", "avatar", "validation")}
    assert not any("retargeted" in c.skeleton for c in clips("subject", "action"))
    assert {c.rig for c in clips(*TEST_SETS)} == {"S9", "S11"}
