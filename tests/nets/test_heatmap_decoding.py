"""Heatmap decoding: against the published one, and where peaks are missing."""

import json
from pathlib import Path

import pytest
import torch

from vitruve.nets.heatmap_decoding import (
    cell_positions,
    depth_hypotheses,
    expectation,
    marginals,
)

GOLDEN = json.loads((Path(__file__).parent / "golden_heatmap_decoding.json").read_text())


def peaks_at(*cells, num_cells=16, height=1.0):
    """A marginal of narrow peaks, each less high than the one before."""
    heat = torch.full((num_cells,), 1e-4)
    for rank, cell in enumerate(cells):
        heat[cell] = height / (rank + 1)
    return heat / heat.sum()


def test_published_hypotheses():
    x, y, depth = (torch.tensor(GOLDEN[axis]) for axis in ("x", "y", "depth"))
    wanted = torch.tensor(GOLDEN["joints"])
    found, heights = depth_hypotheses(depth, 3, GOLDEN["window"], "edges")
    torch.testing.assert_close(found.T, wanted[..., 2], atol=1e-5, rtol=0)
    for axis, marginal in enumerate((x, y)):
        plane = expectation(marginal, "edges").expand(3, -1)
        torch.testing.assert_close(plane, wanted[..., axis], atol=1e-5, rtol=0)
    assert (heights > 0).all()


def test_cells_lie_evenly_about_the_middle():
    assert cell_positions(4, like=torch.zeros(1)).tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert cell_positions(4, "edges", like=torch.zeros(1)).tolist() == [-1.0, -0.5, 0.0, 0.5]
    assert cell_positions(1, like=torch.zeros(1)).tolist() == [0.0]


def test_marginals_are_probabilities_of_each_axis():
    logits = torch.randn(2, 3, 4, 5, 6)
    x, y, depth = marginals(logits)
    assert (x.shape, y.shape, depth.shape) == ((2, 3, 6), (2, 3, 5), (2, 3, 4))
    for marginal in (x, y, depth):
        torch.testing.assert_close(marginal.sum(-1), torch.ones(2, 3))
    heat = logits.flatten(2).softmax(-1).view_as(logits)
    torch.testing.assert_close(depth, heat.sum((-1, -2)))
    torch.testing.assert_close(y, heat.sum((-1, -3)))


def test_peaks_come_highest_first():
    marginal = peaks_at(11, 3)
    at = cell_positions(16, like=marginal)
    depth, height = depth_hypotheses(marginal, 2, window=3)
    torch.testing.assert_close(depth, at[[11, 3]], atol=1e-3, rtol=0)
    assert height.tolist() == pytest.approx(marginal[[11, 3]].tolist())


def test_too_few_peaks_repeat_the_highest():
    # Two separate bumps and nothing flat between them.
    marginal = torch.tensor([1.0, 2, 9, 2, 1, 2, 5, 2]) / 24
    depth, height = depth_hypotheses(marginal, 4, window=3)
    assert depth[2].item() == depth[3].item() == depth[0].item()
    assert (height > 0).tolist() == [True, True, False, False]


def test_ripples_are_no_peaks_where_that_is_asked_for():
    marginal = torch.tensor([0.0, 0.6, 0.1, 0.28, 0.0, 0.02, 0.0])
    depth, height = depth_hypotheses(marginal, 3, window=1)
    assert height.tolist() == pytest.approx([0.6, 0.28, 0.02])
    depth, height = depth_hypotheses(marginal, 3, window=1, least=0.05)
    assert height.tolist() == pytest.approx([0.6, 0.28, 0.0])
    assert depth[2] == depth[0] != depth[1]


def test_without_an_inner_peak_the_largest_counts():
    marginal = torch.tensor([8.0, 4, 2, 1]) / 15
    depth, height = depth_hypotheses(marginal, 2, window=1)
    assert depth.tolist() == [-0.75, -0.75]
    assert height.tolist() == pytest.approx([8 / 15, 0.0])


def test_more_hypotheses_than_cells():
    depth, height = depth_hypotheses(torch.ones(2, 1), 3, window=3)
    assert depth.tolist() == [[0.0] * 3] * 2
    assert height.tolist() == [[1.0, 0.0, 0.0]] * 2


def test_only_the_window_gets_a_gradient():
    marginal = peaks_at(4, 12).requires_grad_()
    depth_hypotheses(marginal, 1, window=3)[0].sum().backward()
    touched = (marginal.grad != 0).nonzero()[:, 0].tolist()
    assert set(touched) <= {3, 4, 5}
    assert touched


def test_an_even_window_is_refused():
    with pytest.raises(ValueError, match="window odd, got 2 and 4"):
        depth_hypotheses(torch.ones(8) / 8, 2, window=4)


def test_autocast_does_not_round_coordinates():
    logits = torch.randn(2, 3, 16, 8, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    plain = [expectation(m) for m in marginals(logits.float())]
    peaks, _ = depth_hypotheses(marginals(logits.float())[2], 2, 5)
    with torch.autocast("cpu", torch.bfloat16):
        found = [expectation(m) for m in marginals(logits)]
        found_peaks, _ = depth_hypotheses(marginals(logits)[2], 2, 5)
    for one, other in zip([*found, found_peaks], [*plain, peaks], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)
