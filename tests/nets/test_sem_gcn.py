import pytest
import torch
from nets_golden import RULES, assert_golden, make_input, make_state, read_cases

from vitruve.nets import SemGCN, SemGCNConfig, load_official, recognise

CASES = read_cases("sem_gcn")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["semgcn_tiny", "semgcn_nonlocal_tiny"])
def test_agrees_with_the_published_net(name, rule):
    case = CASES[name]
    net = load_official(make_state(case, rule))
    assert_golden(net(make_input(case)[:, None])[:, 0], case, rule)


@pytest.mark.parametrize("non_local", [False, True])
def test_published_sizes_are_recognised(non_local):
    case = CASES["semgcn_nonlocal_official" if non_local else "semgcn_official"]
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
        name, config = recognise(state)
        assert (name, config) == ("sem_gcn", SemGCNConfig(16, 16, non_local=non_local))
        assert sum(p.numel() for p in SemGCN(config).parameters()) == case["param_count"]


def test_a_leftover_weight_is_named():
    state = make_state(CASES["semgcn_tiny"], "w05")
    with pytest.raises(ValueError, match=r"do not fit sem_gcn.*gconv1\.conv\.extra"):
        load_official({**state, "gconv_layers.0.gconv1.gconv.extra": torch.zeros(1)})
    with pytest.raises(KeyError, match=r"no rule for official key 'gconv_output\.extra'"):
        load_official({**state, "gconv_output.extra": torch.zeros(1)})


def reach(net, joint):
    """Joints whose answer changes with one joint of the input."""
    x = torch.randn(1, 1, net.config.num_joints, 2)
    changed = x.clone()
    changed[..., joint, :] += 1
    difference = (net(x) - net(changed)).abs().amax(-1).flatten()
    return set(difference.nonzero().flatten().tolist())


def test_a_joint_is_mixed_with_its_neighbours_in_the_tree():
    torch.manual_seed(0)
    net = SemGCN(SemGCNConfig(17, 17, channels=8, num_blocks=0)).eval()
    # Two convolutions: at most two edges away from the left wrist, which hangs on the elbow.
    assert reach(net, 13) == {13, 12, 11}
    chain = SemGCNConfig(4, 4, channels=8, num_blocks=0, parents=(1, 2, 3, -1))
    assert reach(SemGCN(chain).eval(), 3) == {3, 2, 1}


@pytest.mark.parametrize("pairs", [None, (), ((0, 1), (2, 3), (4, 4))])
def test_non_local_blocks_start_as_the_identity_and_reach_all(pairs):
    torch.manual_seed(0)
    config = SemGCNConfig(
        5, 5, channels=8, num_blocks=0, parents=(-1, 0, 1, 0, 3), non_local=True, pairs=pairs
    )
    net = SemGCN(config).eval()
    block, x = net.embed[1], torch.randn(2, 5, 8)
    assert torch.equal(block(x), x)
    assert reach(net, 2) == {0, 1, 2}
    torch.nn.init.ones_(block.norm.weight)
    # A joint whose every score is negative is looked at by none: here none is.
    torch.nn.init.ones_(block.affinity.weight)
    torch.nn.init.constant_(block.query.bias, 5.0)
    assert reach(net, 2) == {0, 1, 2, 3, 4}


def test_graphs_that_cannot_be():
    with pytest.raises(
        ValueError, match=r"trees of \[16, 17\] joints \(h36m_16, h36m_17\); for 20"
    ):
        SemGCN(SemGCNConfig(20, 20))
    with pytest.raises(ValueError, match="one graph needs as many keypoints as joints, got 17"):
        SemGCNConfig(17, 16)
    for parents in [(-1, 0), (-1, 0, 7)]:
        with pytest.raises(ValueError, match="parents must hold one index per joint, -1 to 2"):
            SemGCNConfig(3, 3, parents=parents)
    with pytest.raises(ValueError, match="pairs must hold every joint from 0 to 2"):
        SemGCNConfig(3, 3, pairs=((0, 1),))


def test_another_tree_is_a_hint():
    state = SemGCN(SemGCNConfig(4, 4, channels=8, num_blocks=0, parents=(-1, 0, 1, 2))).state_dict()
    names = {"embed.0.conv.": "gconv_input.0.gconv.", "embed.0.bn.": "gconv_input.0.bn."}
    names |= {"head.": "gconv_output."}
    parameters = {"weight": "W", "edges": "e", "bias": "bias"}
    official = {}
    for key, value in state.items():
        ours = next(n for n in names if key.startswith(n))
        rest = key.removeprefix(ours)
        official[names[ours] + (rest if ".bn." in key else parameters[rest])] = value
    assert recognise(official)[1].num_joints == 4
    assert load_official(official, parents=(-1, 0, 1, 2)).config.parents == (-1, 0, 1, 2)
    with pytest.raises(ValueError, match="for 4 joints set parents"):
        load_official(official)
