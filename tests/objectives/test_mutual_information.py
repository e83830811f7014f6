"""Mutual information: what was planted is found, nothing else is, and gradients stay apart."""

import math
from dataclasses import replace

import pytest
import torch

from vitruve.objectives import Term, frozen
from vitruve.objectives.mutual_information import (
    MutualInformationConfig,
    MutualInformationObjective,
)
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

PAIR = Skeleton("pair", ("root", "tip"), (-1, 0))
BOUNDS = ("barber_agakov", "info_nce")
NOISE_M = 0.02
B, T, C = 16, 4, 8


def make_pair(seed, *, planted=True):
    """Labels of a tip that a part of the features tells up to noise; the root stays."""
    drawn = torch.Generator().manual_seed(seed)
    features = torch.randn(B, 2, T, 2, C, generator=drawn)
    source = features if planted else torch.randn(features.shape, generator=drawn)
    told = torch.stack([source[:, 0, ..., 0], source[:, 0, ..., 1], source[:, 1, ..., 2]], dim=-1)
    joints = 0.2 * told + NOISE_M * torch.randn(told.shape, generator=drawn)
    joints[:, :, 0] = 0.0
    seen = torch.ones(B, T, 2, dtype=torch.bool)
    batch = PoseBatch(
        keypoint_skeleton=PAIR,
        keypoints_px=joints[..., :2],
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=torch.full((B, 2), 100.0),
        skeleton=PAIR,
        joints_cam=joints + torch.tensor([0.5, 0.5, 4.0]),
        valid=seen,
    )
    return Prediction(PAIR, torch.zeros(B, 1, T, 2, 3), features=features), batch


def make_objective(bound, **settings):
    torch.manual_seed(0)
    return MutualInformationObjective(
        MutualInformationConfig(channels=C, bound=bound, hidden=32, **settings)
    )


def learn(objective, *, planted=True, steps=200):
    """Losses on samples never seen, before and after learning."""
    held_out = make_pair(999, planted=planted)
    before = objective.loss(*held_out).item()
    optimizer = torch.optim.Adam(objective.parameters(), lr=1e-2)
    for step in range(steps):
        optimizer.zero_grad()
        objective.own_loss(*make_pair(step, planted=planted)).backward()
        optimizer.step()
    return before, objective.loss(*held_out).item()


def test_barber_agakov_finds_the_planted_information():
    objective = make_objective("barber_agakov", weight_depth=0.0)
    before, after = learn(objective)
    # The best that a density can say is the entropy of the noise, or without features of it all.
    of_noise, of_label = (
        2 * (0.5 * math.log(2 * math.pi * math.e) + math.log(scale))
        for scale in (NOISE_M, math.hypot(NOISE_M, 0.2))
    )
    assert of_noise < after < of_noise + 1 < before
    _, blind = learn(make_objective("barber_agakov", weight_depth=0.0), planted=False)
    assert blind > of_label - 0.2


def test_info_nce_finds_the_planted_information():
    before, after = learn(make_objective("info_nce", weight_depth=0.0))
    assert after < 0.8 < before - 1
    _, blind = learn(make_objective("info_nce", weight_depth=0.0), planted=False)
    assert blind > math.log(B) - 0.1


def test_the_root_tells_nothing():
    said, batch = make_pair(0)
    said = replace(said, features=said.features.requires_grad_())
    make_objective("barber_agakov").loss(said, batch).backward()
    assert (said.features.grad[..., 0, :] == 0).all()
    assert (said.features.grad[..., 1, :] != 0).any()


@pytest.mark.parametrize("bound", BOUNDS)
def test_minimising_the_loss_raises_the_information(bound):
    """Features that learn with frozen bounds come to tell the label better."""
    objective = make_objective(bound)
    learn(objective, steps=100)
    said, batch = make_pair(0, planted=False)
    features = said.features.clone().requires_grad_()
    optimizer = torch.optim.Adam([features], lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        with frozen([objective]):
            loss = objective.loss(replace(said, features=features), batch)
            loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize("bound", BOUNDS)
def test_neither_player_sees_the_others_gradient(bound):
    objective = make_objective(bound)
    said, batch = make_pair(0)
    said = replace(said, features=said.features.requires_grad_())
    objective.own_loss(said.detach(), batch).backward()
    assert said.features.grad is None
    assert all(p.grad.abs().sum() > 0 for p in objective.parameters())
    objective.zero_grad()
    with frozen([objective]):
        objective.loss(said, batch).backward()
    assert (said.features.grad.abs().sum(dim=(0, 2, 3, 4)) > 0).all()
    assert all(p.grad is None for p in objective.parameters())


@pytest.mark.parametrize("bound", BOUNDS)
def test_a_missing_label_pulls_no_feature(bound):
    said, batch = make_pair(0)
    said = replace(said, features=said.features.requires_grad_())
    valid = batch.valid.clone()
    valid[3, 1, 1] = False
    make_objective(bound).loss(said, replace(batch, valid=valid)).backward()
    assert (said.features.grad[3, :, 1, 1] == 0).all()
    assert (said.features.grad[2, :, 1, 1] != 0).any()


def test_the_weights_of_the_tasks():
    said, batch = make_pair(0)

    def loss(**weights):
        return make_objective("barber_agakov", **weights).loss(said, batch).item()

    one, other = loss(weight_depth=0.0), loss(weight_2d=0.0)
    assert loss(weight_2d=2.0, weight_depth=3.0) == pytest.approx(2 * one + 3 * other, rel=1e-5)


def test_clips_without_a_batch_axis():
    said, batch = make_pair(0)
    objective = make_objective("barber_agakov")
    one = objective.loss(said.map(lambda x: x[0]), batch.map(lambda x: x[0]))
    kept = objective.loss(said.map(lambda x: x[:1]), batch.map(lambda x: x[:1]))
    torch.testing.assert_close(one, kept)


def test_it_learns_by_itself():
    assert Term(make_objective("info_nce")).make_optimizer() is not None


def test_missing_and_unfit_features_are_named():
    said, batch = make_pair(0)
    objective = make_objective("barber_agakov")
    with pytest.raises(ValueError, match=r"needs Prediction.features, and this estimator gives"):
        objective.loss(replace(said, features=None), batch)
    with pytest.raises(ValueError, match=r"2 tasks of 8 channels, .* gives 2 of 4; set channels=4"):
        objective.loss(replace(said, features=said.features[..., :4]), batch)
