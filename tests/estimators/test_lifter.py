"""Lifters: every net of the table, flips, spread, input checks."""

from dataclasses import replace

import pytest
import torch

from vitruve.estimators import Lifter, LifterConfig, predict_flipped, predict_with_spread
from vitruve.estimators.normalise import Screen
from vitruve.nets import PSTMOConfig, SimpleBaselineConfig, VideoPose3DConfig
from vitruve.poses import PoseBatch, mirror_batch, mirror_prediction
from vitruve.recipes.sources.toy import TOY, ToySource, ToySourceConfig
from vitruve.skeletons.skeleton import Skeleton
from vitruve.training import TrainConfig

STMO = PSTMOConfig(5, 5, strides=(1, 3, 3), channels=16, hidden=24, depth=1)
NETS = {
    "p_stmo": lambda c: replace(STMO, in_channels=c),
    "simple_baseline": lambda c: SimpleBaselineConfig(5, 5, c, width=32, dropout=0.0),
    "video_pose_3d": lambda c: VideoPose3DConfig(5, 5, c, widths=(3, 3), channels=16, dropout=0.0),
}


def make_lifter(net="video_pose_3d", confidence=False):
    config = LifterConfig(TOY, TOY, net, NETS[net](3 if confidence else 2), confidence=confidence)
    return Lifter(config).eval()


def make_batch(window=12, size=3):
    return ToySource(ToySourceConfig(window), TrainConfig(batch_size=size), None).batch_at(0)


@pytest.mark.parametrize("confidence", [False, True])
@pytest.mark.parametrize("window", [1, 4, 12])
@pytest.mark.parametrize("net", NETS)
def test_every_frame_is_predicted(net, window, confidence):
    lifter, batch = make_lifter(net, confidence), make_batch(window)
    prediction = lifter(batch)
    assert prediction.joints_cam.shape == (3, 1, window, 5, 3)
    assert (prediction.joints_cam[..., TOY.root, :] == 0).all()
    one = lifter(batch.map(lambda x: x[:1])).joints_cam
    torch.testing.assert_close(one, prediction.joints_cam[:1])
    clip = lifter(batch.map(lambda x: x[0])).joints_cam
    assert clip.shape == (1, window, 5, 3)
    torch.testing.assert_close(clip, prediction.joints_cam[0])


def test_training_covers_the_central_frames_and_agrees_there():
    lifter, batch = make_lifter(), make_batch(12)
    assert lifter.receptive_field == 9
    torch.testing.assert_close(
        lifter.training_forward(batch).joints_cam, lifter(batch).joints_cam[..., 4:-4, :, :]
    )
    assert lifter.training_forward(make_batch(5)).joints_cam.shape[-3] == 5


def test_a_strided_net_reads_clips_of_any_length_in_its_dilated_form():
    dilated, batch = make_lifter(), make_batch(12)
    config = replace(dilated.config, net_config=replace(dilated.config.net_config, strided=True))
    strided = Lifter(config).eval()
    strided.load_state_dict(dilated.state_dict())
    torch.testing.assert_close(strided(batch).joints_cam, dilated(batch).joints_cam)
    assert strided.training_forward(make_batch(9)).joints_cam.shape[-3] == 1
    strided(batch).joints_cam.square().sum().backward()
    assert all(p.grad is not None for p in strided.parameters())


@pytest.mark.parametrize("normaliser", ["root_view", "screen"])
@pytest.mark.parametrize("step", [1, 2])
def test_the_coarse_answer_of_every_frame_that_is_read(normaliser, step):
    config = LifterConfig(TOY, TOY, "p_stmo", replace(STMO, time_step=step), normaliser)
    lifter, batch = Lifter(config).eval(), make_batch(8 * step + 1)
    intrinsics = torch.tensor([[600.0, 0.0, 320.0], [0.0, 600.0, 240.0], [0.0, 0.0, 1.0]])
    batch = replace(batch, intrinsics=intrinsics.expand(3, 3, 3))
    prediction = lifter.training_forward(batch)
    assert prediction.joints_cam.shape == (3, 1, 1, 5, 3)
    assert prediction.coarse_cam.shape == (3, 1, 9, 5, 3)
    assert prediction.coarse_step == step
    read = replace(
        batch,
        keypoints_px=batch.keypoints_px[:, ::step],
        keypoints_valid=batch.keypoints_valid[:, ::step],
        confidence=batch.confidence[:, ::step],
        joints_cam=None,
        valid=None,
    )
    raw = lifter.net.detailed(lifter.normaliser.encode(batch)).coarse
    joints = lifter.normaliser.decode(raw, read)
    expected = joints - joints[..., TOY.root, None, :]
    torch.testing.assert_close(prediction.coarse_cam[:, 0], expected)
    longer = make_batch(8 * step + 2)
    plain = Lifter(replace(config, normaliser="screen")).eval()
    assert plain.training_forward(longer).coarse_cam is None


def test_a_causal_net_never_looks_ahead():
    config = replace(NETS["video_pose_3d"](2), causal=True)
    lifter, batch = Lifter(LifterConfig(TOY, TOY, "video_pose_3d", config)).eval(), make_batch(12)
    later = batch.keypoints_px.clone()
    later[:, 7:] += 50.0
    changed = lifter(replace(batch, keypoints_px=later)).joints_cam
    torch.testing.assert_close(changed[..., :7, :, :], lifter(batch).joints_cam[..., :7, :, :])
    assert lifter.training_forward(batch).joints_cam.shape[-3] == 12


def test_an_unseen_keypoint_is_not_looked_at():
    lifter, batch = make_lifter(confidence=True), make_batch()
    seen = batch.keypoints_valid.clone()
    seen[:, 3, 2] = False
    hidden, moved = replace(batch, keypoints_valid=seen), batch.keypoints_px.clone()
    moved[:, 3, 2] = 1e6
    assert torch.equal(
        lifter(hidden).joints_cam, lifter(replace(hidden, keypoints_px=moved)).joints_cam
    )
    assert not torch.equal(lifter(hidden).joints_cam, lifter(batch).joints_cam)


def test_screen_coordinates_as_published():
    seen = torch.ones(1, 1, 3, dtype=torch.bool)
    points = torch.tensor([[[[0.0, 0.0], [1000.0, 500.0], [500.0, 250.0]]]])
    three = Skeleton("three", ("a", "b", "c"), (-1, 0, 1))
    batch = PoseBatch(three, points, seen, seen.float(), torch.tensor([[1000.0, 500.0]]))
    assert Screen().encode(batch)[0, 0].tolist() == [[-1.0, -0.5], [1.0, 0.5], [0.0, 0.0]]


def test_other_keypoints_are_refused_by_name():
    lifter, batch = make_lifter(), make_batch()
    order = [1, 0, 2, 3, 4]
    names = tuple(TOY.names[i] for i in order)
    shuffled = Skeleton("toy_shuffled", names, (1, -1, 0, 1, 3))
    with pytest.raises(ValueError, match=r"'toy_5'.*'toy_shuffled'.*another order"):
        lifter(replace(batch, keypoint_skeleton=shuffled))
    other = replace(
        TOY, name="toy_other", names=("pelvis", "left_a", "left_b", "right_a", "right_b")
    )
    with pytest.raises(ValueError, match=r"'toy_5'.*'toy_other'.*other keypoints"):
        lifter(replace(batch, keypoint_skeleton=other))


def test_a_net_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"in_channels is 2, .* need 3"):
        Lifter(
            LifterConfig(TOY, TOY, "simple_baseline", NETS["simple_baseline"](2), confidence=True)
        )
    with pytest.raises(KeyError, match="unknown net 'nope'"):
        Lifter(LifterConfig(TOY, TOY, "nope", NETS["simple_baseline"](2)))
    with pytest.raises(KeyError, match=r"unknown normaliser 'nope'.*screen"):
        Lifter(LifterConfig(TOY, TOY, "simple_baseline", NETS["simple_baseline"](2), "nope"))


def test_mirroring_twice_changes_nothing():
    batch = replace(
        make_batch(),
        keypoints_px=make_batch().keypoints_px.round(),
        intrinsics=torch.tensor([[600.0, 3.0, 300.0], [0.0, 600.0, 240.0], [0.0, 0.0, 1.0]]).expand(
            3, 3, 3
        ),
        distortion=torch.arange(12.0).expand(3, 12),
    )
    twice = mirror_batch(mirror_batch(batch))
    for name in ("keypoints_px", "confidence", "intrinsics", "distortion", "joints_cam", "valid"):
        assert torch.equal(getattr(twice, name), getattr(batch, name)), name


def test_a_mirrored_batch_is_what_a_mirrored_camera_sees():
    source = ToySource(ToySourceConfig(4, noise_px=0.0), TrainConfig(batch_size=2), None)
    mirrored = mirror_batch(source.batch_at(0))
    joints = mirrored.joints_cam
    seen = joints[..., :2] / joints[..., 2:] * 600 + torch.tensor([320.0, 240.0])
    torch.testing.assert_close(seen, mirrored.keypoints_px)


@pytest.mark.parametrize("net", NETS)
def test_with_flips_a_mirrored_input_gives_a_mirrored_output(net):
    lifter, batch = make_lifter(net), make_batch()
    batch = replace(batch, keypoints_px=batch.keypoints_px.round())
    straight = predict_flipped(lifter, batch).joints_cam
    mirrored = mirror_prediction(predict_flipped(lifter, mirror_batch(batch))).joints_cam
    assert torch.equal(straight, mirrored)


def test_spread_is_the_standard_deviation_of_the_members():
    lifter, batch = make_lifter(), make_batch()
    plain = predict_with_spread(lifter, batch, torch.Generator(), num_noise=0)
    members = torch.stack(
        [lifter(batch).joints_cam, mirror_prediction(lifter(mirror_batch(batch))).joints_cam]
    )
    torch.testing.assert_close(plain.joints_cam, members.mean(0))
    expected = members.var(0, correction=0).sum(-1).sqrt()[:, 0]
    torch.testing.assert_close(plain.spread, expected)

    def noisy(seed, relative):
        generator = torch.Generator().manual_seed(seed)
        return predict_with_spread(lifter, batch, generator, 3, relative).spread

    assert torch.equal(noisy(1, 0.05), noisy(1, 0.05))
    assert noisy(1, 0.5).mean() > noisy(1, 0.05).mean()
    assert noisy(1, 0.05).shape == (3, 12, 5)
    with pytest.raises(ValueError, match="num_noise -1"):
        predict_with_spread(lifter, batch, torch.Generator(), -1)


def test_spread_stays_finite_when_nobody_is_seen():
    lifter, batch = make_lifter(), make_batch()
    nobody = replace(batch, keypoints_valid=torch.zeros_like(batch.keypoints_valid))
    prediction = predict_with_spread(lifter, nobody, torch.Generator(), 2)
    assert prediction.joints_cam.isfinite().all()
    assert prediction.spread.isfinite().all()


def test_the_unit_of_the_net_scales_what_it_says():
    lifter, batch = make_lifter(), make_batch()
    twin = Lifter(replace(lifter.config, metres_per_unit=0.001)).eval()
    twin.load_state_dict(lifter.state_dict())
    torch.testing.assert_close(twin(batch).joints_cam, lifter(batch).joints_cam / 1000)


def test_a_flip_is_the_mean_of_two_passes():
    lifter, batch = make_lifter(), make_batch()
    joints = predict_flipped(lifter, batch).joints_cam
    flipped = mirror_prediction(lifter(mirror_batch(batch)), batch).joints_cam
    torch.testing.assert_close(joints, (lifter(batch).joints_cam + flipped) / 2)
