import pytest
import torch
from nets_golden import RULES, assert_golden, make_input, make_state, read_cases

from vitruve.nets import SimpleBaseline, SimpleBaselineConfig, load_official, recognise

CASES = read_cases("simple_baseline")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", [n for n, case in CASES.items() if "w05" in case])
def test_agrees_with_the_published_net(name, rule):
    case = CASES[name]
    x = make_input(case)
    y = load_official(make_state(case, rule))(x.view(len(x), 1, -1, 2))
    assert_golden(y.reshape(len(x), -1), case, rule)


def test_published_sizes_are_recognised():
    case = CASES["simplebaseline_official"]
    state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
    name, config = recognise(state)
    assert (name, config) == ("simple_baseline", SimpleBaselineConfig(16, 16))
    assert sum(p.numel() for p in SimpleBaseline(config).parameters()) == case["param_count"]


def test_each_frame_is_lifted_alone():
    net = SimpleBaseline(SimpleBaselineConfig(4, 3, width=16)).eval()
    x = torch.randn(2, 5, 4, 2)
    torch.testing.assert_close(net(x)[:, 2:3], net(x[:, 2:3]))


def test_unknown_keys_are_named():
    with pytest.raises(KeyError, match=r"no rule for official key 'surprise\.weight'"):
        SimpleBaseline.from_official({"surprise.weight": torch.zeros(1)})
