"""Ghost norms, fixed norms and max-norm."""

import pytest
import torch
from torch import nn

from vitruve.nets.regularised import GhostBatchNorm2d, fix_norms, limit_norms, to_ghost_norms


def test_groups_do_not_see_each_other():
    norm, x = GhostBatchNorm2d(3, group=2), torch.randn(5, 3, 4, 4)
    alone = GhostBatchNorm2d(3, group=2)(x[:2])
    out = norm(torch.cat([x[:2], 100 * x[2:]]))
    assert torch.allclose(out[:2], alone)
    # The last group takes the odd example along.
    assert torch.allclose(out[2:].mean((0, 2, 3)), torch.zeros(3), atol=1e-5)


def test_evaluation_is_that_of_a_batch_norm():
    plain, x = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), torch.randn(8, 3, 2, 2)
    plain(x)
    ghost = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    ghost.load_state_dict(plain.state_dict())
    to_ghost_norms(ghost, group=4)
    assert isinstance(ghost[1], GhostBatchNorm2d)
    assert torch.equal(ghost.eval()(x), plain.eval()(x))


def test_fixed_norms_learn_no_statistics():
    net, x = nn.Sequential(nn.BatchNorm2d(2)), torch.randn(4, 2, 3, 3)
    net.train()
    fix_norms(net)
    assert torch.allclose(net(x), x, atol=1e-4)
    assert net[0].running_mean.abs().sum() == 0


def test_kernels_are_limited_by_output_channel():
    conv = nn.Conv2d(2, 2, 3)
    nn.init.constant_(conv.weight, 1.0)
    with torch.no_grad():
        conv.weight[1] *= 0.1
    limit_norms(nn.Sequential(conv), 2.0)
    assert conv.weight.flatten(1).norm(dim=1).tolist() == pytest.approx([2.0, 0.1 * 18**0.5])


def test_a_group_has_an_example():
    with pytest.raises(ValueError, match="group must be 1 or more, got 0"):
        GhostBatchNorm2d(1, group=0)
