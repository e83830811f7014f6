"""The game of detector and discriminator: who gets which gradient, and that it teaches."""

import copy
from dataclasses import replace

import pytest
import torch

import vitruve
from energy_samples import near_truth
from picture_samples import H36M_18, detector_batch
from vitruve.estimators import ConstantPose, ConstantPoseConfig
from vitruve.nets.pose_discriminator import DiscriminatorConfig
from vitruve.objectives import Term, frozen
from vitruve.objectives.adversarial import AdversarialConfig, AdversarialObjective
from vitruve.objectives.hypotheses import score
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.training import Players, train_step


def make_objective(kind="graph", **settings):
    settings = {"channels": 16, "hidden": 16, "dropout": 0.0, **settings}
    return AdversarialObjective(AdversarialConfig(DiscriminatorConfig(H36M_18, kind, **settings)))


@pytest.mark.parametrize("kind", ["mlp", "graph"])
def test_the_estimator_gets_a_gradient_and_the_discriminator_none(kind):
    objective, batch = make_objective(kind), detector_batch()
    guess = near_truth(batch, hypotheses=2)
    joints = guess.joints_cam.requires_grad_()
    with frozen([objective]):
        objective.loss(replace(guess, joints_cam=joints), batch).backward()
    assert all(p.grad is None for p in objective.parameters())
    # One of both hypotheses of each sample, and of it every joint.
    pulled = joints.grad.abs().sum((-1, -2, -3)) > 0
    assert (pulled.sum(1) == 1).all()
    assert (joints.grad.abs().sum((0, 1, 2, 4)) > 0).all()


def test_in_a_step_neither_sees_the_others_gradient():
    batch, estimator = detector_batch(), ConstantPose(ConstantPoseConfig(H36M_18))
    objective = make_objective()
    optimizer = torch.optim.SGD(estimator.parameters(), lr=0.0)
    players = Players(estimator, optimizer, {"game": Term(objective, 1.0)})
    start = copy.deepcopy(objective.state_dict())
    train_step(players, batch, 0)
    # The estimator's gradient is that of its loss against the discriminator as it is now.
    with frozen([objective]):
        loss = objective.loss(estimator(batch), batch)
    (alone,) = torch.autograd.grad(loss, [estimator.joints])
    torch.testing.assert_close(estimator.joints.grad, alone)
    assert alone.abs().sum() > 0
    # The discriminator's is that of its own loss against the prediction, before it moved.
    twin = make_objective()
    twin.load_state_dict(start)
    twin.own_loss(estimator(batch).detach(), batch).backward()
    for own, wanted in zip(objective.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(own.grad, wanted.grad)


def test_own_loss_leaves_the_prediction_alone():
    objective, batch = make_objective(), detector_batch()
    objective.own_loss(near_truth(batch).detach(), batch).backward()
    assert all(p.grad.abs().sum() > 0 for p in objective.parameters())


def test_scores_by_hand(monkeypatch):
    objective, batch = make_objective(), detector_batch(b=2)
    guess = near_truth(batch, hypotheses=2)
    real = batch.prior_cam.flatten(0, 1)

    def scores(poses):
        return torch.full((len(poses),), 0.9 if torch.equal(poses, real) else 0.2)

    monkeypatch.setattr(objective.discriminator, "forward", scores)
    assert objective.loss(guess, batch).item() == pytest.approx(0.5 * 0.8**2)
    own = objective.own_loss(guess, batch).item()
    assert own == pytest.approx(0.5 * 0.1**2 + 0.5 * 0.2**2)


def test_a_pose_moves_towards_the_prior():
    batch = detector_batch(b=8)
    prior = torch.zeros(18, 3)
    prior[:, 1] = torch.linspace(-0.8, 0.8, 18)
    prior = prior - prior[0]
    drawn = prior + 0.05 * torch.randn(8, 4, 18, 3)
    batch = replace(batch, prior_cam=drawn)
    estimator = ConstantPose(ConstantPoseConfig(H36M_18))
    objective = make_objective("mlp")
    optimizer = torch.optim.Adam(estimator.parameters(), lr=5e-3, betas=(0.5, 0.9))
    players = Players(estimator, optimizer, {"game": Term(objective, 1.0, 3e-3)})

    def away():
        joints = estimator.joints - estimator.joints[0]
        return (joints - prior).norm(dim=-1).mean().item()

    first = away()
    for step in range(200):
        train_step(players, batch, step)
    assert away() < 0.6 * first


def test_what_is_lacking_is_named():
    objective, batch = make_objective(), detector_batch()
    with pytest.raises(ValueError, match=r"needs PoseBatch\.prior_cam, poses that can be"):
        objective.own_loss(near_truth(batch), replace(batch, prior_cam=None))
    other = detector_batch(vitruve.skeleton("h36m_17"))
    with pytest.raises(ValueError, match="knows poses of skeleton 'h36m_18', these are of"):
        objective.loss(near_truth(other), other)


def test_the_winner_is_chosen_for_each_sample():
    error = torch.tensor([[[[1.0, 3.0]], [[2.0, 2.5]]], [[[5.0, 0.0]], [[0.0, 9.0]]]])
    known = torch.ones(2, 1, 1, 2, dtype=torch.bool)
    best, valid = score(error, known, "best")
    assert best.flatten().tolist() == [1.0, 3.0, 5.0, 0.0]
    assert valid.all()
    known[1, :, :, 1] = False
    best, valid = score(error, known, "best")
    assert best[1].where(valid[1], -1.0).flatten().tolist() == [0.0, -1.0]
    every, _ = score(error, known, "all")
    assert every is error


def test_position_can_take_the_best_hypothesis():
    batch = detector_batch(b=3)
    truth = (batch.joints_cam - batch.joints_cam[:, :, :1]).unsqueeze(1)
    guess = replace(
        near_truth(batch), joints_cam=torch.cat([truth + 0.5, truth], 1).requires_grad_()
    )
    best = PositionObjective(PositionConfig(hypotheses="best")).loss(guess, batch)
    assert best.item() == 0
    every = PositionObjective(PositionConfig()).loss(guess, batch)
    assert every.item() == pytest.approx(0.5 * 3**0.5 / 2, rel=1e-4)
