import pytest
import torch
from nets_golden import RULES, assert_golden, flip, make_input, make_state, read_cases

from vitruve.nets import MixSTE, MixSTEConfig, load_official, recognise
from vitruve.skeletons import skeleton

CASES = read_cases("mixste")


@pytest.mark.parametrize("rule", RULES)
def test_agrees_with_the_published_net(rule):
    case = CASES["mixste_tiny"]
    net = load_official(make_state(case, rule))
    assert_golden(net(make_input(case)), case, rule)


@pytest.mark.parametrize("rule", RULES)
def test_agrees_with_flip_averaging(rule):
    case, h36m = CASES["mixste_tta_tiny"], skeleton("h36m_17")
    net, x = load_official(make_state(case, rule)), make_input(case)
    assert_golden((net(x) + flip(net(flip(x, h36m)), h36m)) / 2, case, rule)


def test_published_sizes_are_recognised():
    case = CASES["mixste_official"]
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
        name, config = recognise(state)
        assert (name, config) == ("mixste", MixSTEConfig(17, 17))
        assert sum(p.numel() for p in MixSTE(config).parameters()) == case["param_count"]


def test_one_token_needs_as_many_keypoints_as_joints():
    with pytest.raises(ValueError, match="as many keypoints as joints, got 17 and 16"):
        MixSTEConfig(17, 16)
    with pytest.raises(ValueError, match="30 channels do not divide among 8 heads"):
        MixSTEConfig(17, 17, channels=30)
