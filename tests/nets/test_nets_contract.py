"""What every net of LIFTERS promises."""

import dataclasses
import json

import pytest
import torch

from vitruve.nets import LIFTERS

SMALL = {
    "d3dp": {"num_frames": 9, "channels": 16, "depth": 2, "num_heads": 2},
    "dstformer": {"num_frames": 9, "channels": 16, "representation_channels": 24, "depth": 2},
    "ktpformer": {
        "num_frames": 9,
        "channels": 16,
        "depth": 2,
        "num_heads": 2,
        "parents": (-1, 0, 1, 2, 0, 4),
    },
    "mixste": {"num_frames": 9, "channels": 16, "depth": 2, "num_heads": 2},
    "motion_agformer": {
        "num_frames": 9,
        "channels": 16,
        "representation_channels": 24,
        "depth": 2,
        "num_heads": 2,
        "parents": (-1, 0, 1, 0, 3, 4),
    },
    "p_stmo": {"strides": (1, 3, 3), "channels": 16, "hidden": 24, "depth": 2},
    "pose_former_v2": {
        "num_frames": 9,
        "kept_frames": 3,
        "kept_coefficients": 5,
        "channels": 8,
        "depth": 2,
        "num_heads": 2,
    },
    "prml": {"num_frames": 9, "channels": 16, "depth": 2, "num_heads": 2, "head_channels": 32},
    "sem_gcn": {"channels": 16, "num_blocks": 2, "parents": (-1, 0, 1, 0, 3, 4)},
    "simple_baseline": {"width": 32},
    "video_pose_3d": {"widths": (3, 3), "channels": 16},
}
"""Settings that make each net small; a net without an entry is built at its defaults."""
K, J = 6, 5
ANY_JOINTS = {"p_stmo", "pose_former_v2", "simple_baseline", "video_pose_3d"}
"""Nets whose keypoints and joints may differ in number; the others have one token for both."""


def make_net(name, **settings):
    torch.manual_seed(0)
    net, config = LIFTERS[name]
    joints = {"num_keypoints": K, "num_joints": J if name in ANY_JOINTS else K}
    return net(config(**joints, **{**SMALL.get(name, {}), **settings}))


def make_clip(net, b=3, extra=2, c=2):
    """A clip with ``extra`` frames more than the net needs, or of exactly its window."""
    return torch.randn(b, net.window or net.receptive_field + extra, K, c)


def num_answers(net, clip):
    return clip.shape[1] - sum(net.padding)


def everything(net, x):
    """All that a net computes in training: joints and by-products."""
    if not hasattr(net, "detailed"):
        return [net(x)]
    detail = net.detailed(x)
    return [y for y in (detail.joints, detail.features, detail.coarse) if y is not None]


@pytest.mark.parametrize("name", LIFTERS)
@pytest.mark.parametrize("training", [True, False])
def test_shape_is_the_same_in_training_and_evaluation(name, training):
    net = make_net(name).train(training)
    x = make_clip(net)
    assert net(x).shape == (3, num_answers(net, x), net.config.num_joints, 3)
    joints = everything(net.eval(), x)[0]
    torch.testing.assert_close(joints, net(x))


@pytest.mark.parametrize("name", LIFTERS)
@pytest.mark.parametrize("channels", [2, 3, 5])
def test_any_number_of_channels(name, channels):
    net = make_net(name, in_channels=channels)
    assert net(make_clip(net, c=channels)).isfinite().all()


@pytest.mark.parametrize("name", LIFTERS)
def test_padding_gives_every_frame_an_output(name):
    net = make_net(name).eval()
    before, after = net.padding
    frames = 7 if net.window is None else net.window - before - after
    assert net(torch.randn(1, before + frames + after, K, 2)).shape[1] == frames


@pytest.mark.parametrize("name", LIFTERS)
def test_finite_gradient_reaches_every_parameter(name):
    net = make_net(name)
    torch.stack([y.square().sum() for y in everything(net, make_clip(net))]).sum().backward()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.abs().sum() > 0, key


@pytest.mark.parametrize("name", LIFTERS)
def test_one_sample_does_not_see_another(name):
    net = make_net(name).eval()
    x = make_clip(net)
    torch.testing.assert_close(net(x)[1:2], net(x[1:2]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", LIFTERS)
def test_frames_outside_the_receptive_field_do_not_matter(name):
    net = make_net(name).eval()
    if net.window is not None:
        pytest.skip("takes exactly what it sees")
    x = make_clip(net, extra=1)
    changed = x.clone()
    changed[:, -1] += 1
    torch.testing.assert_close(net(x)[:, 0], net(changed)[:, 0])
    assert not torch.equal(net(x)[:, 1], net(changed)[:, 1])


@pytest.mark.parametrize("name", LIFTERS)
def test_save_and_load_keep_the_output(name):
    net, twin = make_net(name), make_net(name)
    net(make_clip(net))
    twin.load_state_dict(net.state_dict())
    x = make_clip(net)
    assert torch.equal(net.eval()(x), twin.eval()(x))


@pytest.mark.parametrize("name", LIFTERS)
def test_config_round_trip(name):
    config = make_net(name).config
    written = dataclasses.asdict(config)
    assert LIFTERS[name][1](**written) == config
    json.dumps(written)  # plain enough for a checkpoint's header


@pytest.mark.parametrize("name", LIFTERS)
def test_bfloat16_stays_close(name):
    net = make_net(name).eval()
    x = make_clip(net)
    exact = net(x)
    rough = net.bfloat16()(x.bfloat16()).float()
    assert (rough - exact).norm() < 0.03 * exact.norm()
