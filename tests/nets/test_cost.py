import pytest
import torch
from test_nets_contract import make_clip, make_net
from torch.utils.flop_counter import FlopCounterMode

from vitruve.nets import (
    LIFTERS,
    MixSTE,
    MixSTEConfig,
    SimpleBaseline,
    SimpleBaselineConfig,
    VideoPose3D,
    VideoPose3DConfig,
)
from vitruve.nets.cost import cost_of, products_made, products_of


@pytest.mark.parametrize("name", LIFTERS)
def test_macs_are_half_of_the_operations_that_torch_counts(name):
    net = make_net(name).eval()
    frames = make_clip(net).shape[1]
    cost = cost_of(net, frames)
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        twin = type(net)(net.config).eval()
        answer = twin(torch.empty(1, frames, net.config.num_keypoints, 2))
    assert cost.macs == counter.get_total_flops() // 2
    assert cost.macs == sum(p.macs for p in products_of(net, 1, frames))
    assert sum(p.macs for p in products_of(net, 3, frames)) == 3 * cost.macs
    assert (cost.frames, cost.macs_per_frame) == (answer.shape[1], cost.macs / answer.shape[1])


def test_published_sizes():
    with torch.device("meta"):
        mixste = cost_of(MixSTE(MixSTEConfig(17, 17)))
        simple = cost_of(SimpleBaseline(SimpleBaselineConfig(16, 16)))
        video = cost_of(VideoPose3D(VideoPose3DConfig(17, 17)), 243)
    assert mixste.parameters == 33_783_811
    # 139.0 G in papers that compare with it; with attention's products 147.4 G.
    assert mixste.layer_macs == pytest.approx(139.0e9, rel=5e-4)
    assert mixste.macs == pytest.approx(147.4e9, rel=5e-4)
    assert mixste.layer_macs_per_frame == mixste.layer_macs / 243
    assert (simple.parameters, simple.macs) == (4_291_632, simple.layer_macs)
    assert simple.macs == pytest.approx(4.3e6, rel=1e-2)
    assert video.macs == pytest.approx(2.61e9, rel=1e-3)


def test_both_conventions_by_hand():
    net = MixSTE(MixSTEConfig(5, 5, num_frames=7, channels=8, depth=1, num_heads=2))
    tokens, c = 5 * 7, 8
    linear = tokens * (2 * c + 2 * (3 * c * c + c * c + 2 * 2 * c * c) + 3 * c)
    attention = 2 * tokens * c * (5 + 7)
    norms = 4 * tokens * c * 7
    with torch.inference_mode():
        cost = cost_of(net)
    assert (cost.macs, cost.layer_macs) == (linear + attention, linear + norms)


def test_products_of_a_backward_pass_count_too():
    layer, x = torch.nn.Linear(3, 4), torch.randn(5, 3)
    assert [p.macs for p in products_made(lambda: layer(x))] == [60]
    # The weights' gradient; then that of the inputs as well.
    assert [p.macs for p in products_made(lambda: layer(x).sum().backward())] == [60, 60]
    x.requires_grad_()
    assert [p.macs for p in products_made(lambda: layer(x).sum().backward())] == [60, 60, 60]
