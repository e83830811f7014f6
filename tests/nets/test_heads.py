"""One output layer or two, in the nets that offer the switch."""

import pytest
import torch

from vitruve.nets import DSTFormer, DSTFormerConfig, MixSTE, MixSTEConfig
from vitruve.nets.heads import SplitHead

NETS = {"dstformer": (DSTFormer, DSTFormerConfig), "mixste": (MixSTE, MixSTEConfig)}


def make_net(name, heads):
    torch.manual_seed(0)
    net, config = NETS[name]
    return net(config(5, 5, num_frames=4, channels=16, depth=1, num_heads=2, heads=heads)).eval()


def split_head(net):
    return next(module for module in net.modules() if isinstance(module, SplitHead))


@pytest.mark.parametrize("name", NETS)
def test_each_loss_trains_its_own_head_and_the_shared_rest(name):
    net = make_net(name, "split")
    head = split_head(net)
    joints = net(torch.randn(2, 4, 5, 2))
    depth_only = torch.autograd.grad(
        joints[..., 2].abs().sum(),
        [head.plane.weight, head.depth.weight, net.embed.weight],
        allow_unused=True,
        retain_graph=True,
    )
    assert [g is not None and bool(g.any()) for g in depth_only] == [False, True, True]
    plane_only = torch.autograd.grad(
        joints[..., :2].square().sum(), [head.plane.weight, head.depth.weight, net.embed.weight]
    )
    assert [bool(g.any()) for g in plane_only] == [True, False, True]


@pytest.mark.parametrize("name", NETS)
def test_split_heads_can_say_what_one_head_says(name):
    joint, split = make_net(name, "joint"), make_net(name, "split")
    state = joint.state_dict()
    key = next(k for k in state if k.startswith("head.") and state[k].shape[0] == 3)
    prefix = key.rpartition(".")[0]
    for part in ("weight", "bias"):
        rows = state.pop(f"{prefix}.{part}")
        state[f"{prefix}.plane.{part}"], state[f"{prefix}.depth.{part}"] = rows[:2], rows[2:]
    split.load_state_dict(state)
    x = torch.randn(2, 4, 5, 2)
    torch.testing.assert_close(split(x), joint(x))
