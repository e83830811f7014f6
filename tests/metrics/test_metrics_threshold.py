import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vitruve.metrics import auc, cps, pck, pckh

METRICS = [pck, auc, cps]


def at_distances(errors_mm):
    """A prediction whose joints are exactly that far (powers of two survive the units)."""
    errors = torch.as_tensor(np.asarray(errors_mm), dtype=torch.float64) / 1000
    predicted = torch.zeros(*errors.shape, 3, dtype=torch.float64)
    predicted[..., 1] = errors
    return predicted, torch.zeros_like(predicted)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31 - 1))
def test_agrees_with_plain_loops(seed):
    rng = np.random.default_rng(seed)
    errors, valid = rng.uniform(0, 300, (6, 5)), rng.random((6, 5)) > 0.3
    pair = at_distances(errors)
    kept = errors[valid]
    assert float(pck(*pair, torch.from_numpy(valid))) == pytest.approx(100 * np.mean(kept < 150))
    curve = [100 * np.mean(kept < t) for t in range(0, 151, 5)]
    assert float(auc(*pair, torch.from_numpy(valid))) == pytest.approx(np.mean(curve))
    correct = [all(e < 200 for e in row[v]) for row, v in zip(errors, valid, strict=True) if any(v)]
    assert float(cps(*pair, torch.from_numpy(valid))) == pytest.approx(100 * np.mean(correct))


def test_thresholds_are_strict():
    pair = at_distances([[125.0, 124.0]])
    assert float(pck(*pair, threshold_mm=125.0)) == 50
    assert float(cps(*pair, threshold_mm=125.0)) == 0
    assert float(cps(*pair, threshold_mm=126.0)) == 100


def test_perfect_auc_is_the_published_ceiling():
    """mpii_compute_3d_pck.m of MPI-INF-3DHP counts the threshold 0: 30 of 31."""
    assert float(auc(*at_distances([[0.0]]))) == pytest.approx(96.7741935)


@pytest.mark.parametrize("metric", METRICS)
def test_nothing_valid_is_nan(metric):
    pair = at_distances(np.ones((2, 3)))
    assert metric(*pair, torch.zeros(2, 3, dtype=torch.bool)).isnan()


def test_nan_counts_as_a_miss():
    predicted, target = at_distances([[1.0, 1.0]])
    predicted[0, 0] = torch.nan
    assert float(pck(predicted, target)) == 50
    assert float(cps(predicted, target)) == 0


def test_pckh_includes_the_border():
    target = torch.zeros(2, 3, 2)
    predicted = torch.tensor([[[5.0, 0], [0, 5.5], [3, 4]], [[0, 0], [9, 0], [40, 0]]])
    head = torch.tensor([10.0, 20.0])
    assert float(pckh(predicted, target, head)) == pytest.approx(100 * 4 / 6)
    valid = torch.tensor([[True, False, True], [True, True, False]])
    assert float(pckh(predicted, target, head, valid)) == 100
    assert pckh(predicted, target, head, torch.zeros_like(valid)).isnan()
