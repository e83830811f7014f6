"""Protocols of the field on made-up official files: the truth, known errors, wrong files."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import official_samples as samples
from vitruve.benchmarks import BENCHMARKS, write_predictions
from vitruve.benchmarks.human36m_motionbert import Human36mMotionBert
from vitruve.benchmarks.predictions import Predictions, read_predictions
from vitruve.estimators import Lifter, LifterConfig
from vitruve.nets import DSTFormerConfig, SimpleBaselineConfig, VideoPose3DConfig
from vitruve.skeletons import skeleton


class ShortClips(Human36mMotionBert):
    """Clips of five frames."""

    window = 5


def make(name, root):
    """A benchmark over files just written."""
    match name:
        case "human36m":
            samples.write_human36m(root)
        case "human36m_motionbert" | "human36m_motionbert_81":
            samples.write_motionbert(root)
            return ShortClips(root)
        case "mpi_inf_3dhp":
            samples.write_3dhp_test(root)
        case "mpi_inf_3dhp_annot3" | "mpi_inf_3dhp_single_frame":
            samples.write_3dhp_test(root, "_ori")
        case "h3wb":
            samples.write_h3wb_json(root)
        case "threedpw" | "threedpw_14":
            samples.write_3dpw(root)
    return BENCHMARKS[name](root)


MADE_UP = ("cmu_lift", "skeletons", "studio")
"""Benchmarks on data of our own, with tests of their own; those of Studio are called so too."""
OFFICIAL = [name for name in BENCHMARKS if not name.startswith(MADE_UP)]


def truth_of(benchmark, keypoints=None):
    """A file that holds the truth."""
    kind = keypoints or benchmark.keypoints[0]
    joints = np.concatenate([v.batch.joints_cam[0].numpy() for v in benchmark.views(kind)])
    meta = {"benchmark": benchmark.name, "keypoints": kind, "skeleton": benchmark.skeleton.name}
    meta |= {"model": "oracle", "commit": "none"}
    return Predictions(*benchmark._rows(), joints, meta)


def scored(benchmark, predictions, path):
    return benchmark.score(write_predictions(predictions, path))["sets"]["test"]


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_truth_scores_zero_wherever_it_stands(name, tmp_path):
    benchmark = make(name, tmp_path)
    truth = truth_of(benchmark)
    moved = replace(truth, joints_cam=truth.joints_cam + np.float32(0.25))
    part = scored(benchmark, moved, tmp_path / "p.npz")
    symmetry = part["metrics"].pop("lse", 0.0)  # made-up people have uneven limbs
    assert part["metrics"].pop("true_lse", 0.0) == pytest.approx(symmetry, abs=2e-3)
    for metric, value in part["metrics"].items():
        expected = {"pck": 100, "auc": 3000 / 31}.get(metric[-3:], 0)
        assert value == pytest.approx(expected, abs=2e-3), metric
    views = benchmark.views(benchmark.keypoints[0])
    assert part["frames"] == sum(int(v.scored.sum()) for v in views)


@pytest.mark.parametrize("name", OFFICIAL)
def test_an_estimator_is_scored_end_to_end(name, tmp_path):
    benchmark = make(name, tmp_path)
    k, j = benchmark_keypoints(benchmark), benchmark.skeleton
    net = SimpleBaselineConfig(k.num_joints, j.num_joints, width=8)
    lifter = Lifter(LifterConfig(j, k, "simple_baseline", net))
    for kind in benchmark.keypoints:
        file = benchmark.predict(lifter, tmp_path / f"{kind}.npz", kind, model="tiny")
        result = benchmark.score(file)
        assert (result["benchmark"], result["keypoints"]) == (benchmark.name, kind)
        assert result["sets"]["test"]["metrics"]["mpjpe_mm"] > 10
        exported = np.load(benchmark.export(tmp_path / "in.npz", kind))
        assert len(exported["keypoints_px"]) == len(read_predictions(file).clip)


def benchmark_keypoints(benchmark):
    return next(benchmark.views(benchmark.keypoints[0])).batch.keypoint_skeleton


@pytest.mark.parametrize("name", OFFICIAL)
def test_missing_and_damaged_files_are_one_line(name, tmp_path):
    build = BENCHMARKS[name]
    with pytest.raises(FileNotFoundError, match="expected"):
        build(tmp_path)
    benchmark = make(name, tmp_path)
    truth = truth_of(benchmark)
    half = replace(
        truth,
        **{
            field: getattr(truth, field)[: len(truth.clip) // 2]
            for field in ("clip", "camera", "frame", "joints_cam")
        },
    )
    with pytest.raises(ValueError, match="missing"):
        benchmark.score(write_predictions(half, tmp_path / "half.npz"))
    other = replace(truth, meta=truth.meta | {"benchmark": "other"})
    with pytest.raises(ValueError, match="benchmark is 'other', expected"):
        benchmark.score(write_predictions(other, tmp_path / "other.npz"))
    with pytest.raises(ValueError, match="has no keypoints 'nope' here; there are"):
        benchmark.export(tmp_path / "e.npz", "nope")
    for file in tmp_path.rglob("*"):
        if file.suffix in (".npz", ".pkl", ".json") and file.is_file():
            file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"damaged|not an \.npz|not JSON"):
        build(tmp_path)


def test_human36m_weighs_frames_in_an_action_and_actions_alike(tmp_path):
    benchmark = make("human36m", tmp_path)
    assert [c.action for c in benchmark.clips] == ["Walking", "Walking", "Sitting", "SittingDown"]
    truth = truth_of(benchmark)
    joints = truth.joints_cam.copy()
    joints[truth.clip == "S9 Walking", 13, 0] += 0.17  # one joint of 17 by 170 mm
    joints[truth.clip == "S9 Sitting 2", 13, 0] += 0.34
    part = scored(benchmark, replace(truth, joints_cam=joints), tmp_path / "p.npz")
    walking = 10 * 7 / 11
    found = {action: m["mpjpe_mm"] for action, m in part["actions"].items()}
    expected = {"Walking": walking, "Sitting": 20, "SittingDown": 0}
    assert found == pytest.approx(expected, abs=2e-3)
    assert part["metrics"]["mpjpe_mm"] == pytest.approx((walking + 20) / 3, abs=2e-3)
    frames = (10 * 7 + 20 * 5) / (7 + 4 + 5 + 6)
    assert part["frame_metrics"]["mpjpe_mm"] == pytest.approx(frames, abs=2e-3)
    assert part["metrics"]["mpjve_mm"] == pytest.approx(0, abs=2e-3)
    doubled = replace(truth, joints_cam=truth.joints_cam * 2)
    part = scored(benchmark, doubled, tmp_path / "p.npz")
    assert part["metrics"]["mpjpe_mm"] > 100
    assert part["metrics"]["n_mpjpe_mm"] == pytest.approx(0, abs=5e-3)
    assert part["metrics"]["p_mpjpe_mm"] == pytest.approx(0, abs=5e-3)


LENGTHS = ("human36m", "mpi_inf_3dhp", "mpi_inf_3dhp_single_frame", "h3wb")


@pytest.mark.parametrize("name", LENGTHS)
def test_a_body_too_large_has_long_limbs_as_even_as_before(name, tmp_path):
    benchmark = make(name, tmp_path)
    truth = truth_of(benchmark)
    larger = replace(truth, joints_cam=truth.joints_cam * np.float32(1.2))
    metrics = scored(benchmark, larger, tmp_path / "p.npz")["metrics"]
    assert metrics["lle"] == pytest.approx(20, abs=1e-2)
    assert metrics["bsle"] == pytest.approx(20, abs=1e-2)
    assert metrics["lse"] == pytest.approx(metrics["true_lse"], abs=1e-2)
    assert metrics["lse"] > 1


def test_h3wb_counts_every_bone_but_the_faces(tmp_path):
    benchmark = make("h3wb", tmp_path)
    truth = truth_of(benchmark)

    def bsle_with(joint):
        joints = truth.joints_cam.copy()
        joints[:, joint] += np.float32(0.1)
        moved = replace(truth, joints_cam=joints)
        return scored(benchmark, moved, tmp_path / "p.npz")["metrics"]["bsle"]

    assert bsle_with(40) == pytest.approx(0, abs=1e-3)
    assert bsle_with(100) > 0.1
    assert bsle_with(20) > 0.1


def test_human36m_offers_the_2d_that_is_there(tmp_path):
    samples.write_human36m(tmp_path, detector="cpn_ft_h36m_dbb")
    assert BENCHMARKS["human36m"](tmp_path).keypoints == ("cpn_ft_h36m_dbb",)
    samples.write_human36m(tmp_path)
    benchmark = BENCHMARKS["human36m"](tmp_path)
    assert benchmark.keypoints == ("gt", "cpn_ft_h36m_dbb")
    exact, detected = (next(benchmark.views(kind)).batch for kind in benchmark.keypoints)
    torch.testing.assert_close(detected.keypoints_px, exact.keypoints_px + 3)
    for file in tmp_path.glob("data_2d*"):
        file.unlink()
    with pytest.raises(FileNotFoundError, match=r"has no 2D: expected is data_2d_h36m_"):
        BENCHMARKS["human36m"](tmp_path)


def test_motionbert_leaves_out_rests_of_videos_and_blocked_ones(tmp_path):
    benchmark = make("human36m_motionbert", tmp_path)
    assert [(c.name[5:11], c.frames) for c in benchmark.clips] == [
        ("act_02", 12),
        ("act_14", 3),
        ("act_15", 10),
    ]
    assert [v.scored.int().tolist() for v in benchmark.views("sh")] == [
        [1] * 10 + [0] * 2,
        [1] * 3,
        [1] * 10,
    ]
    truth = truth_of(benchmark)
    joints = truth.joints_cam.copy()
    joints[:, 13, 0] += 0.17 * (truth.frame >= 10)
    part = scored(benchmark, replace(truth, joints_cam=joints), tmp_path / "p.npz")
    assert part["metrics"]["mpjpe_mm"] == pytest.approx(0, abs=2e-3)
    assert part["frames"] == 23


def test_motionbert_estimators_speak_pixels_and_are_given_the_scale(tmp_path):
    """A net that answers with the image's own coordinates is right in x and y."""
    benchmark = make("human36m_motionbert", tmp_path)
    joints = skeleton("h36m_17")
    net = VideoPose3DConfig(17, 17, widths=(1,), channels=8)
    config = LifterConfig(joints, joints, "video_pose_3d", net, "weak_perspective")
    lifter = Lifter(config)

    class Flat(torch.nn.Module):
        window, padding, receptive_field = 5, (0, 0), 5

        def forward(self, x):
            assert x.shape[1] == 5
            return torch.cat([x, torch.zeros_like(x[..., :1])], -1)

    lifter.net = Flat()
    lifter.net.weight = torch.nn.Parameter(torch.zeros(1))
    file = benchmark.predict(lifter, tmp_path / "p.npz", "gt")
    found = read_predictions(file).joints_cam
    truth = truth_of(benchmark).joints_cam
    centred = [x - x[:, :1] for x in (found, truth)]
    np.testing.assert_allclose(centred[0][..., :2], centred[1][..., :2], atol=1e-3)
    assert (centred[0][..., 2] == 0).all()
    unscaled = make("human36m", tmp_path)
    with pytest.raises(ValueError, match=r"needs PoseBatch\.scale_m_per_px"):
        unscaled.predict(lifter, tmp_path / "q.npz")


def test_motionbert_takes_nets_with_confidence(tmp_path):
    benchmark = make("human36m_motionbert", tmp_path)
    joints = skeleton("h36m_17")
    net = DSTFormerConfig(17, 17, 3, 5, channels=16, representation_channels=8, depth=1)
    config = LifterConfig(joints, joints, "dstformer", net, "weak_perspective", confidence=True)
    result = benchmark.score(benchmark.predict(Lifter(config), tmp_path / "p.npz"))
    assert result["facts"] == {"window": "5"}
    assert result["sets"]["test"]["metrics"]["mpjpe_mm"] > 10


def test_3dhp_counts_valid_frames_and_14_joints_for_pck(tmp_path):
    benchmark = make("mpi_inf_3dhp", tmp_path)
    truth = truth_of(benchmark)
    off = truth.joints_cam.copy()
    off[:, 0, 2] += 0.16  # head top: beyond 150 mm
    off[:, 16, 2] += 0.18  # head centre: in no group
    off[truth.frame == 1] += np.random.default_rng(0).normal(size=(17, 3)).astype("f4")  # not valid
    part = scored(benchmark, replace(truth, joints_cam=off), tmp_path / "p.npz")
    assert part["frames"] == sum(samples.TEST_FRAMES.values()) - 6
    metrics = part["metrics"]
    assert metrics["pck"] == pytest.approx(100 * 13 / 14)
    assert metrics["auc"] == pytest.approx(3000 / 31 * 13 / 14)
    assert metrics["head_pck"] == 0
    assert metrics["ankle_pck"] == 100
    assert metrics["mpjpe_mm"] == pytest.approx((160 + 180) / 17, abs=2e-3)
    assert set(part["actions"]) == set(samples.TEST_FRAMES)
    result = benchmark.score(write_predictions(truth, tmp_path / "p.npz"))
    assert result["facts"]["annotation"] == "univ_annot3"
    assert result["average"] == "frames"


def test_3dhp_single_frames_are_four_sequences_and_17_joints(tmp_path):
    benchmark = make("mpi_inf_3dhp_single_frame", tmp_path)
    assert [c.name for c in benchmark.clips] == ["TS1", "TS2", "TS3", "TS4"]
    truth = truth_of(benchmark)
    off = truth.joints_cam.copy()
    off[:, 16, 2] += 0.18
    part = scored(benchmark, replace(truth, joints_cam=off), tmp_path / "p.npz")
    assert part["metrics"]["pck"] == pytest.approx(100 * 16 / 17)
    assert benchmark.facts["annotation"] == "annot3"
    samples.write_3dhp_test(tmp_path, "_ori", TS3={})
    with pytest.raises(ValueError, match="'TS3' is no"):
        BENCHMARKS["mpi_inf_3dhp_single_frame"](tmp_path)


def test_outdoor_sequences_have_their_own_image_size(tmp_path):
    benchmark = make("mpi_inf_3dhp", tmp_path)
    sizes = [v.batch.image_size_px[0].tolist() for v in benchmark.views("gt")]
    assert sizes == [[2048, 2048]] * 4 + [[1920, 1080]] * 2


def test_h3wb_aligns_parts_as_published(tmp_path):
    benchmark = make("h3wb", tmp_path)
    truth = truth_of(benchmark)

    def metrics(change):
        joints = truth.joints_cam.copy()
        change(joints)
        return scored(benchmark, replace(truth, joints_cam=joints), tmp_path / "p.npz")["metrics"]

    def left_hand(joints):
        joints[:, 91:112, 0] += 0.1

    found = metrics(left_hand)
    expected = {
        "mpjpe_mm": 100 * 21 / 133,
        "body_mpjpe_mm": 0,
        "face_mpjpe_mm": 0,
        "hands_mpjpe_mm": 50,
        "face_nose_mpjpe_mm": 0,
        "hands_wrist_mpjpe_mm": 0,
    }
    assert {k: v for k, v in found.items() if "mpjpe" in k} == pytest.approx(expected, abs=2e-3)

    def nose(joints):
        joints[:, 0, 0] += 0.1

    found = metrics(nose)
    assert found["face_nose_mpjpe_mm"] == pytest.approx(100, abs=2e-3)
    assert found["face_mpjpe_mm"] == pytest.approx(0, abs=2e-3)
    assert found["body_mpjpe_mm"] == pytest.approx(100 / 23, abs=2e-3)

    def one_hip(joints):
        joints[:, 11, 0] += 0.2  # the middle of the hips moves by half of that

    assert metrics(one_hip)["face_mpjpe_mm"] == pytest.approx(100, abs=2e-3)


def test_h3wb_npz_scores_by_action_in_four_cameras(tmp_path):
    samples.write_h3wb_npz(tmp_path)
    benchmark = BENCHMARKS["h3wb"](tmp_path)
    part = scored(benchmark, truth_of(benchmark), tmp_path / "p.npz")
    assert list(part["actions"]) == ["Directions"]
    assert part["frames"] == 4 * 3


def test_h3wb_samples_are_lifted_one_by_one(tmp_path):
    """A net of three frames sees each sample alone, so that their order cannot matter."""
    benchmark = make("h3wb", tmp_path)
    joints = benchmark.skeleton
    net = VideoPose3DConfig(133, 133, widths=(3,), channels=8)
    lifter = Lifter(LifterConfig(joints, joints, "video_pose_3d", net))
    (view,) = benchmark.views("gt")
    whole = benchmark.lift(lifter, view, flip=False)
    one = replace(view.batch, keypoints_px=view.batch.keypoints_px[:, [2, 2, 2, 2]])
    same = benchmark.lift(lifter, replace(view, batch=one), flip=False)
    torch.testing.assert_close(same[0], whole[2])


def test_3dpw_scores_aligned_frames_on_24_or_14_joints(tmp_path):
    full, common = (make(name, tmp_path) for name in ("threedpw", "threedpw_14"))
    assert full.skeleton.num_joints == 24
    assert common.skeleton.names[0] == "pelvis"
    assert len(common.scored_joints) == 14
    truth = truth_of(full)
    off = truth.joints_cam.copy()
    off[:, full.skeleton.index("left_hand"), 0] += 0.24
    off[(truth.clip == "downtown_walk_00/1") & (truth.frame == 4), 1:] += 1.0
    part = scored(full, replace(truth, joints_cam=off), tmp_path / "p.npz")
    assert part["metrics"]["mpjpe_mm"] == pytest.approx(10, abs=2e-3)
    assert part["frames"] == 11
    truth = truth_of(common)
    off = truth.joints_cam.copy()
    off[:, common.skeleton.index("left_wrist"), 0] += 0.14
    part = scored(common, replace(truth, joints_cam=off), tmp_path / "p.npz")
    assert part["metrics"]["mpjpe_mm"] == pytest.approx(10, abs=2e-3)
    off = truth.joints_cam.copy()
    off[:, 0, 0] += 0.1  # the pelvis is not scored, but all are relative to it
    part = scored(common, replace(truth, joints_cam=off), tmp_path / "p.npz")
    assert part["metrics"]["mpjpe_mm"] == pytest.approx(100, abs=2e-3)


def test_lifters_of_human36m_joints_answer_3dpw_on_14_only(tmp_path):
    joints = skeleton("h36m_17")
    net = SimpleBaselineConfig(17, 17, width=8)
    lifter = Lifter(LifterConfig(joints, joints, "simple_baseline", net))
    full, common = (make(name, tmp_path) for name in ("threedpw", "threedpw_14"))
    with pytest.raises(ValueError, match="has nothing to say about left_foot"):
        full.predict(lifter, tmp_path / "p.npz")
    for kind in common.keypoints:
        result = common.score(common.predict(lifter, tmp_path / "p.npz", kind))
        assert result["sets"]["test"]["metrics"]["mpjpe_mm"] > 10
