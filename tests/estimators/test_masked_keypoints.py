"""Masked pre-training: what it recovers, and that a lifter goes on from it."""

from dataclasses import replace

import pytest
import torch
from rich.console import Console

from vitruve.cli import main
from vitruve.estimators import (
    Lifter,
    LifterConfig,
    MaskedKeypoints,
    MaskedKeypointsConfig,
    copy_matching,
    load,
    load_estimator,
    predict_flipped,
    save_estimator,
)
from vitruve.nets import PSTMOConfig
from vitruve.nets.masked_pose_model import MaskedPoseModelConfig
from vitruve.poses import mirror_batch, mirror_prediction
from vitruve.recipes import RECIPES
from vitruve.recipes.sources.toy import TOY, ToySource, ToySourceConfig
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig

NET = MaskedPoseModelConfig(
    5, num_frames=9, channels=16, hidden=24, depth=2, num_heads=2, masked_joints=1
)
STMO = PSTMOConfig(5, 5, strides=(1, 3, 3), channels=16, hidden=24, depth=2, num_heads=2)
PRETRAIN, FINETUNE = (f"toy.synthetic.p_stmo.{stage}" for stage in ("pretrain", "finetune"))


def make_estimator(**settings):
    torch.manual_seed(0)
    return MaskedKeypoints(MaskedKeypointsConfig(TOY, NET, **settings)).eval()


def make_batch(window=9, size=3):
    return ToySource(ToySourceConfig(window), TrainConfig(batch_size=size), None).batch_at(0)


def start(name, out, **settings):
    run, initial = RECIPES[name], settings.pop("initial", None)
    train = replace(run.train, steps=5, batch_size=4, out=str(out), **settings)
    return replace(run, train=train).start(console=Console(quiet=True), initial=initial)


def test_all_frames_of_the_2d_are_recovered_and_none_of_the_3d():
    estimator, batch = make_estimator(), make_batch()
    prediction = estimator(batch)
    assert prediction.joints_cam.shape == (3, 1, 0, 5, 3)
    assert prediction.keypoints_px.shape == (3, 1, 9, 5, 2)
    assert not estimator.says_joints
    one = estimator(batch.map(lambda x: x[0]))
    torch.testing.assert_close(one.keypoints_px, prediction.keypoints_px[0], rtol=0, atol=1e-2)


def test_masks_are_new_in_every_step_and_fixed_in_evaluation():
    estimator, batch = make_estimator(), make_batch()
    assert torch.equal(estimator(batch).keypoints_px, estimator(batch).keypoints_px)
    torch.manual_seed(1)
    first = estimator.training_forward(batch).keypoints_px
    assert not torch.equal(first, estimator.training_forward(batch).keypoints_px)
    torch.manual_seed(1)
    assert torch.equal(first, estimator.training_forward(batch).keypoints_px)


def test_pixels_come_back_as_they_went_in():
    estimator, batch = make_estimator(), make_batch()
    points = estimator.normaliser.encode(batch)
    torch.testing.assert_close(estimator.normaliser.to_pixels(points, batch), batch.keypoints_px)


def test_a_mirrored_prediction_is_mirrored_back():
    estimator, batch = make_estimator(), make_batch()
    prediction = estimator(batch)
    twice = mirror_prediction(mirror_prediction(prediction, batch), mirror_batch(batch))
    torch.testing.assert_close(twice.keypoints_px, prediction.keypoints_px, rtol=0, atol=1e-3)
    flipped = predict_flipped(estimator, batch)
    again = mirror_prediction(predict_flipped(estimator, mirror_batch(batch)), batch)
    torch.testing.assert_close(again.keypoints_px, flipped.keypoints_px, rtol=0, atol=1e-2)
    with pytest.raises(ValueError, match="mirroring keypoints_px needs the batch"):
        mirror_prediction(prediction)


def test_the_windows_length_and_the_skeletons_size_are_checked():
    with pytest.raises(ValueError, match="windows of exactly 9 frames, got 7"):
        make_estimator()(make_batch(7))
    with pytest.raises(ValueError, match=r"has 5 keypoints and 2 channels, but .* need 17 and 2"):
        MaskedKeypoints(MaskedKeypointsConfig(skeleton("h36m_17"), NET))
    with pytest.raises(ValueError, match="need 5 and 3"):
        make_estimator(confidence=True)


def test_a_lifter_begins_with_the_encoder_of_a_pre_training(tmp_path):
    file = tmp_path / "pretrained.safetensors"
    masked, lifter = make_estimator(), Lifter(LifterConfig(TOY, TOY, "p_stmo", STMO))
    save_estimator(masked, file)
    before = {k: v.clone() for k, v in lifter.state_dict().items()}
    copied, total = copy_matching(lifter, file)
    given = masked.state_dict()
    shared = {k for k in before if k.startswith(("net.frames.", "net.encoder."))}
    assert (copied, total) == (len(shared), len(before))
    for name, tensor in lifter.state_dict().items():
        assert torch.equal(tensor, given[name] if name in shared else before[name]), name
    again = load_estimator(file)
    assert again.config == masked.config
    with pytest.raises(ValueError, match="is a pre-training and predicts no 3D"):
        load(file)


def test_weights_that_share_nothing_are_refused(tmp_path):
    file = tmp_path / "pretrained.safetensors"
    save_estimator(make_estimator(), file)
    other = RECIPES["toy.synthetic.simple_baseline.position"].build()[0]
    with pytest.raises(ValueError, match="'masked_keypoints' with no tensor of the same name"):
        copy_matching(other, file)
    with pytest.raises(FileNotFoundError, match="no such file"):
        copy_matching(other, tmp_path / "nowhere")


def test_five_steps_of_each_stage(tmp_path):
    pretrained = start(PRETRAIN, tmp_path / "one")
    assert pretrained.finished
    assert not pretrained.figures
    # A learning rate of next to nothing: what the second stage ends with is what it began with.
    still = {"learning_rate": 1e-12, "ema_decay": 0.0}
    tuned = start(FINETUNE, tmp_path / "two", initial=pretrained.weights, **still)
    assert tuned.figures["mpjpe_mm"] > 0
    given, taken = (load_estimator(r.weights).state_dict() for r in (pretrained, tuned))
    shared = [k for k, v in given.items() if v.is_floating_point() and "running" not in k]
    shared = [k for k in shared if k.startswith(("net.frames.", "net.encoder."))]
    assert len(shared) > 20
    for name in shared:
        torch.testing.assert_close(taken[name], given[name])
    scratch = load_estimator(start(FINETUNE, tmp_path / "three", **still).weights).state_dict()
    assert not torch.allclose(scratch["net.encoder.position"], given["net.encoder.position"])


def test_a_run_goes_on_only_from_its_own_start(tmp_path):
    pretrained = start(PRETRAIN, tmp_path / "one").weights
    out = tmp_path / "two"
    start(FINETUNE, out, initial=pretrained)
    assert start(FINETUNE, out, initial=pretrained).finished
    with pytest.raises(ValueError, match=r"another run \(run\.initial was '\w+', now None\)"):
        start(FINETUNE, out)


def test_command_line(tmp_path, capsys):
    settings = ["--train.steps", "1", "--train.batch-size", "4"]
    one, two = tmp_path / "one", tmp_path / "two"
    assert main(["train", PRETRAIN, *settings, "--train.out", str(one)]) == 0
    weights = one / "estimator.safetensors"
    arguments = ["train", FINETUNE, *settings, "--train.out", str(two), "--initial"]
    assert main([*arguments, str(tmp_path / "nowhere")]) == 2
    assert "no such file" in capsys.readouterr().err
    assert main([*arguments, str(weights)]) == 0
    assert "tensors begin as in" in capsys.readouterr().err
