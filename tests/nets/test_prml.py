"""PrML: its published size, its parts, its ablations."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from vitruve.nets import PrML, PrMLConfig

SMALL = PrMLConfig(5, 5, num_frames=4, channels=16, depth=2, num_heads=2, head_channels=8)
ABLATIONS = [
    *({"branches": branches} for branches in ("2d", "depth", "none")),
    {"decoder": False},
    {"branches": "none", "decoder": False},
    {"align": False},
    *({"bias_2d": kind} for kind in ("laplace", "none")),
    *({"bias_depth": kind} for kind in ("laplace", "none")),
    {"learn_bias": False},
    *({"order": order} for order in ("S", "T", "S-T", "S->T")),
    {"channels": 8},
    {"causal": True},
]


def make_net(**settings):
    torch.manual_seed(0)
    return PrML(replace(SMALL, **settings)).eval()


def count_multiply_adds(net, x):
    """Linear layers, and 4 operations a number of each LayerNorm, as published tables count."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        per_number = module.in_features if isinstance(module, nn.Linear) else 4
        total += per_number * output.numel()

    for module in net.modules():
        if isinstance(module, nn.Linear | nn.LayerNorm):
            module.register_forward_hook(count)
    net(x)
    return total


def test_the_published_size():
    with torch.device("meta"):
        net = PrML(PrMLConfig(17, 17))
        multiply_adds = count_multiply_adds(net, torch.empty(1, 243, 17, 2))
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(13.0e6, rel=0.02)
    assert multiply_adds == pytest.approx(49.3e9, rel=0.02)


@pytest.mark.parametrize("settings", ABLATIONS, ids=str)
def test_every_ablation_answers_and_learns(settings):
    net = make_net(**settings)
    detail = net.detailed(torch.randn(2, 4, 5, 2))
    c = net.config.channels
    total = detail.joints.square().sum()
    if net.config.decoder:
        assert detail.features.shape == (2, 2, 4, 5, 2 * c)
        total = total + detail.features.square().sum()
    else:
        assert detail.features is None
    total.backward()
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())


def test_a_part_left_out_has_no_weights():
    def names(**settings):
        return {name.split(".")[0] for name, _ in make_net(**settings).named_parameters()}

    everything = names()
    assert {"branch_2d", "branch_depth", "decoder"} <= everything
    assert everything - names(branches="depth") == {"branch_2d"}
    assert everything - names(branches="none", decoder=False) == {
        "branch_2d",
        "branch_depth",
        "decoder",
    }


def test_without_a_decoder_no_task_sees_the_other_ones_branch():
    net = make_net(decoder=False)
    net.detailed(torch.randn(2, 4, 5, 2)).joints[..., :2].square().sum().backward()
    assert all((p.grad == 0).all() for p in net.branch_depth.parameters())
    assert all(p.grad.abs().sum() > 0 for p in net.branch_2d.parameters())


def test_support_features_are_the_aligned_features_and_the_bias():
    net, x = make_net(), torch.randn(2, 4, 5, 2)
    features = net.detailed(x).features
    torch.testing.assert_close(features[:, 0, ..., :16], features[:, 1, ..., :16])
    for task, bias in enumerate((net.decoder.bias_2d, net.decoder.bias_depth)):
        assert torch.equal(features[:, task, ..., 16:], bias.expand(2, -1, -1, -1))


def test_biases_start_from_the_distribution_asked_for():
    torch.manual_seed(0)
    large = replace(SMALL, num_frames=81, channels=64, bias_depth="laplace", learn_bias=False)
    decoder = PrML(large).decoder
    assert "decoder.bias_2d" not in dict(decoder.named_parameters(prefix="decoder"))

    def kurtosis(x):
        return (x**4).mean() / (x**2).mean() ** 2

    for values, expected in ((decoder.bias_2d, 3), (decoder.bias_depth, 6)):
        assert values.std().item() == pytest.approx(1, rel=0.03)
        assert kurtosis(values).item() == pytest.approx(expected, rel=0.1)
    assert (make_net(bias_2d="none").decoder.bias_2d == 0).all()


def test_a_layer_without_an_encoder_does_not_look_along_its_axis():
    """Only the shared bottom does; what the branch adds stays in its row or column."""
    x = torch.randn(2, 4, 5, 16)
    for order, changed, kept in (
        ("S", (slice(None), 0), (slice(None), slice(1, None))),
        ("T", (slice(None), slice(None), 0), (slice(None), slice(None), slice(1, None))),
    ):
        layer = make_net(order=order).branch_2d[0]
        other = x.clone()
        other[changed] += 1
        assert torch.allclose(layer(x)[kept], layer(other)[kept], atol=1e-6)


@pytest.mark.parametrize("frames", [1, 3, 4, 5, 8, 11])
def test_causal_looks_back_as_far_as_its_band(frames):
    net = make_net(causal=True, depth=1)
    assert (net.window, net.receptive_field) == (None, 7)  # two attentions of 4 frames
    x = torch.randn(1, frames, 5, 2, requires_grad=True)
    joints = net(x)
    assert joints.shape == (1, frames, 5, 3)
    joints[0, -1].sum().backward()
    touched = x.grad.abs().sum((0, 2, 3)).nonzero().flatten().tolist()
    assert touched == list(range(max(0, frames - 7), frames))


def test_causal_does_not_depend_on_the_place_in_the_clip():
    net, x = make_net(causal=True), torch.randn(1, 24, 5, 2)
    assert net.receptive_field == 10
    torch.testing.assert_close(net(x[:, 5:])[:, 9:], net(x)[:, 14:])


def test_causal_tells_how_long_ago_a_frame_was():
    net, x = make_net(causal=True, branches="none"), torch.randn(1, 4, 5, 2)
    swapped = x[:, [1, 0, 2, 3]]
    torch.testing.assert_close(net(swapped)[:, 3], net(x)[:, 3])
    with torch.no_grad():
        net.bottom.st_temporal.attn.age_bias += torch.arange(4.0)
    assert not torch.allclose(net(swapped)[:, 3], net(x)[:, 3], atol=1e-4)


def test_no_published_weights():
    assert PrML.config_from_official({"anything": torch.zeros(1)}) is None
    with pytest.raises(KeyError, match="no rule for official key 'anything'"):
        PrML.from_official({"anything": torch.zeros(1)})
