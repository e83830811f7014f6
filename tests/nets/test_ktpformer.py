import pytest
import torch
from nets_golden import RULES, assert_golden, make_input, make_state, read_cases

from vitruve.nets import KTPFormer, KTPFormerConfig, load_official, recognise
from vitruve.nets.ktpformer import adjacency

CASES = read_cases("ktpformer")


@pytest.mark.parametrize("rule", RULES)
def test_agrees_with_the_published_net(rule):
    case = CASES["ktpformer_tiny"]
    net = load_official(make_state(case, rule))
    assert sum(p.numel() for p in net.parameters()) == case["param_count"]
    assert_golden(net(make_input(case)), case, rule)


def test_published_sizes_are_recognised():
    case = CASES["ktpformer_official"]
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
        name, config = recognise(state)
        assert (name, config) == ("ktpformer", KTPFormerConfig(17, 17))
        net = KTPFormer(config)
        assert sum(p.numel() for p in net.parameters()) == case["param_count"]
        net.load_state_dict(KTPFormer.from_official(state), assign=True)


def test_weights_of_another_skeleton_take_its_bones():
    chain = tuple(range(-1, 16))
    case = CASES["ktpformer_tiny"]
    net = load_official(make_state(case, "strong"), parents=chain)
    assert net.config.parents == chain
    assert (
        net(make_input(case)) - load_official(make_state(case, "strong"))(make_input(case))
    ).any()


def test_graph_of_a_tree():
    expected = [[1, 0.5, 0.5, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    assert adjacency((-1, 0, 0, -1)).tolist() == expected


def test_a_skeleton_of_other_joints_is_refused():
    with pytest.raises(ValueError, match="got 17 parents for 16 joints; set `parents`"):
        KTPFormerConfig(16, 16)
    with pytest.raises(ValueError, match="joint 1 has parent 2; allowed: -1 to 1"):
        KTPFormerConfig(2, 2, parents=(-1, 2))
