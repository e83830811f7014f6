"""A net as a CUDA graph: what is refused, and on a GPU that it answers as the net does."""

import pytest
import torch

from vitruve.estimators.cuda_graph import replayed
from vitruve.nets import LIFTERS


def net(**settings):
    build, config = LIFTERS["mixste"]
    torch.manual_seed(0)
    return build(config(17, 17, num_frames=9, channels=16, depth=2, num_heads=2, **settings))


def test_only_a_gpu_has_graphs():
    with pytest.raises(ValueError, match="in training and the input on cpu"):
        replayed(net(), torch.zeros(1, 9, 17, 2))
    with pytest.raises(ValueError, match="in eval mode and the input on cpu"):
        replayed(net().eval(), torch.zeros(1, 9, 17, 2))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_graph_answers_as_the_net_does(precision):
    lifter = net().eval().cuda()
    first, second = torch.randn(2, 1, 9, 17, 2, device="cuda")
    run = replayed(lifter, first, precision)
    with torch.inference_mode():
        for x in (second, first):
            torch.testing.assert_close(run(x).float(), lifter(x), atol=0.05, rtol=0.05)
        lifter.head[-1].weight.mul_(2)
        torch.testing.assert_close(run(first).float(), lifter(first), atol=0.05, rtol=0.05)
