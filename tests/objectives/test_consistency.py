"""Consistency: zero on what the latents can say, the same for every order of the formats."""

from dataclasses import replace

import pytest
import torch

from bridge_samples import ENDS, MIDDLES, bridge_file, untrained
from energy_samples import near_truth, pose_batch
from vitruve.objectives.consistency import ConsistencyConfig, ConsistencyObjective
from vitruve.skeletons import merge

BOTH = merge((ENDS, MIDDLES))


def make():
    return ConsistencyObjective(ConsistencyConfig(bridge_file(ENDS, MIDDLES)))


def test_value_by_the_equation():
    batch = pose_batch(BOTH)
    guess, bridge = near_truth(batch, hypotheses=2), untrained((ENDS, MIDDLES))
    joints = guess.joints_cam
    wanted = (joints - bridge.decoder @ bridge.encoder @ joints).abs().mean()
    assert make().loss(guess, batch).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_what_latents_can_say_costs_nothing_and_labels_do_not_matter():
    batch, bridge = pose_batch(BOTH), untrained((ENDS, MIDDLES))
    values, vectors = torch.linalg.eig(bridge.decoder.double() @ bridge.encoder.double())
    kept = vectors[:, (values - 1).abs().argmin()].real
    joints = kept.float()[:, None] * torch.tensor([1.0, 2.0, 3.0])
    guess = near_truth(batch)
    fixed = replace(guess, joints_cam=joints.expand_as(guess.joints_cam).clone())
    bare = replace(batch, joints_cam=None, valid=None, skeleton=None)
    assert make().loss(fixed, bare).item() == pytest.approx(0, abs=1e-5)


def test_formats_may_come_in_another_order():
    turned = merge((MIDDLES, ENDS))
    batch = pose_batch(turned)
    guess = near_truth(batch)
    order = [turned.names.index(name) for name in BOTH.names]
    same = replace(guess, skeleton=BOTH, joints_cam=guess.joints_cam[..., order, :])
    assert make().loss(guess, batch).item() == pytest.approx(make().loss(same, batch).item())


def test_the_estimator_learns_and_the_bridge_stays():
    batch, objective = pose_batch(BOTH), make()
    guess = near_truth(batch)
    joints = guess.joints_cam.clone().requires_grad_()
    objective.loss(replace(guess, joints_cam=joints), batch).backward()
    assert joints.grad.abs().sum() > 0
    assert not list(objective.parameters())
    step = replace(guess, joints_cam=(joints - 0.1 * joints.grad).detach())
    assert objective.loss(step, batch) < objective.loss(guess, batch)


def test_estimators_of_other_joints_are_refused():
    batch = pose_batch(ENDS)
    with pytest.raises(ValueError, match="'ends' has no joint 'ends/pelvis': merge the bridge's"):
        make().loss(near_truth(batch), batch)
    with pytest.raises(FileNotFoundError, match="absent: no such file"):
        ConsistencyObjective(ConsistencyConfig("absent"))
