"""The likelihood of depths: by hand, and what it teaches a depth axis."""

import pytest
import torch

from vitruve.objectives.depth_likelihood import DepthLikelihoodConfig, DepthLikelihoodObjective
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

PAIR = Skeleton("pair", ("root", "tip"), (-1, 0))
CELLS_M = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])


def batch_of(*tip_depths_m):
    """The tip of each example lies so far behind its root."""
    joints = torch.zeros(len(tip_depths_m), 1, 2, 3)
    joints[:, 0, 1, 2] = torch.tensor(tip_depths_m)
    seen = torch.ones(joints.shape[:-1], dtype=torch.bool)
    size = torch.full((len(joints), 2), 100.0)
    points = joints[..., :2]
    placed = joints + torch.tensor([0.3, 0.1, 4.0])
    return PoseBatch(
        PAIR, points, seen, seen.float(), size, skeleton=PAIR, joints_cam=placed, valid=seen
    )


def saying(logits, batch):
    """An estimator with the same heat for all joints of all examples."""
    chance = logits.log_softmax(-1).expand(*batch.valid.shape, -1)
    cells = torch.stack([CELLS_M.expand_as(chance), chance], -1)
    return Prediction(PAIR, torch.zeros_like(batch.joints_cam)[:, None], depth_cells=cells)


def test_the_likelihood_by_hand():
    objective = DepthLikelihoodObjective(DepthLikelihoodConfig(spread_m=0.1))
    batch = batch_of(0.5)
    logits = torch.tensor([0.0, 0.0, 1.0, 2.0, 0.0])
    chance = logits.softmax(-1)
    # Cells are five standard deviations apart, so that each depth is one cell's.
    wanted = -(chance[2].log() + chance[3].log()) / 2
    assert objective.loss(saying(logits, batch), batch).item() == pytest.approx(
        wanted.item(), abs=1e-4
    )


def test_peaks_end_where_depths_are_as_high_as_those_are_frequent():
    objective = DepthLikelihoodObjective(DepthLikelihoodConfig(spread_m=0.1))
    batch = batch_of(-0.5, 1.0, 1.0, 1.0)
    logits = torch.zeros(5, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(400):
        optimizer.zero_grad()
        objective.loss(saying(logits, batch), batch).backward()
        optimizer.step()
    # Half of all joints are roots.
    wanted = torch.tensor([0.0, 1 / 8, 1 / 2, 0.0, 3 / 8])
    torch.testing.assert_close(logits.detach().softmax(-1), wanted, atol=0.01, rtol=0)


def test_an_estimator_without_depth_cells_is_refused():
    batch = batch_of(0.5)
    said = Prediction(PAIR, batch.joints_cam[:, None])
    with pytest.raises(ValueError, match="needs an estimator that says depth_cells"):
        DepthLikelihoodObjective(DepthLikelihoodConfig()).loss(said, batch)
