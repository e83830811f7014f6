"""The two-player step: nobody sees the other's gradient, and everybody learns."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from bridge_samples import bridge_file
from vitruve.estimators import Lifter, LifterConfig
from vitruve.nets import SimpleBaselineConfig, VideoPose3DConfig
from vitruve.objectives import OBJECTIVES, Objective, Term, frozen
from vitruve.objectives.consistency import ConsistencyConfig
from vitruve.objectives.geometry import GeometryConfig
from vitruve.objectives.limb_lengths import LimbLengthsConfig
from vitruve.objectives.mean_relative import MeanRelativeConfig
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.objectives.smoothness import SmoothnessConfig
from vitruve.objectives.task_position import TaskPositionConfig
from vitruve.recipes.sources.toy import TOY, ToySource, ToySourceConfig
from vitruve.training import Players, TrainConfig, train_step
from vitruve.training.step import average_gradients

NETS = {
    "simple_baseline": SimpleBaselineConfig(5, 5, width=64, num_blocks=1, dropout=0.0),
    "video_pose_3d": VideoPose3DConfig(5, 5, widths=(3, 1), channels=64, dropout=0.0),
}
CLOSE = PositionObjective(PositionConfig())
CONFIGS = {
    "consistency": ConsistencyConfig(bridge_file(TOY)),
    "geometry": GeometryConfig(),
    "limb_lengths": LimbLengthsConfig(symmetry=0.5),
    "mean_relative": MeanRelativeConfig(),
    "position": PositionConfig(),
    "smoothness": SmoothnessConfig(),
    "task_position": TaskPositionConfig(),
}
ELSEWHERE = {
    "absolute",
    "adversarial",
    "adversarial_2d",
    "anchors",
    "bone_constants",
    "depth_likelihood",
    "energy",
    "equivariance",
    "flatness",
    "keypoints",
    "mask",
    "multiview",
    "mutual_information",
    "projection",
    "proportions",
    "symmetry",
    "teacher",
    "view_labels",
}
"""Objectives that look at what these nets do not say, or are a moving target; they have tests of
their own."""


class Rival(Objective):
    """An energy: low on labels, high on predictions, when asked for its own loss."""

    def __init__(self):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(15, 8), nn.SiLU(), nn.Linear(8, 1))

    def energy(self, joints):
        return self.score(joints.flatten(-2)).mean()

    def loss(self, prediction, batch):
        return self.energy(prediction.joints_cam)

    def own_loss(self, prediction, batch):
        start = (batch.joints_cam.shape[-3] - prediction.joints_cam.shape[-3]) // 2
        label = batch.joints_cam[..., start : start + prediction.joints_cam.shape[-3], :, :]
        return self.energy(label - label[..., :1, :]) - self.energy(prediction.joints_cam)


class Watcher(Rival):
    """A rival that records which gradients the step leaves on it."""

    def loss(self, prediction, batch):
        assert not any(p.requires_grad for p in self.parameters())
        assert prediction.joints_cam.requires_grad
        return super().loss(prediction, batch)

    def own_loss(self, prediction, batch):
        assert not prediction.joints_cam.requires_grad
        return super().own_loss(prediction, batch)


def make_batch(window=9, size=8):
    source = ToySource(ToySourceConfig(window, 0.0), TrainConfig(batch_size=size), None)
    return source.batch_at(0)


def make_players(net="simple_baseline", terms=None, rate=3e-3, optimizer=torch.optim.Adam):
    estimator = Lifter(LifterConfig(TOY, TOY, net, NETS[net]))
    terms = terms or {"position": Term(PositionObjective(PositionConfig()))}
    return Players(estimator, optimizer(estimator.parameters(), lr=rate), terms)


def gradients(module):
    return {
        name: None if p.grad is None else p.grad.clone() for name, p in module.named_parameters()
    }


def test_no_gradient_leaks_into_the_rival():
    players = make_players(terms={"rival": Term(Watcher())}, optimizer=torch.optim.SGD)
    rival, batch = players.terms["rival"].objective, make_batch()
    prediction = players.estimator.training_forward(batch)
    rival.own_loss(prediction.detach(), batch).backward()
    alone = gradients(rival)
    rival.zero_grad(set_to_none=True)
    train_step(players, batch, 0)
    for name, gradient in gradients(rival).items():
        assert gradient is not None, name
        torch.testing.assert_close(gradient, alone[name], rtol=0, atol=0)
    assert all(p.requires_grad for p in rival.parameters())


def test_no_gradient_leaks_into_the_estimator():
    terms = {"rival": Term(Rival(), weight=0.0), "position": Term(CLOSE)}
    players, plain = make_players(terms=terms), make_players(terms={"position": Term(CLOSE)})
    plain.estimator.load_state_dict(players.estimator.state_dict())
    batch = make_batch()
    train_step(players, batch, 0)
    train_step(plain, batch, 0)
    for name, gradient in gradients(players.estimator).items():
        assert gradient is not None, name
        torch.testing.assert_close(gradient, gradients(plain.estimator)[name], rtol=0, atol=0)


def test_weight_zero_warms_up_the_objective_alone():
    players = make_players(terms={"rival": Term(Rival(), weight=lambda step: float(step >= 1))})
    rival, batch = players.terms["rival"].objective, make_batch()
    estimator = {k: v.clone() for k, v in players.estimator.named_parameters()}
    before = {k: v.clone() for k, v in rival.named_parameters()}
    logs = train_step(players, batch, 0)
    assert set(logs) == {"rival/own"}
    # Adding a constant to every energy changes nothing, so the last bias has no gradient.
    moved = [k for k, v in rival.named_parameters() if not torch.equal(v, before[k])]
    assert {"score.0.weight", "score.2.weight"} <= set(moved)
    assert all(torch.equal(v, estimator[k]) for k, v in players.estimator.named_parameters())
    assert "total" in train_step(players, batch, 1)
    assert any(not torch.equal(v, estimator[k]) for k, v in players.estimator.named_parameters())


def test_frozen_keeps_what_was_frozen_before():
    module = nn.Linear(2, 2)
    module.bias.requires_grad_(False)
    with frozen([module]):
        assert not module.weight.requires_grad
    assert module.weight.requires_grad
    assert not module.bias.requires_grad


@pytest.mark.parametrize("objective", sorted(OBJECTIVES.keys() - ELSEWHERE))
@pytest.mark.parametrize("net", NETS)
def test_every_net_overfits_one_batch_with_every_objective(net, objective):
    term = Term(OBJECTIVES[objective][0](CONFIGS[objective]))
    players, batch = make_players(net, {objective: term}, rate=1e-2), make_batch()
    first = train_step(players, batch, 0)["total"]
    for step in range(80):
        last = train_step(players, batch, step, clip_norm=1.0)["total"]
    assert last < 0.4 * first


def test_clipping_bounds_the_update():
    players = make_players(rate=1.0, optimizer=torch.optim.SGD)
    before = {k: v.clone() for k, v in players.estimator.named_parameters()}
    train_step(players, make_batch(), 0, clip_norm=1e-3)
    after = dict(players.estimator.named_parameters())
    moved = torch.cat([(after[k] - v).detach().flatten() for k, v in before.items()])
    assert moved.norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_processes_average_their_gradients(monkeypatch):
    class Two:
        world_size = 2

    def all_reduce(flat):
        flat += 3.0  # what the other process says

    module = nn.Linear(2, 1)
    module(torch.ones(1, 2)).sum().backward()
    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    average_gradients(module, Two())
    assert module.weight.grad.tolist() == [[2.0, 2.0]]
    assert module.bias.grad.tolist() == [2.0]


def test_a_gradient_that_is_not_finite_stops_the_run():
    players, batch = make_players(), make_batch()
    poisoned = replace(batch, joints_cam=batch.joints_cam * torch.nan)
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        train_step(players, poisoned, 0)
