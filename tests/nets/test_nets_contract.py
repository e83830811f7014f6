"""What every net of LIFTERS promises."""

import dataclasses
import json

import pytest
import torch

from vitruve.nets import LIFTERS

SMALL = {
    "simple_baseline": {"width": 32},
    "video_pose_3d": {"widths": (3, 3), "channels": 16},
}
"""Settings that make each net small; a net without an entry is built at its defaults."""
K, J = 6, 5


def make_net(name, **settings):
    net, config = LIFTERS[name]
    return net(config(**{"num_keypoints": K, "num_joints": J, **SMALL.get(name, {}), **settings}))


def make_clip(net, b=3, extra=2, c=2):
    return torch.randn(b, net.receptive_field + extra, K, c)


@pytest.mark.parametrize("name", LIFTERS)
@pytest.mark.parametrize("training", [True, False])
def test_shape_is_the_same_in_training_and_evaluation(name, training):
    net = make_net(name).train(training)
    assert net(make_clip(net)).shape == (3, 3, J, 3)


@pytest.mark.parametrize("name", LIFTERS)
@pytest.mark.parametrize("channels", [2, 3, 5])
def test_any_number_of_channels(name, channels):
    net = make_net(name, in_channels=channels)
    assert net(make_clip(net, c=channels)).isfinite().all()


@pytest.mark.parametrize("name", LIFTERS)
def test_padding_gives_every_frame_an_output(name):
    net = make_net(name).eval()
    before, after = net.padding
    assert net(torch.randn(1, before + 7 + after, K, 2)).shape[1] == 7


@pytest.mark.parametrize("name", LIFTERS)
def test_finite_gradient_reaches_every_parameter(name):
    net = make_net(name)
    net(make_clip(net)).square().sum().backward()
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
