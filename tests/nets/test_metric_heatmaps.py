"""Metric heatmaps: the published decoding, and what must hold for any size."""

import json
from pathlib import Path

import pytest
import torch

from vitruve.nets.metric_heatmaps import MetricHeatmaps, MetricHeatmapsConfig, decode, expected_cell

GOLDEN = json.loads((Path(__file__).parent / "golden_metrabs.json").read_text())


def test_decoding_is_the_published_one():
    logits = torch.tensor(GOLDEN["logits"])[None]
    points_px, box = decode(logits, MetricHeatmapsConfig(1, num_joints=2))
    assert torch.allclose(points_px[0], torch.tensor(GOLDEN["points_px"]), rtol=1e-5)
    assert torch.allclose(1000 * box[0], torch.tensor(GOLDEN["box_mm"]), rtol=1e-5)


def test_a_sharp_heatmap_says_the_middle_of_its_cell():
    config = MetricHeatmapsConfig(1, num_joints=1, depth=4, box_m=2.0, stride=8)
    logits = torch.zeros(1, 5, 6, 6)
    logits[0, 0, 1, 4] = logits[0, 1 + 2, 3, 0] = 100.0
    points_px, box = decode(logits, config)
    assert points_px[0, 0].tolist() == pytest.approx([4.5 * 8, 1.5 * 8])
    assert box[0, 0].tolist() == pytest.approx([2 * 0.5 / 6, 2 * 3.5 / 6, 2 * 2 / 3])


def test_a_flat_heatmap_says_the_middle():
    assert expected_cell(torch.zeros(1, 1, 3, 4, 5))[0, 0].tolist() == pytest.approx([0.5] * 3)


def test_the_layer_gives_every_joint_a_place():
    net = MetricHeatmaps(MetricHeatmapsConfig(3, num_joints=5, depth=2))
    points_px, box = net(torch.randn(2, 3, 4, 6))
    assert points_px.shape == (2, 5, 2)
    assert box.shape == (2, 5, 3)
    (points_px.sum() + box.sum()).backward()
    assert net.logits.weight.grad.abs().sum() > 0


def test_what_knows_no_place_is_refused():
    with pytest.raises(ValueError, match="2 cells or more along each axis, got 1 x 4"):
        decode(torch.zeros(1, 9, 1, 4), MetricHeatmapsConfig(1, num_joints=1))
    with pytest.raises(ValueError, match="depth must be 2 or more, got 1"):
        MetricHeatmapsConfig(1, num_joints=1, depth=1)
    with pytest.raises(ValueError, match="must be positive"):
        MetricHeatmapsConfig(0, num_joints=1)


def test_autocast_does_not_round_coordinates():
    logits = torch.randn(1, 10, 6, 6, generator=torch.Generator().manual_seed(0)).bfloat16()
    config = MetricHeatmapsConfig(1, num_joints=2, depth=4)
    plain = decode(logits.float(), config)
    with torch.autocast("cpu", torch.bfloat16):
        found = decode(logits, config)
    for one, other in zip(found, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
