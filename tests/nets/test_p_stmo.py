import pytest
import torch
from nets_golden import RULES, assert_golden, make_input, make_state, read_cases

from vitruve.nets import PSTMO, PSTMOConfig, load_official, recognise

CASES = read_cases("p_stmo")
UNUSED = 4 * 256
"""Numbers of the last norms of two transformers, which the published net saves and never uses."""


def theirs(joints):
    """Joints (b, t, j, 3) in the published layout, (b, 3, t, j, 1)."""
    return joints.permute(0, 3, 1, 2)[..., None]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["pstmo_f9_tiny", "pstmo_f27_tiny", "pstmo_f81_tiny"])
def test_agrees_with_the_published_net(name, rule):
    case = CASES[name]
    net = load_official(make_state(case, rule))
    assert net.config.strides == tuple(case["config"]["stride_num"])
    x = make_input(case)[..., 0].permute(0, 2, 3, 1)
    detail = net.detailed(x)
    assert_golden(theirs(detail.joints), case, rule)
    assert_golden(theirs(detail.coarse), case, rule, also="vte")
    assert torch.equal(net(x), detail.joints)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("pstmo_s_official", PSTMOConfig(17, 17)),
        ("pstmo_official", PSTMOConfig(17, 17, depth=4)),
        ("pstmo_s_3dhp_official", PSTMOConfig(17, 17, strides=(3, 3, 3, 3))),
    ],
)
def test_published_sizes_are_recognised(name, config):
    case = CASES[name]
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
        assert recognise(state) == ("p_stmo", config)
        net = load_official(state)
        assert sum(p.numel() for p in net.parameters()) + UNUSED == case["param_count"]


def test_the_strides_of_351_frames():
    state = make_state(CASES["pstmo_f9_tiny"], "w05")
    longer = {**state, "Transformer.pos_embedding": torch.zeros(1, 351, 16)}
    assert recognise(longer)[1].strides == (3, 9, 13)


def test_a_projection_that_is_missing_is_named():
    state = make_state(CASES["pstmo_f9_tiny"], "w05")
    del state["Transformer.model.layers.1.self_attn.linears.2.weight"]
    with pytest.raises(ValueError, match=r"do not fit p_stmo.*layers\.1\.attn\.qkv\.weight"):
        load_official(state)


def test_a_time_step_spans_more_frames():
    torch.manual_seed(0)
    small = {"strides": (1, 3, 3), "channels": 16, "hidden": 24, "depth": 1}
    plain, net = (PSTMO(PSTMOConfig(5, 5, **small, time_step=n)).eval() for n in (1, 2))
    net.load_state_dict(plain.state_dict())
    assert (net.window, net.receptive_field, net.padding) == (17, 17, (8, 8))
    x = torch.randn(2, 17, 5, 2)
    assert torch.equal(net(x), plain(x[:, ::2]))
    detail = net.detailed(x)
    assert (detail.coarse.shape[1], detail.coarse_step) == (9, 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strides": (9,)}, r"strides must be 3 or more positive numbers.*got \(9,\)"),
        ({"strides": (3, 0, 3)}, "strides must be 3 or more positive numbers"),
        ({"time_step": 0}, "time_step must be 1 or more, got 0"),
        ({"channels": 30}, "30 channels do not divide among 8 heads"),
    ],
)
def test_sizes_that_cannot_be(settings, message):
    with pytest.raises(ValueError, match=message):
        PSTMOConfig(17, 17, **settings)
