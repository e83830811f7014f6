import roma
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vitruve.geometry.alignment import procrustes_align, scale_align, similarity


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.booleans())
def test_similarity_is_recovered(seed, scale):
    torch.manual_seed(seed)
    source = torch.randn(3, 2, 9, 3).double()
    rotation = roma.random_rotmat((3, 2), dtype=torch.float64)
    factor = torch.rand(3, 2).double() + 0.5 if scale else torch.ones(3, 2).double()
    shift = torch.randn(3, 2, 3).double()
    target = factor[..., None, None] * source @ rotation.mT + shift[..., None, :]
    found = similarity(source, target, scale=scale)
    for value, expected in zip(found, (factor, rotation, shift), strict=True):
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(procrustes_align(source, target, scale=scale), target)


def test_agrees_with_roma_and_ignores_the_invalid():
    source, target = torch.randn(4, 8, 3).double(), torch.randn(4, 8, 3).double()
    valid = torch.rand(4, 8) > 0.3
    rotation, shift, factor = roma.rigid_points_registration(
        source, target, valid.double(), compute_scaling=True
    )
    source[~valid] = torch.nan
    found = similarity(source, target, valid.double())
    for value, expected in zip(found, (factor, rotation, shift), strict=True):
        torch.testing.assert_close(value, expected)


def test_reflections_are_excluded():
    source = torch.randn(9, 3)
    _, rotation, _ = similarity(source, source * torch.tensor([1.0, 1, -1]))
    torch.testing.assert_close(rotation.det(), torch.tensor(1.0))


def test_degenerate_sets_are_defined_and_have_gradients():
    source = torch.ones(3, 5, 3)
    source[2] = torch.randn(5, 3)
    source.requires_grad_()
    target = torch.randn(3, 5, 3)
    valid = torch.ones(3, 5, dtype=torch.bool)
    valid[2] = False
    factor, rotation, shift = similarity(source, target, valid.float())
    assert factor.tolist() == [1, 1, 1]
    torch.testing.assert_close(rotation, torch.eye(3).expand(3, 3, 3))
    torch.testing.assert_close(shift[0], target[0].mean(0) - 1)
    assert shift[2].tolist() == [0, 0, 0]
    procrustes_align(source, target, valid).square().sum().backward()
    assert source.grad is not None
    assert source.grad.isfinite().all()


def test_gradients():
    source = torch.randn(2, 6, 3).double().requires_grad_()
    target = torch.randn(2, 6, 3).double().requires_grad_()
    # Damping in roma's backward leaves 1e-8.
    assert torch.autograd.gradcheck(procrustes_align, (source, target), atol=1e-4)


def test_scale_align():
    target = torch.randn(4, 6, 3)
    valid = torch.ones(4, 6, dtype=torch.bool)
    valid[:, 5] = False
    source = target / 3
    source[:, 5] = 7
    torch.testing.assert_close(scale_align(source, target, valid)[:, :5], target[:, :5])
    nothing = torch.zeros(1, 6, 3)
    assert torch.equal(scale_align(nothing, target[:1]), nothing)
