import pytest
import torch
from nets_golden import RULES, TOLERANCE, make_inputs, make_state, read_cases

from vitruve.nets import RayBlend, RayBlendConfig, load_official, recognise

CASE = read_cases("ray_blend")["pstmo_refine_official"]


@pytest.mark.parametrize("rule", RULES)
def test_agrees_with_the_published_net(rule):
    net = load_official(make_state(CASE, rule))
    given = make_inputs(CASE)
    blended = net(given["x"], given["x1"]).detach()
    # Its output was not kept, but described.
    largest, deviation = CASE[rule]["largest"], CASE[rule]["deviation"]
    assert blended.shape == (2, 1, 17, 3)
    assert float(blended.abs().max()) == pytest.approx(largest, rel=TOLERANCE)
    assert float(blended.std()) == pytest.approx(deviation, rel=TOLERANCE)
    assert torch.equal(blended[..., 2], given["x"][..., 2])


def test_the_published_size_is_recognised():
    state = make_state(CASE, "w05")
    assert recognise({f"module.{k}": v for k, v in state.items()}) == (
        "ray_blend",
        RayBlendConfig(17),
    )
    net = load_official(state)
    assert sum(p.numel() for p in net.parameters()) == CASE["param_count"]
    assert RayBlend.config_from_official({"a": torch.zeros(1)}) is None
    with pytest.raises(KeyError, match="no rule for official key 'post_refine"):
        load_official({**state, "post_refine.6.bias": torch.zeros(1)})


def test_x_and_y_lie_between_the_two_poses():
    torch.manual_seed(0)
    net = RayBlend(RayBlendConfig(5, hidden=16)).eval()
    lifted, on_rays = torch.randn(2, 3, 4, 5, 3)
    blended = net(lifted, on_rays)[..., :2]
    low, high = torch.stack([lifted, on_rays])[..., :2].aminmax(dim=0)
    assert ((blended > low) & (blended < high)).all()
    alone = net(lifted[:, 2:3], on_rays[:, 2:3])
    torch.testing.assert_close(alone, net(lifted, on_rays)[:, 2:3])


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    net = RayBlend(RayBlendConfig(5, hidden=16))
    net(*torch.randn(2, 3, 4, 5, 3)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
