"""Recorded datasets as sources: who is in a batch, who never is; and the baselines on them."""

import json
from dataclasses import asdict, dataclass, replace

import pytest
import torch
from rich.console import Console

import official_samples as samples
from vitruve.benchmarks import BENCHMARKS
from vitruve.data.motion import human36m
from vitruve.estimators import Estimator, load_estimator
from vitruve.io.dataclass_json import config_from_dict
from vitruve.nets import VideoPose3DConfig
from vitruve.poses import Prediction, mirror_batch
from vitruve.recipes import RECIPES, Run, backbones
from vitruve.recipes.sources.recorded import SUBJECTS, RecordedSource, RecordedSourceConfig
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig

TRAIN = TrainConfig(batch_size=4)
CAMERAS_3DHP = ("0", "1", "2", "4", "5", "6", "7", "8")
SINGLE = ("simple_baseline", "sem_gcn", "video_pose_3d")
POSE_FORMERS = ("pose_former_v2_t27", "pose_former_v2_t81")
NETS = {
    "h36m": {*SINGLE, "mixste", *POSE_FORMERS, "d3dp", "ktpformer"},
    "3dhp": {*SINGLE, "p_stmo", *POSE_FORMERS, "d3dp"},
    "h3wb": {"simple_baseline", "video_pose_3d"},
}
ROWS = [(data, net) for data, nets in NETS.items() for net in sorted(nets)]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three training subjects of each dataset, the steering one among them, and test subjects."""
    root = tmp_path_factory.mktemp("official")
    takes = {"Walking 1": 30}
    samples.write_human36m(root, actions=dict.fromkeys(("S1", "S5", "S8", "S9", "S11"), takes))
    names = ("S1 Seq1", "S2 Seq2", "S8 Seq1")
    for suffix in ("", "_ori"):
        samples.write_3dhp_train(root, suffix, sequences=names, frames=34)
        samples.write_3dhp_test(root, suffix)
    samples.write_h3wb_npz(root, "train", subjects=("S1", "S5", "S7", "S8"))
    samples.write_h3wb_npz(root)
    return root


CONFIGS = {
    "human36m": RecordedSourceConfig("human36m", window=3),
    "mpi_inf_3dhp": RecordedSourceConfig("mpi_inf_3dhp", window=3),
    "h3wb": RecordedSourceConfig("h3wb", validation_subject="S7"),
}


def poses(joints_cam):
    """Labels as something to look up."""
    return {
        tuple(pose.flatten().tolist()) for pose in joints_cam.reshape(-1, *joints_cam.shape[-2:])
    }


def seen_in(source, steps=24):
    """Labels of many batches."""
    return poses(torch.cat([source.batch_at(step).joints_cam for step in range(steps)]))


def labels_of(config, root, subject):
    """All labels of one training subject: what validation shows when it is the one to steer."""
    source = RecordedSource(replace(config, validation_subject=subject), TRAIN, root)
    windows = source._validation
    return poses(windows.batch(torch.arange(len(windows))).joints_cam)


@pytest.mark.parametrize("dataset", CONFIGS)
def test_batches_hold_the_training_subjects_and_nobody_else(dataset, root):
    config = replace(CONFIGS[dataset], flip=0.0)
    seen = seen_in(RecordedSource(config, TRAIN, root))
    others = {"mpi_inf_3dhp": ("S1", "S2")}.get(dataset, ("S1", "S5"))
    trained = [labels_of(config, root, subject) for subject in others]
    held_out = labels_of(config, root, config.validation_subject)
    assert seen <= trained[0] | trained[1]
    assert all(seen & part for part in trained)
    assert not held_out & (trained[0] | trained[1])
    tested = BENCHMARKS[dataset](root)
    test = [poses(v.batch.joints_cam) for v in tested.views(tested.keypoints[0])]
    assert not any((seen | held_out) & part for part in test)


@pytest.mark.parametrize("dataset", CONFIGS)
def test_equal_seed_and_step_give_equal_bits(dataset, root):
    first, again = (RecordedSource(CONFIGS[dataset], TRAIN, root) for _ in range(2))
    again.batch_at(7)
    for name, value in vars(first.batch_at(3)).items():
        same = getattr(again.batch_at(3), name)
        assert torch.equal(value, same) if isinstance(value, torch.Tensor) else value == same
    other = RecordedSource(CONFIGS[dataset], replace(TRAIN, seed=1), root)
    for batch in (first.batch_at(4), first.batch_at(3, 1, 2), other.batch_at(3)):
        b = len(batch.joints_cam)
        assert not torch.equal(batch.joints_cam, first.batch_at(3).joints_cam[:b])
    assert first.batch_at(3, 1, 2).keypoints_px.shape[0] == 2
    with pytest.raises(ValueError, match="batch_size 4 does not divide among 3 ranks"):
        first.batch_at(0, 0, 3)


def test_labels_and_lens_explain_the_2d_mirrored_or_not(root):
    """House's record: absolute camera metres that project to the pixels."""
    for config in CONFIGS.values():
        plain, mirrored = (
            RecordedSource(replace(config, flip=flip), TRAIN, root).batch_at(0)
            for flip in (0.0, 1.0)
        )
        torch.testing.assert_close(mirrored.keypoints_px, mirror_batch(plain).keypoints_px)
        torch.testing.assert_close(mirrored.joints_cam, mirror_batch(plain).joints_cam)
        half = RecordedSource(replace(config, flip=0.5), replace(TRAIN, batch_size=64), root)
        whole = RecordedSource(replace(config, flip=0.0), replace(TRAIN, batch_size=64), root)
        changed = (half.batch_at(0).joints_cam != whole.batch_at(0).joints_cam).flatten(1).any(1)
        assert 10 < changed.sum() < 54
        for batch in (plain, mirrored):
            rays = batch.joints_cam[..., :2] / batch.joints_cam[..., 2:]
            focal = batch.intrinsics[:, None, None, [0, 1], [0, 1]]
            pixels = rays * focal + batch.intrinsics[:, None, None, :2, 2]
            # The lens of Human3.6M bends rays by some pixels.
            torch.testing.assert_close(pixels, batch.keypoints_px, atol=60.0, rtol=0)
            assert batch.joints_cam[..., 2].min() > 2
            assert batch.skeleton == batch.keypoint_skeleton


def test_exploding_frames_of_3dhp_are_never_shown(root):
    source = RecordedSource(CONFIGS["mpi_inf_3dhp"], replace(TRAIN, batch_size=256), root)
    batch = source.batch_at(0)
    assert batch.keypoints_px.abs().max() < 10 * 1024
    assert batch.keypoints_valid.all()
    assert batch.valid.all()


def test_cameras_of_3dhp_and_detections_of_human36m_are_chosen(root):
    source = RecordedSource(replace(CONFIGS["mpi_inf_3dhp"], cameras=("4",)), TRAIN, root)
    assert len(source._train) == 2 * 34
    assert len(RecordedSource(CONFIGS["mpi_inf_3dhp"], TRAIN, root)._train) == 2 * (34 + 33)
    with pytest.raises(ValueError, match=r"has no camera '1'; it has \['0', '4'\]"):
        RecordedSource(replace(CONFIGS["mpi_inf_3dhp"], cameras=CAMERAS_3DHP), TRAIN, root)


def test_detections_of_human36m_have_short_names(tmp_path):
    for detector in ("gt", "cpn_ft_h36m_dbb"):
        samples.write_human36m(
            tmp_path, detector=detector, actions={"S1": {"A": 6}, "S8": {"A": 6}}
        )
    config = replace(CONFIGS["human36m"], flip=0.0)
    exact, *detected = (
        RecordedSource(replace(config, keypoints=name), TRAIN, tmp_path).batch_at(0)
        for name in ("gt", "cpn", "cpn_ft_h36m_dbb")
    )
    for batch in detected:
        torch.testing.assert_close(batch.keypoints_px, exact.keypoints_px + 3)
        assert torch.equal(batch.joints_cam, exact.joints_cam)
    with pytest.raises(FileNotFoundError, match=r"data_2d_h36m_sh_ft_h36m\.npz is missing"):
        RecordedSource(replace(config, keypoints="sh"), TRAIN, tmp_path)


@dataclass(frozen=True)
class OracleConfig:
    """Of an estimator that knows the labels but for one joint."""

    joint: int
    off_m: float


class Oracle(Estimator):
    """Labels relative to the root, one joint of each frame off; every frame, or the middle one."""

    def __init__(self, config, joints, *, middle):
        super().__init__()
        self.config, self.skeleton, self.keypoint_skeleton = config, joints, joints
        self.middle = middle
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def forward(self, batch):
        raise AssertionError("the cheaper form will do")

    def training_forward(self, batch):
        joints = batch.joints_cam
        self.seen.append(joints)
        if self.middle:
            joints = joints[:, joints.shape[1] // 2, None]
        root = self.skeleton.root
        joints = joints - joints[..., root : root + 1, :]
        joints[..., self.config.joint, 2] += self.config.off_m
        return Prediction(self.skeleton, joints.unsqueeze(1))


@pytest.mark.parametrize("middle", [False, True])
def test_evaluation_is_the_error_on_fixed_windows_of_the_held_out_subject(root, middle):
    config = replace(CONFIGS["human36m"], validation_subject="S5")
    source = RecordedSource(config, TRAIN, root)
    oracle = Oracle(OracleConfig(9, 0.17), skeleton("h36m_17"), middle=middle)
    assert source.evaluate(oracle)["mpjpe_mm"] == pytest.approx(10)
    seen = torch.cat(oracle.seen)
    assert len(seen) == 16
    assert poses(seen) <= labels_of(config, root, "S5")
    # Evenly spread over four cameras and 30 frames.
    assert len(poses(seen[:, 1])) == 16
    oracle.seen.clear()
    source.batch_at(5)
    source.evaluate(oracle)
    assert torch.equal(torch.cat(oracle.seen), seen)


def test_whole_bodies_are_compared_about_the_hips(root):
    """As the benchmark does; the tree's root is the nose."""
    source = RecordedSource(CONFIGS["h3wb"], TRAIN, root)
    joints = skeleton("h3wb_133")
    hip = Oracle(OracleConfig(11, 0.2), joints, middle=False)
    assert source.evaluate(hip)["mpjpe_mm"] == pytest.approx(100, rel=1e-3)
    wrist = Oracle(OracleConfig(9, 0.2), joints, middle=False)
    assert source.evaluate(wrist)["mpjpe_mm"] == pytest.approx(200 / 133, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": "human36m", "validation_subject": "S9"}, "'S9' is no training subject"),
        ({"dataset": "h3wb"}, "h3wb: .*'S8' is no training subject; choose one of S1, S5, S6, S7"),
        ({"dataset": "mpi_inf_3dhp", "keypoints": "cpn"}, "has keypoints 'gt' alone, got 'cpn'"),
        ({"dataset": "human36m", "cameras": ("0",)}, "cameras are chosen of mpi_inf_3dhp only"),
        ({"dataset": "human36m", "window": 0}, "window 0 and stride 1 must be 1 or more"),
        ({"dataset": "human36m", "flip": 1.5}, r"flip 1\.5 from 0 to 1"),
        ({"dataset": "h3wb", "validation_subject": "S1", "window": 27}, "is 1 frame, got 27"),
    ],
)
def test_wrong_settings_are_one_line(change, message):
    with pytest.raises(ValueError, match=message):
        RecordedSourceConfig(**change)


@pytest.mark.parametrize(
    ("dataset", "page", "file"),
    [
        ("human36m", "vision.imar.ro", "data_3d_h36m.npz"),
        ("mpi_inf_3dhp", "vcai.mpi-inf.mpg.de", "data_train_3dhp.npz"),
        ("h3wb", "wholebody3d", "h3wb_train.npz"),
    ],
)
def test_missing_files_are_one_line(dataset, page, file, tmp_path):
    for data in (None, tmp_path):
        with pytest.raises(FileNotFoundError) as error:
            RecordedSource(CONFIGS[dataset], TRAIN, data)
        message = str(error.value)
        assert page in message
        assert file in message
        assert "\n" not in message


def test_missing_people_are_named(tmp_path):
    samples.write_h3wb_json(tmp_path, "train")
    with pytest.raises(FileNotFoundError, match="the json files name no subject"):
        RecordedSource(CONFIGS["h3wb"], TRAIN, tmp_path)
    samples.write_h3wb_npz(tmp_path, "train", subjects=("S7", "S8"))
    with pytest.raises(ValueError, match=r"holds the training subjects \['S7'\] of h3wb; needed"):
        RecordedSource(CONFIGS["h3wb"], TRAIN, tmp_path)
    samples.write_human36m(tmp_path, actions={"S1": {"Walking": 4}, "S9": {"Walking": 4}})
    with pytest.raises(ValueError, match=r"\['S1'\] of human36m; needed are S8 to validate"):
        RecordedSource(CONFIGS["human36m"], TRAIN, tmp_path)
    samples.write_human36m(tmp_path, actions={"S1": {"Walking": 4}, "S8": {"Walking": 4}})
    whole = replace(CONFIGS["human36m"], window=5, windows="whole")
    with pytest.raises(ValueError, match="no recording has 5 labelled frames in a row"):
        RecordedSource(whole, TRAIN, tmp_path)


def test_test_subjects_are_no_training_subjects():
    assert set(SUBJECTS) == set(CONFIGS)
    assert not set(human36m.SPLITS["test"]) & set(SUBJECTS["human36m"])
    assert "S8" not in SUBJECTS["h3wb"]


def check_two_steps(run, root, tmp_path):
    train = replace(
        run.train, steps=2, batch_size=2, accelerator="cpu", out=str(tmp_path), evaluate_every=0
    )
    cameras = ("0", "4") if getattr(run.source_config, "cameras", None) else None
    source = replace(run.source_config, cameras=cameras)
    run = replace(run, train=train, source_config=source)
    result = run.start(root, console=Console(quiet=True))
    assert result.finished
    assert result.figures["mpjpe_mm"] > 0
    assert load_estimator(result.weights).config == run.estimator_config


@pytest.mark.parametrize(("data", "net"), ROWS)
def test_every_baseline_trains_two_steps(data, net, root, tmp_path):
    check_two_steps(backbones(data)[net].run("cpu", "any"), root, tmp_path)


@pytest.mark.parametrize("variant", ["constraint", "mlp", "graph", "structure", "geometry"])
@pytest.mark.parametrize("data", ["h36m", "3dhp", "h3wb"])
def test_every_loss_trains_on_recorded_data(data, variant, root, tmp_path):
    check_two_steps(RECIPES[f"scotl.{data}.simple_baseline.{variant}"], root, tmp_path)


@pytest.mark.parametrize("name", [n for n, run in RECIPES.items() if run.source == "recorded"])
def test_every_recipe_of_recorded_data_can_be_built(name):
    with torch.device("meta"):
        estimator, terms = RECIPES[name].build()
    assert estimator.skeleton.num_joints in (17, 133)
    assert terms.keys() >= RECIPES[f"{name.rpartition('.')[0]}.baseline"].terms.keys()


@pytest.mark.parametrize(("data", "net"), ROWS)
def test_every_baseline_is_a_run_of_published_size_too(data, net):
    baseline = backbones(data)[net]
    assert set(baseline.train) == {"cpu", "gpu"}
    for preset in baseline.train:
        run = baseline.run(preset, f"a.{data}.{net}.{preset}")
        assert run.train.out == f"runs/a.{data}.{net}.{preset}"
        assert config_from_dict(Run, json.loads(json.dumps(asdict(run)))) == run
        config = run.source_config
        assert (config.flip == 0) == (config.window == 1) == (net in SINGLE)
        assert config.keypoints == "gt"
        with torch.device("meta"):
            estimator, terms = run.build()
        assert estimator.receptive_field == config.window
        assert all(not list(term.objective.parameters()) for term in terms.values())
        if config.windows == "whole":
            assert estimator.net.padding == (0, 0)
            assert config.stride == config.window
    assert set(backbones(data)) == NETS[data]


def test_published_numbers():
    h36m, dhp, h3wb = (backbones(data) for data in NETS)
    single = h36m["simple_baseline"].train["gpu"]
    assert (single.batch_size, single.steps) == (1024, round(50 * 1_559_752 / 1024))
    assert (single.optimizer, single.weight_decay, single.schedule) == ("adamw", 0.0, "constant")
    assert single.learning_rate_at(0) == single.learning_rate_at(single.steps - 1) == 1e-3
    assert h3wb["video_pose_3d"].train["gpu"].steps == 200 * 80_000 / 64
    rates = {net: dhp[net].train["gpu"].learning_rate for net in dhp}
    assert rates == {
        "simple_baseline": 2e-4,
        "sem_gcn": 1e-2,
        "video_pose_3d": 1e-3,
        "p_stmo": 7e-4,
        "pose_former_v2_t27": 7e-4,
        "pose_former_v2_t81": 7e-4,
        "d3dp": 6e-5,
    }
    assert h36m["mixste"].train["gpu"].learning_rate_at(10**9) == pytest.approx(4e-5 * 0.99**120)
    for data in (h36m, dhp):
        drawn = data["d3dp"].estimator_config["gpu"]
        assert (drawn.num_hypotheses, drawn.num_steps) == (20, 10)
    assert h36m["mixste"].source_config["gpu"].window == 243
    assert isinstance(h3wb["video_pose_3d"].estimator_config["gpu"].net_config, VideoPose3DConfig)
    for net, baseline in dhp.items():
        own_size = net in (*SINGLE, "d3dp")
        config = baseline.source_config["gpu"]
        assert (config.annotation == "annot3") == own_size
        assert config.cameras == (None if net in SINGLE else CAMERAS_3DHP)
        parents = getattr(baseline.estimator_config["gpu"].net_config, "parents", None)
        assert parents in (None, skeleton("mpi_inf_3dhp_17").parents)


def test_baselines_on_cmu_are_the_runs_there_are():
    rows = backbones("cmu")
    assert set(rows) == {
        *SINGLE,
        *("mixste", "prml", "pose_former_v2", "p_stmo", "ktpformer", "d3dp"),
    }
    known = {
        "video_pose_3d": ("lifters.cmu.video_pose_3d.t1_cpu", "lifters.cmu.video_pose_3d.t1_gpu"),
        "mixste": ("lifters.cmu.mixste.t27_cpu", "lifters.cmu.mixste.t243_gpu"),
        "prml": ("prml.cmu.prml.full_cpu", "prml.cmu.prml.full_gpu"),
    }
    for net, names in known.items():
        for preset, name in zip(("cpu", "gpu"), names, strict=True):
            run, other = rows[net].run(preset, name), RECIPES[name]
            terms = {k: term for k, term in other.terms.items() if k != "information"}
            assert replace(run, summary="") == replace(other, terms=terms, summary="")
    with pytest.raises(KeyError, match="unknown data 'coco'; there are"):
        backbones("coco")
    with pytest.raises(KeyError, match="unknown preset 'tpu'"):
        rows["mixste"].run("tpu", "name")
