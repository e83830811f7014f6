import math

import numpy as np
import pytest
import torch

from vitruve.metrics import acceleration_mm, foot_contact, foot_slide_mm, jitter, mpjve_mm


def make_pair(seed=0, shape=(2, 8, 4)):
    rng = np.random.default_rng(seed)
    predicted, target = rng.standard_normal((2, *shape, 3))
    return torch.from_numpy(predicted), torch.from_numpy(target), rng.random(shape) > 0.2


def plain_difference_error(predicted, target, valid, order):
    """Loop over clips, windows of order + 1 frames, and joints."""
    weights = {1: [-1, 1], 2: [1, -2, 1]}[order]
    errors = []
    for p, t, v in zip(predicted.numpy(), target.numpy(), valid, strict=True):
        for start in range(len(p) - order):
            frames = range(start, start + order + 1)
            for j in range(p.shape[1]):
                if all(v[f, j] for f in frames):
                    both = zip(weights, frames, strict=True)
                    errors.append(math.hypot(*sum(w * (p[f, j] - t[f, j]) for w, f in both)))
    return 1000 * sum(errors) / len(errors)


@pytest.mark.parametrize(("metric", "order"), [(mpjve_mm, 1), (acceleration_mm, 2)])
def test_agrees_with_plain_loops(metric, order):
    predicted, target, valid = make_pair()
    expected = plain_difference_error(predicted, target, valid, order)
    assert float(metric(predicted, target, torch.from_numpy(valid))) == pytest.approx(expected)
    everything = plain_difference_error(predicted, target, np.ones_like(valid), order)
    assert float(metric(predicted, target)) == pytest.approx(everything)


@pytest.mark.parametrize("metric", [mpjve_mm, acceleration_mm])
def test_a_constant_offset_does_not_count(metric):
    predicted, _, _ = make_pair()
    assert float(metric(predicted + 5, predicted)) < 1e-9


@pytest.mark.parametrize("metric", [mpjve_mm, acceleration_mm])
def test_too_short_or_invalid_is_nan(metric):
    predicted, target, valid = make_pair()
    assert metric(predicted[:, :1], target[:, :1]).isnan()
    assert metric(predicted, target, torch.zeros(valid.shape, dtype=torch.bool)).isnan()


def test_jitter_of_a_cubic_is_its_third_derivative():
    fps = 25.0
    t = torch.arange(12, dtype=torch.float64) / fps
    joints = torch.stack([3 * t**3, 4 * t**3 + t**2, 7 * t], dim=-1)[None, :, None]
    assert float(jitter(joints, fps)) == pytest.approx(6 * 5.0, rel=1e-6)
    assert float(jitter(joints[..., 2:].expand(-1, -1, -1, 3), fps)) < 1e-6
    assert jitter(joints[:, :3], fps).isnan()
    valid = torch.ones(1, 12, 1, dtype=torch.bool)
    valid[:, ::3] = False
    assert jitter(joints, fps, valid).isnan()


def test_foot_slide_counts_horizontal_way_in_contact():
    feet = torch.zeros(1, 5, 2, 3)
    feet[0, :, 0, 0] = torch.tensor([0.0, 0.003, 0.003, 0.003, 0.5])  # then it swings
    feet[0, :, 0, 2] = torch.tensor([0.05, 0.05, 0.053, 0.05, 0.3])
    feet[0, :, 1, 2] = 0.5  # never on the floor
    contact = foot_contact(feet, fps=30.0)
    assert contact[0, :, 0].tolist() == [True, True, True, False, False]
    height_only = foot_contact(feet, fps=30.0, max_speed=math.inf)
    assert height_only[0, :, 0].tolist() == [True, True, True, True, False]
    assert not contact[0, :, 1].any()
    assert float(foot_slide_mm(feet, contact)) == pytest.approx(1.5, rel=1e-6)
    assert float(foot_slide_mm(feet, height_only)) == pytest.approx(1.0, rel=1e-6)
    assert foot_slide_mm(feet, torch.zeros_like(contact)).isnan()


def test_contact_needs_two_frames():
    with pytest.raises(ValueError, match="at least 2 frames"):
        foot_contact(torch.zeros(1, 1, 2, 3), fps=30.0)
