"""The benchmark on Studio: the truth, known errors, modes, and files of others."""

import numpy as np
import pytest
import torch

from vitruve.benchmarks import BENCHMARKS, write_predictions
from vitruve.benchmarks.predictions import Predictions, write_arrays
from vitruve.estimators import (
    ConstantPose,
    ConstantPoseConfig,
    HeatmapDetector,
    HeatmapDetectorConfig,
)
from vitruve.nets.heatmap_head import HeatmapHeadConfig
from vitruve.nets.res_net import ResNetConfig

MODES = ("first", "confidence", "sample-best", "joint-best")


@pytest.fixture(scope="module")
def benchmark(studio_folder):
    return BENCHMARKS["studio"](studio_folder)


def truth(benchmark):
    batches = [view.batch for view in benchmark.views("pictures")]
    joints = torch.cat([b.joints_cam[:, 0] for b in batches])
    points = torch.cat([b.keypoints_px[:, 0] for b in batches])
    return joints.numpy(), points.numpy()


def meta(benchmark):
    about = {"benchmark": benchmark.name, "keypoints": "pictures"}
    about["skeleton"] = benchmark.skeleton.name
    return about | {"model": "oracle", "commit": "none"}


def write(benchmark, path, joints, **extra):
    clip, camera, frame = benchmark._rows()
    arrays = {"clip": clip, "camera": camera, "frame": frame, "joints_cam": joints}
    write_arrays(path, meta(benchmark), **arrays, **extra)
    return path


def metrics(benchmark, path):
    return benchmark.score(path)["sets"]["test"]["metrics"]


def test_the_truth_scores_zero_whatever_the_order(benchmark, tmp_path):
    joints, _ = truth(benchmark)
    clip, camera, frame = benchmark._rows()
    order = np.random.default_rng(0).permutation(len(clip))
    rows = clip[order], camera[order], frame[order], joints[order]
    path = write_predictions(Predictions(*rows, meta(benchmark)), tmp_path / "p.npz")
    found = metrics(benchmark, path)
    assert found["mpjpe_mm"] == pytest.approx(0, abs=1e-3)
    assert found["p_mpjpe_mm"] == pytest.approx(0, abs=1e-3)
    assert not any(mode in name for name in found for mode in MODES[1:])
    for name in ("bone_length_ratio", "depth_spread_ratio"):
        assert found[name] == pytest.approx(1, abs=1e-5)


def test_answers_that_are_timid_have_short_bones_and_depths_alike(benchmark, tmp_path):
    joints, _ = truth(benchmark)
    root = joints[:, :1]
    near = root + 0.5 * (joints - root)
    found = metrics(benchmark, write(benchmark, tmp_path / "near.npz", near))
    assert found["bone_length_ratio"] == pytest.approx(0.5, abs=1e-4)
    assert found["depth_spread_ratio"] == pytest.approx(0.5, abs=1e-4)
    flat = joints.copy()
    flat[..., 2] = root[..., 2]
    found = metrics(benchmark, write(benchmark, tmp_path / "flat.npz", flat))
    assert found["depth_spread_ratio"] == pytest.approx(0, abs=1e-6)
    assert 0.3 < found["bone_length_ratio"] < 1


def test_modes_say_what_they_know(benchmark, tmp_path):
    joints, points = truth(benchmark)
    mirror = list(benchmark.skeleton.mirror_index)
    wrong = joints + np.float32(0.1) * np.random.default_rng(0).standard_normal(
        joints.shape, np.float32
    )
    hypotheses = np.stack([wrong, joints[:, mirror]], axis=1)
    confidence = np.tile(np.float32([0.2, 0.8])[:, None], (len(joints), 1, 18))
    confidence[:, 0, :9] = 0
    said = points + np.float32([3.0, 4.0])
    path = write(
        benchmark,
        tmp_path / "p.npz",
        wrong,
        hypotheses=hypotheses,
        confidence=confidence,
        keypoints_px=said,
    )
    found = metrics(benchmark, path)
    assert found["mpjpe_mm.confidence.sample"] == pytest.approx(0, abs=1e-3)
    assert found["mpjpe_mm.confidence.none"] > 10
    assert found["mpjpe_mm.joint-best.none"] <= found["mpjpe_mm.sample-best.none"]
    assert found["mpjpe_mm.sample-best.none"] <= found["mpjpe_mm"]
    assert found["hypotheses_per_joint"] == pytest.approx(1.5)
    assert found["keypoint_error"] == pytest.approx(100 * 5 / 32, rel=1e-3)
    for part in ("legs", "arms", "trunk"):
        assert found[f"keypoint_error.{part}"] == pytest.approx(100 * 5 / 32, rel=1e-3)
    assert found["ambiguity_ratio"] < 50


def test_views_that_disagree_are_ambiguous(benchmark, tmp_path):
    joints, points = truth(benchmark)
    mirror = list(benchmark.skeleton.mirror_index)
    points = points.copy()
    plain = write(benchmark, tmp_path / "a.npz", joints, keypoints_px=points)
    assert metrics(benchmark, plain)["ambiguity_ratio"] == 0
    points[::4] = points[::4, mirror]
    mixed = write(benchmark, tmp_path / "b.npz", joints, keypoints_px=points)
    found = metrics(benchmark, mixed)
    assert found["ambiguity_ratio"] == pytest.approx(25)
    assert found["keypoint_error.sample"] == pytest.approx(0, abs=1e-4)


def test_2d_joints_are_triangulated_by_the_true_cameras(benchmark, tmp_path):
    joints, points = truth(benchmark)
    # Where a joint is in 3D does not matter, only where it is seen.
    right = write(benchmark, tmp_path / "a.npz", 0 * joints, keypoints_px=points)
    assert metrics(benchmark, right)["mpjpe_mm.triangulated"] < 0.5
    shifted = points.copy()
    shifted[::4, 3] += 4
    wrong = metrics(benchmark, write(benchmark, tmp_path / "b.npz", joints, keypoints_px=shifted))
    assert 1 < wrong["mpjpe_mm.triangulated"] < 50
    assert wrong["mpjpe_mm"] < 1e-3


@pytest.mark.parametrize("hypotheses", [1, 2])
def test_a_detector_is_shown_pictures_and_nothing_else(benchmark, tmp_path, hypotheses):
    class Curious(HeatmapDetector):
        def forward(self, batch):
            assert not batch.valid.any()
            assert not batch.keypoints_valid.any()
            return super().forward(batch)

    config = HeatmapDetectorConfig(
        benchmark.skeleton,
        backbone_config=ResNetConfig(depths=(1,), channels=(8,)),
        head=HeatmapHeadConfig(0, depth_cells=8),
        num_hypotheses=hypotheses,
        window=3,
    )
    path = benchmark.predict(Curious(config), tmp_path / "p.npz", model="random")
    found = metrics(benchmark, path)
    assert np.isfinite(list(found.values())).all()
    assert ("mpjpe_mm.joint-best.joint" in found) == (hypotheses > 1)
    assert {"keypoint_error", "ambiguity_ratio"} <= found.keys()


def test_one_pose_for_all_is_scored_without_2d(benchmark, tmp_path):
    estimator = ConstantPose(ConstantPoseConfig(benchmark.skeleton))
    found = metrics(benchmark, benchmark.predict(estimator, tmp_path / "p.npz"))
    assert found["mpjpe_mm"] > 100
    assert "keypoint_error" not in found


def test_broken_files_are_refused(benchmark, tmp_path):
    joints, points = truth(benchmark)
    path = write(benchmark, tmp_path / "p.npz", joints, keypoints_px=points[:, :3])
    with pytest.raises(ValueError, match="keypoints_px must be finite numbers of shape"):
        benchmark.score(path)
    rows = [x[:-1] for x in (*benchmark._rows(), joints)]
    path = write_predictions(Predictions(*rows, meta(benchmark)), tmp_path / "q.npz")
    with pytest.raises(ValueError, match="holds a part of the set 'test' only"):
        benchmark.score(path)
    twice = [np.concatenate([x, x[-1:]]) for x in (*benchmark._rows(), joints)]
    path = write_predictions(Predictions(*twice, meta(benchmark)), tmp_path / "r.npz")
    with pytest.raises(ValueError, match="predict each picture once"):
        benchmark.score(path)
    with pytest.raises(ValueError, match="shows pictures: read them from its shards"):
        benchmark.export(tmp_path / "e.npz")


def test_dogs_have_a_benchmark_of_their_own(dogs_folder, studio_folder, tmp_path):
    dogs = BENCHMARKS["studio_dogs"](dogs_folder)
    path = write(dogs, tmp_path / "dogs.npz", truth(dogs)[0])
    assert metrics(dogs, path)["mpjpe_mm"] == pytest.approx(0, abs=1e-3)
    assert dogs.data_name == "studio dogs"
    for name, folder in (("studio", dogs_folder), ("studio_dogs", studio_folder)):
        with pytest.raises(ValueError, match=r"holds joints .* dogs by studio_dogs"):
            BENCHMARKS[name](folder)


def test_unseen_people_have_a_folder_and_rows_of_their_own(studio_folder, tmp_path):
    seen, unseen = BENCHMARKS["studio"](studio_folder), BENCHMARKS["studio_unseen"](studio_folder)
    assert len(unseen.clips) < len(seen.clips)
    assert unseen.data_name != seen.data_name
    path = write(unseen, tmp_path / "unseen.npz", truth(unseen)[0])
    assert metrics(unseen, path)["mpjpe_mm"] == pytest.approx(0, abs=1e-3)
    with pytest.raises(ValueError, match="'studio_unseen'"):
        seen.score(path)
