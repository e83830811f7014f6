"""MeTRAbs' placements: the published one, and what both find in exact views."""

import json
from pathlib import Path

import pytest
import torch

from vitruve.geometry.metrabs_placement import place_by_ridge, place_by_size
from vitruve.geometry.projection import project

GOLDEN = json.loads((Path(__file__).parents[1] / "nets" / "golden_metrabs.json").read_text())[
    "placement"
]
K = torch.tensor([[900.0, 0.0, 500.0], [0.0, 900.0, 400.0], [0.0, 0.0, 1.0]])


def person(count=5):
    drawn = torch.Generator().manual_seed(0)
    return torch.randn(count, 12, 3, generator=drawn) * 0.4


def test_it_is_the_published_one():
    joints = torch.tensor(GOLDEN["joints_mm"]) / 1000
    points_px, intrinsics = torch.tensor(GOLDEN["points_px"]), torch.tensor(GOLDEN["intrinsics"])
    root = place_by_ridge(joints, points_px, intrinsics, torch.tensor(GOLDEN["seen"]).bool())
    assert torch.allclose(1000 * root, torch.tensor(GOLDEN["root_mm"]), rtol=1e-5)


def test_ridge_finds_the_root_but_for_its_pull():
    joints, root = person(), torch.tensor([0.5, -0.3, 4.0])
    seen = torch.ones(5, 12, dtype=torch.bool)
    found = place_by_ridge(joints, project(joints + root, K), K, seen)
    assert (found - root).abs().max() < 0.02
    assert bool((found[:, 2] < root[2]).all())


def test_joints_out_of_view_hardly_count():
    joints, root = person(), torch.tensor([0.5, -0.3, 4.0])
    points_px = project(joints + root, K)
    seen = torch.ones(5, 12, dtype=torch.bool)
    seen[:, 0] = False
    moved_px = points_px.clone()
    moved_px[:, 0] += 100.0
    shifts = [
        (place_by_ridge(joints, moved_px, K, s) - place_by_ridge(joints, points_px, K, s)).norm()
        for s in (seen, seen | True)
    ]
    assert shifts[0] < 0.02 * shifts[1]


def test_size_is_exact_for_a_flat_person():
    joints, root = person(), torch.tensor([0.5, -0.3, 4.0])
    joints[..., 2] = 0.0
    found = place_by_size(joints, project(joints + root, K), K, torch.ones(5, 12).bool())
    assert torch.allclose(found, root.expand(5, 3), atol=1e-3)


@pytest.mark.parametrize("place", [place_by_ridge, place_by_size])
def test_placement_of_a_point_is_finite_and_has_a_gradient(place):
    joints = torch.zeros(1, 3, 3, requires_grad=True)
    root = place(joints, torch.full((1, 3, 2), 400.0), K, torch.ones(1, 3).bool())
    root.sum().backward()
    assert root.isfinite().all()
    assert joints.grad.isfinite().all()
