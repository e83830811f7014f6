import roma
import torch

from vitruve.geometry.nearest_rotation import nearest_rotation


def matrices(count, seed=0, least=0.05):
    """Of either handedness, with singular values that do not nearly cancel."""
    drawn = torch.Generator().manual_seed(seed)
    m = torch.randn(count, 3, 3, generator=drawn, dtype=torch.float64)
    values = torch.linalg.svdvals(m)
    gap = values[:, 1] + values[:, 2] * torch.linalg.det(m).sign()
    return m[gap > least * values[:, 0]]


def test_it_is_the_procrustes_rotation():
    m = matrices(500)
    assert (torch.linalg.det(m) < 0).any()
    torch.testing.assert_close(nearest_rotation(m), roma.special_procrustes(m))
    torch.testing.assert_close(nearest_rotation(1e-6 * m), nearest_rotation(m))
    single = nearest_rotation(m.float())
    torch.testing.assert_close(single, nearest_rotation(m).float(), atol=2e-4, rtol=0)


def test_a_flat_bones_moments_are_enough():
    """Points in a plane leave one singular value zero, which is no reason to be wrong."""
    turn = roma.rotvec_to_rotmat(torch.tensor([0.3, -1.2, 0.4]).double())
    flat = turn @ torch.diag(torch.tensor([2.0, 0.5, 0.0]).double())
    torch.testing.assert_close(nearest_rotation(flat), turn)


def test_gradients_are_exact():
    m = matrices(30, least=0.3)[:5].requires_grad_()
    assert torch.autograd.gradcheck(nearest_rotation, (m,))
