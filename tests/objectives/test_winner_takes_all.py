"""Winner takes all keeps several answers apart that the mean would throw together."""

import torch

from vitruve.nets.heatmap_decoding import depth_hypotheses, expectation
from vitruve.objectives.hypotheses import score


def learnt_depths(count):
    """Depths learnt from pictures that look alike, half of them at -0.6 and half at 0.6."""
    torch.manual_seed(0)
    logits = (0.1 * torch.randn(24)).requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=0.1)
    truth = torch.tensor([-0.6, 0.6]).view(2, 1, 1, 1)
    known = torch.ones(2, 1, 1, 1, dtype=torch.bool)
    for _ in range(200):
        heat = logits.softmax(0)
        depth = expectation(heat)[None] if count == 1 else depth_hypotheses(heat, count, 5)[0]
        error, _ = score((depth.view(1, -1, 1, 1) - truth).abs(), known, "best")
        optimizer.zero_grad()
        error.mean().backward()
        optimizer.step()
    return depth.detach()


def test_two_depths_of_one_picture():
    single, several = learnt_depths(1), learnt_depths(3)
    nearest = [(several - truth).abs().min().item() for truth in (-0.6, 0.6)]
    assert max(nearest) < 0.1
    # One answer cannot be near both.
    assert max((single - truth).abs().item() for truth in (-0.6, 0.6)) > 0.5
