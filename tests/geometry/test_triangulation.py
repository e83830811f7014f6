import torch

from vitruve.geometry.triangulation import reprojection_error_px, triangulate


def rig(views: int) -> torch.Tensor:
    K = torch.tensor([[1000.0, 0, 500], [0, 1000, 500], [0, 0, 1]], dtype=torch.float64)
    projections = []
    for angle in torch.arange(views, dtype=torch.float64):
        c, s = torch.cos(angle), torch.sin(angle)
        zero, one = torch.zeros(()).double(), torch.ones(()).double()
        rotation = torch.stack([c, zero, s, zero, one, zero, -s, zero, c]).reshape(3, 3)
        shift = torch.tensor([[0.0], [0.0], [5.0]], dtype=torch.float64)
        projections.append(K @ torch.cat([rotation, shift], dim=1))
    return torch.stack(projections)


def seen(points: torch.Tensor, projections: torch.Tensor) -> torch.Tensor:
    homogeneous = torch.cat([points, torch.ones_like(points[..., :1])], dim=-1)
    pixels = torch.einsum("vrc,...c->v...r", projections, homogeneous)
    return pixels[..., :2] / pixels[..., 2:]


def test_exact_without_noise():
    points, projections = torch.randn(7, 17, 3).double(), rig(3)
    found, valid = triangulate(seen(points, projections), projections)
    assert valid.all()
    torch.testing.assert_close(found, points, rtol=0, atol=1e-9)
    single, _ = triangulate(seen(points, projections).float(), projections.float())
    torch.testing.assert_close(single.double(), points, rtol=0, atol=1e-4)
    assert reprojection_error_px(found, seen(points, projections), projections).max() < 1e-6


def test_weights_choose_views():
    points, projections = torch.randn(5, 3).double(), rig(4)
    pixels = seen(points, projections)
    pixels[3] = torch.nan
    pixels[2] += 100
    weights = torch.ones(4, 5).double()
    weights[2:] = 0
    found, valid = triangulate(pixels, projections, weights)
    assert valid.all()
    torch.testing.assert_close(found, points, rtol=0, atol=1e-9)
    assert (reprojection_error_px(found, pixels, projections)[2] > 90).all()


def test_one_view_or_one_ray_is_not_valid_and_has_finite_gradients():
    points, projections = torch.randn(2, 3).double(), rig(2)
    pixels = seen(points, projections).requires_grad_()
    weights = torch.tensor([[1.0, 1.0], [1.0, 0.0]]).double()
    found, valid = triangulate(pixels, projections, weights)
    assert valid.tolist() == [True, False]
    found.sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.isfinite().all()
    same, valid = triangulate(pixels[[0, 0]], projections[[0, 0]])
    assert not valid.any()
    assert same.isfinite().all()


def test_gradients():
    points, projections = torch.randn(2, 3).double(), rig(3)
    pixels = (seen(points, projections) / 1000).requires_grad_()
    weights = torch.rand(3, 2).double().add(0.5).requires_grad_()
    scaled = torch.diag(torch.tensor([1e-3, 1e-3, 1.0]).double()) @ projections
    assert torch.autograd.gradcheck(lambda p, w: triangulate(p, scaled, w)[0], (pixels, weights))


def test_behind_a_view_the_error_is_infinite():
    assert reprojection_error_px(
        torch.tensor([0.0, 0, -9]), torch.zeros(1, 2), rig(1).float()
    ).isinf()
