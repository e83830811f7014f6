"""Refinement: down the energy by steps of one length, with the root where it is."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

import vitruve
import vitruve.estimators.refine as refine
from energy_samples import (
    H36M,
    energy_config,
    make_energy,
    near_truth,
    pose_batch,
    relative_joints,
)
from vitruve.estimators import Lifter, LifterConfig, predict_flipped, predict_with_spread
from vitruve.estimators.refine import RefineConfig, RefinedEstimator, descend
from vitruve.nets import SimpleBaselineConfig, VideoPose3DConfig
from vitruve.nets.pose_evidence import evidence_of


class Bowl(nn.Module):
    """A quadratic energy whose lowest point is known; it does not look at the evidence."""

    def __init__(self, lowest, steepness=1.0):
        super().__init__()
        self.config = energy_config("mlp")
        self.lowest = nn.Parameter(lowest)
        self.steepness = steepness

    def forward(self, joints, evidence):
        return self.steepness * (joints - self.lowest).square().sum((-2, -1))


def start(n=6):
    """Poses (n, j, 3), evidence, and truths they should get to."""
    batch = pose_batch(b=n, t=1)
    joints = near_truth(batch).joints_cam.flatten(0, 2)
    return joints, evidence_of(batch, H36M).flat(), relative_joints(batch).flatten(0, 1)


def rms_mm(move):
    return 1000 * move.square().sum(-1).mean(-1).sqrt()


def make_lifter(net="video_pose_3d"):
    configs = {
        "simple_baseline": SimpleBaselineConfig(17, 17, width=16, num_blocks=1),
        "video_pose_3d": VideoPose3DConfig(17, 17, widths=(3,), channels=16),
    }
    return Lifter(LifterConfig(H36M, H36M, net, configs[net])).eval()


def test_the_energy_of_a_bowl_falls_with_every_small_step():
    joints, evidence, truth = start()
    energies = [e for _, e in descend(Bowl(truth), joints, evidence, RefineConfig(steps=20))]
    assert len(energies) == 21
    for before, after in pairwise(energies):
        assert (after < before).all()


@pytest.mark.parametrize("step_mm", [0.1, 5.0])
@pytest.mark.parametrize("steepness", [1e-25, 1e-6, 1.0, 1e6])
def test_every_step_is_as_long_as_asked_however_steep_the_energy(steepness, step_mm):
    joints, evidence, truth = start()
    config = RefineConfig(steps=3, step_mm=step_mm)
    poses = [p for p, _ in descend(Bowl(truth, steepness), joints, evidence, config)]
    for before, after in pairwise(poses):
        torch.testing.assert_close(
            rms_mm(after - before), torch.full((6,), step_mm), rtol=1e-2, atol=0
        )
    # Straight towards the lowest point.
    moved = torch.nn.functional.cosine_similarity(
        (poses[1] - poses[0]).flatten(1), (truth - poses[0]).flatten(1)
    )
    torch.testing.assert_close(moved, torch.ones(6), rtol=0, atol=1e-3)


def test_a_pose_at_the_bottom_stays():
    joints, evidence, _ = start()
    *_, (after, energy) = descend(Bowl(joints.clone()), joints, evidence, RefineConfig())
    assert torch.equal(after, joints)
    assert (energy == 0).all()


def test_the_root_stays_where_it_is():
    joints, evidence, truth = start()
    for energy in (Bowl(truth + 1.0), make_energy("graph", structure=True)):
        *_, (after, _) = descend(energy, joints, evidence, RefineConfig(step_mm=5.0))
        assert (after[:, H36M.root] == 0).all()
        assert (after[:, 1:] != joints[:, 1:]).any(-1).all()


def test_poses_of_low_energy_stay_as_they_are():
    joints, evidence, truth = start()
    begun = Bowl(truth)(joints, evidence).detach()
    enough = begun.median().item()
    config = RefineConfig(steps=4, enough=enough)
    *_, (after, energy) = descend(Bowl(truth), joints, evidence, config)
    low = begun <= enough
    assert 0 < low.sum() < 6
    assert torch.equal(after[low], joints[low])
    assert (energy[~low] < begun[~low]).all()
    # Each goes on until it is low enough, and no further.
    *_, (_, energy) = descend(Bowl(truth), joints, evidence, replace(config, steps=400))
    assert (energy <= enough).all()
    assert (energy[~low] > 0.9 * enough).all()


def test_no_step_changes_nothing():
    joints, evidence, truth = start()
    ((after, energy),) = descend(Bowl(truth), joints, evidence, RefineConfig(steps=0))
    assert torch.equal(after, joints)
    torch.testing.assert_close(energy, Bowl(truth)(joints, evidence).detach())


def test_parts_of_a_long_clip_are_refined_as_the_whole(monkeypatch):
    joints, evidence, _ = start()
    energy = make_energy("graph", structure=True)
    whole = list(descend(energy, joints, evidence, RefineConfig(steps=2)))
    monkeypatch.setattr(refine, "_JOINTS_AT_ONCE", 2 * 17 + 1)
    sizes = []
    energy.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    parts = list(descend(energy, joints, evidence, RefineConfig(steps=2)))
    assert sizes == [2, 2, 2] * 3
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("net", ["graph", "mlp"])
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, torch.enable_grad])
def test_an_estimator_is_refined_whatever_its_caller_does_about_gradients(mode, net):
    batch = pose_batch(t=5)
    lifter, energy = make_lifter(), make_energy(net, structure=True)
    refined = RefinedEstimator(lifter, energy, RefineConfig(steps=5, step_mm=2.0))
    with mode():
        plain, better = lifter(batch), refined(batch)
    assert better.joints_cam.shape == plain.joints_cam.shape == (4, 1, 5, 17, 3)
    evidence = evidence_of(batch, H36M).of_each(plain.joints_cam).flat()
    energies = [energy(p.joints_cam.flatten(end_dim=-3), evidence) for p in (plain, better)]
    assert (energies[1] < energies[0]).all()
    far = rms_mm(better.joints_cam - plain.joints_cam)
    assert (far > 2.0).all()
    assert (far < 10.01).all()
    assert (better.joints_cam[..., H36M.root, :] == 0).all()
    assert not any(p.grad is not None for p in refined.parameters())


def test_it_is_refined_in_inference_mode_as_outside_of_it():
    batch = pose_batch(t=3)
    refined = RefinedEstimator(make_lifter(), make_energy("mlp"), RefineConfig(steps=3))
    with torch.inference_mode():
        inside = refined(batch).joints_cam
    torch.testing.assert_close(inside.clone(), refined(batch).joints_cam.detach())


@pytest.mark.parametrize("net", ["video_pose_3d", "simple_baseline"])
def test_flips_and_spread_take_a_refined_estimator(net):
    batch = pose_batch(b=2, t=5)
    lifter = make_lifter(net)
    refined = RefinedEstimator(lifter, make_energy("graph"), RefineConfig(steps=3, step_mm=2.0))
    with torch.inference_mode():
        for predict in (
            lambda e: predict_flipped(e, batch),
            lambda e: predict_with_spread(e, batch, torch.Generator().manual_seed(0), num_noise=1),
        ):
            plain, better = predict(lifter), predict(refined)
            assert better.joints_cam.shape == (2, 1, 5, 17, 3)
            assert better.joints_cam.isfinite().all()
            far = rms_mm(better.joints_cam - plain.joints_cam)
            assert (far > 0).all()
            assert (far < 6.01).all()
        assert predict_with_spread(refined, batch, torch.Generator()).spread.shape == (2, 5, 17)


def test_it_answers_like_the_estimator_it_refines():
    lifter = make_lifter()
    lifter.native_fps = 50.0
    refined = RefinedEstimator(lifter, make_energy("mlp"))
    for name in ("skeleton", "keypoint_skeleton", "receptive_field", "native_fps", "needs"):
        assert getattr(refined, name) == getattr(lifter, name), name
    assert not refined.energy.training


def test_mistakes_are_named():
    other = make_energy("mlp", vitruve.skeleton("smpl_24"))
    with pytest.raises(ValueError, match="knows poses of 'smpl_24', but the model says 'h36m_17'"):
        RefinedEstimator(make_lifter(), other)
    with pytest.raises(ValueError, match="steps must be 0 or more, got -1"):
        RefineConfig(steps=-1)
    for size in (0.0, float("nan")):
        with pytest.raises(ValueError, match="step_mm must be above 0"):
            RefineConfig(step_mm=size)
