"""Skeletons drawn as masks: against published line maps, and what they must not do."""

import json
from pathlib import Path

import pytest
import torch

import vitruve
from vitruve.nets.physique import PhysiqueConfig, PhysiqueNet
from vitruve.nets.skeleton_mask import line_maps, pixel_grid, skeleton_mask
from vitruve.skeletons.line_forms import LineForm, line_form

GOLDEN = json.loads((Path(__file__).parent / "golden_skeleton_mask.json").read_text())
STICK = LineForm(((0, 1),))


def test_published_line_maps():
    points = torch.tensor(GOLDEN["keypoints"])[None]
    form = LineForm(tuple(map(tuple, GOLDEN["lines"])), tuple(GOLDEN["thin"]))
    grid = pixel_grid(GOLDEN["size"], GOLDEN["size"], "corners", like=points)
    maps = line_maps(points, form, grid, GOLDEN["width_squared"])[0].flatten(1)
    found = maps.gather(1, torch.tensor(GOLDEN["pixels"]))
    torch.testing.assert_close(found, torch.tensor(GOLDEN["values"]), atol=1e-5, rtol=0)
    mask = skeleton_mask(points, form, grid, GOLDEN["width_squared"]).flatten()
    found, wanted = mask[GOLDEN["max_pixels"]], torch.tensor(GOLDEN["max_values"])
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_the_published_lines_are_the_medium_form():
    form = line_form(vitruve.skeleton("h36m_18"), "medium")
    assert {frozenset(line) for line in form.lines} == {frozenset(x) for x in GOLDEN["lines"]}


def test_a_pixel_knows_its_distance_from_the_line():
    points = torch.tensor([[[-0.5, 0.0], [0.5, 0.0]]])
    grid = torch.tensor([[[0.0, 0.1], [0.6, 0.0], [-0.5, 0.0]]])
    maps = line_maps(points, STICK, grid, 0.01)[0, 0, 0]
    assert maps.tolist() == pytest.approx([torch.e**-1, torch.e**-1, 1.0], abs=1e-5)


def test_thin_lines_fall_off_faster():
    points = torch.tensor([[[-0.5, 0.0], [0.5, 0.0]]])
    grid = torch.tensor([[[0.0, 0.1]]])
    thin = line_maps(points, LineForm(((0, 1), (0, 1)), (1,)), grid, 0.01)[0, :, 0, 0]
    assert thin[1].item() == pytest.approx(thin[0].item() ** 2)


def test_a_bone_of_no_length_is_a_dot_with_a_gradient():
    points = torch.zeros(1, 2, 2, requires_grad=True)
    grid = pixel_grid(9, 9, like=points)
    mask = skeleton_mask(points, STICK, grid)
    assert mask[0, 4, 4] == 1
    mask[0, 4, 5].backward()
    assert torch.isfinite(points.grad).all()
    assert points.grad.abs().sum() > 0


def test_lines_over_each_other_are_no_brighter():
    points = torch.tensor([[[-0.5, 0.0], [0.5, 0.0]]])
    grid = pixel_grid(8, 8, like=points)
    twice = skeleton_mask(points, LineForm(((0, 1), (1, 0))), grid)
    torch.testing.assert_close(twice, skeleton_mask(points, STICK, grid))


def test_pixels_are_square_whatever_the_crop():
    grid = pixel_grid(8, 4, like=torch.zeros(1))
    assert grid[0, 0].tolist() == pytest.approx([-0.375, -0.875])
    steps = grid[1, 1] - grid[0, 0]
    assert steps[0].item() == pytest.approx(steps[1].item())


@pytest.mark.parametrize("skip", [False, True])
def test_physique_net_keeps_sizes_and_learns(skip):
    net = PhysiqueNet(PhysiqueConfig(channels=(4, 8, 8), skip=skip))
    lines = torch.rand(2, 13, 10)
    outline = net(lines)
    assert outline.shape == lines.shape
    assert ((outline > 0) & (outline < 1)).all()
    outline.mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    torch.testing.assert_close(net.eval()(lines), outline)
