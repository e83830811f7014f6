"""Rays and symmetry as an objective: no labels, and zero for what is right."""

from dataclasses import replace

import torch

from energy_samples import H36M, near_truth, pose_batch
from vitruve.objectives.geometry import GeometryConfig, GeometryObjective
from vitruve.poses import Prediction


def test_the_truth_lies_on_its_rays():
    batch = pose_batch(b=4)
    rays = GeometryObjective(GeometryConfig(symmetry=0.0))
    true = rays.loss(near_truth(batch, 0.0), batch)
    assert true < 1e-6
    assert rays.loss(near_truth(batch, 0.05), batch) > 1e3 * true


def test_symmetry_counts_left_against_right():
    batch = pose_batch(b=4)
    symmetry = GeometryObjective(GeometryConfig(rays=0.0))
    truth = near_truth(batch, 0.0)
    stretched = truth.joints_cam.clone()
    (hip, knee), _ = H36M.limbs[0]
    stretched[..., knee, :] += stretched[..., knee, :] - stretched[..., hip, :]
    more = symmetry.loss(replace(truth, joints_cam=stretched), batch)
    assert more > symmetry.loss(truth, batch) + 1e-3


def test_it_needs_no_labels_and_pulls_joints_onto_their_rays():
    batch = pose_batch(b=4)
    bare = replace(batch, joints_cam=None, valid=None, skeleton=None)
    objective = GeometryObjective(GeometryConfig())
    assert not list(objective.parameters())
    joints = near_truth(batch, 0.05).joints_cam.requires_grad_()
    optimizer = torch.optim.Adam([joints], lr=5e-3)
    losses = []
    for _ in range(60):
        loss = objective.loss(Prediction(H36M, joints), bare)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]
