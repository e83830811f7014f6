import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation

from vitruve.metrics import (
    axis_error_mm,
    joint_error_mm,
    mpjpe_mm,
    n_mpjpe_mm,
    p_mpjpe_mm,
    root_centred,
)

METRICS = [mpjpe_mm, p_mpjpe_mm, n_mpjpe_mm]
seeds = st.integers(0, 2**31 - 1)


def make_pair(seed=0, shape=(2, 5, 9), noise=0.1):
    rng = np.random.default_rng(seed)
    target = rng.standard_normal((*shape, 3))
    predicted = target + noise * rng.standard_normal((*shape, 3))
    valid = rng.random(shape) > 0.2
    return torch.from_numpy(predicted), torch.from_numpy(target), torch.from_numpy(valid)


def poses(predicted, target, valid):
    """Each pose's valid joints, as numpy."""
    j = valid.shape[-1]
    stacks = predicted.reshape(-1, j, 3), target.reshape(-1, j, 3), valid.reshape(-1, j)
    for p, t, v in zip(*(x.numpy() for x in stacks), strict=True):
        yield p[v], t[v]


def mean_mm(aligned_pairs):
    errors = [math.dist(a, b) for p, t in aligned_pairs for a, b in zip(p, t, strict=True)]
    return 1000 * sum(errors) / len(errors)


def scipy_similarity(p, t):
    """Scipy aligns with reflections; flip the weakest direction when it does."""
    pc, tc = p - p.mean(0), t - t.mean(0)
    rotation, _ = orthogonal_procrustes(pc, tc)
    if np.linalg.det(rotation) < 0:
        u, _, vt = np.linalg.svd(pc.T @ tc)
        rotation = u @ np.diag([1, 1, -1]) @ vt
    turned = pc @ rotation
    return turned * (turned * tc).sum() / (pc**2).sum() + t.mean(0)


def best_scale(p, t):
    return p * np.linalg.lstsq(p.reshape(-1, 1), t.ravel(), rcond=None)[0]


@pytest.mark.parametrize(
    ("metric", "align"),
    [(mpjpe_mm, lambda p, t: p), (p_mpjpe_mm, scipy_similarity), (n_mpjpe_mm, best_scale)],
)
@pytest.mark.parametrize("mirrored", [False, True])
def test_agrees_with_plain_loops(metric, align, mirrored):
    predicted, target, valid = make_pair()
    if mirrored:
        predicted = predicted * torch.tensor([1, 1, -1.0])
    expected = mean_mm((align(p, t), t) for p, t in poses(predicted, target, valid))
    assert float(metric(predicted, target, valid)) == pytest.approx(expected, rel=1e-9)


@settings(deadline=None, max_examples=20)
@given(seeds, st.floats(0.2, 5))
def test_p_mpjpe_ignores_similarities(seed, scale):
    predicted, target, valid = make_pair(seed)
    rotation = torch.from_numpy(Rotation.random(random_state=seed).as_matrix())
    moved = scale * predicted @ rotation.mT + torch.tensor([1.0, -2, 3])
    torch.testing.assert_close(
        p_mpjpe_mm(moved, target, valid), p_mpjpe_mm(predicted, target, valid)
    )
    assert p_mpjpe_mm(scale * target @ rotation.mT, target) < 1e-6


@settings(deadline=None, max_examples=20)
@given(seeds, st.floats(0.2, 5))
def test_n_mpjpe_ignores_scale_only(seed, scale):
    predicted, target, valid = make_pair(seed)
    exact = n_mpjpe_mm(predicted, target, valid)
    torch.testing.assert_close(n_mpjpe_mm(scale * predicted, target, valid), exact)
    assert n_mpjpe_mm(predicted + 1, target, valid) > exact


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_mpjpe_is_a_metric(seed):
    a, b, valid = make_pair(seed)
    assert mpjpe_mm(a, a, valid) == 0
    torch.testing.assert_close(mpjpe_mm(a, b, valid), mpjpe_mm(b, a, valid))
    torch.testing.assert_close(mpjpe_mm(a + 1, b + 1, valid), mpjpe_mm(a, b, valid))


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_invalid_has_no_influence(metric):
    predicted, target, valid = make_pair()
    exact = metric(predicted, target, valid)
    for garbage in (1e6, math.nan, math.inf):
        spoilt = torch.where(valid[..., None], target, garbage)
        torch.testing.assert_close(metric(predicted, spoilt, valid), exact)
        spoilt = torch.where(valid[..., None], predicted, garbage)
        torch.testing.assert_close(metric(spoilt, target, valid), exact)


@pytest.mark.parametrize("metric", METRICS)
def test_nothing_valid_is_nan(metric):
    predicted, target, valid = make_pair()
    assert metric(predicted, target, torch.zeros_like(valid)).isnan()
    assert metric(predicted[:0], target[:0]).isnan()


@pytest.mark.parametrize("metric", METRICS)
def test_a_wrong_prediction_is_not_hidden(metric):
    predicted, target, _ = make_pair()
    predicted[0, 0, 0] = math.nan
    assert metric(predicted, target).isnan()


@pytest.mark.parametrize("metric", METRICS)
def test_half_precision_is_computed_in_float64(metric):
    predicted, target, valid = make_pair()
    predicted, target = predicted.half(), target.half()
    assert metric(predicted, target, valid).dtype == torch.float64
    torch.testing.assert_close(
        metric(predicted, target, valid), metric(predicted.double(), target.double(), valid)
    )


@pytest.mark.parametrize("metric", METRICS)
def test_gradients_pass(metric):
    predicted, target, valid = make_pair()
    predicted.requires_grad_()
    metric(predicted, target, valid).backward()
    assert predicted.grad is not None
    assert predicted.grad.isfinite().all()


def test_p_mpjpe_leaves_out_poses_that_fit_by_construction():
    predicted, target, _ = make_pair(shape=(2, 4))
    valid = torch.tensor([[True] * 4, [True, True, False, False]])
    torch.testing.assert_close(
        p_mpjpe_mm(predicted, target, valid), p_mpjpe_mm(predicted[:1], target[:1])
    )
    assert p_mpjpe_mm(predicted[1:], target[1:], valid[1:]).isnan()


def test_known_distances():
    target = torch.zeros(1, 2, 3)
    predicted = torch.tensor([[[0.003, 0.004, 0.0], [0.0, 0.0, -0.001]]])
    torch.testing.assert_close(
        joint_error_mm(predicted, target), torch.tensor([[5.0, 1.0]]).double()
    )
    by_axis = {axis: round(float(v), 6) for axis, v in axis_error_mm(predicted, target).items()}
    assert by_axis == {"x": 1.5, "y": 2.0, "z": 0.5, "xy": 2.5}
    valid = torch.tensor([[True, False]])
    assert float(axis_error_mm(predicted, target, valid)["z"]) == 0


def test_root_centred():
    predicted, _, _ = make_pair()
    centred = root_centred(predicted, 3)
    assert (centred[..., 3, :] == 0).all()
    torch.testing.assert_close(centred[..., 0, :], predicted[..., 0, :] - predicted[..., 3, :])
