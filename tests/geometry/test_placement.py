import pytest
import torch

from vitruve.geometry.camera import intrinsics_from_fov
from vitruve.geometry.placement import MotionNoise, place_root, place_root_smoothly
from vitruve.geometry.projection import project

K = intrinsics_from_fov(60.0, (1920, 1080))
# One case of a run of the published MeTRAbs (PyTorch): joints in mm, pixels of a 256 px crop with
# 1 px of noise, focal length 900 px, centre 128; its answer is METRABS_ROOT_MM.
METRABS_JOINTS_MM = [
    [0, 0, 0], [-96, 98, 564], [169, 959, 44], [113, 213, 404], [271, -5, -62], [-131, 6, -518],
    [-416, -391, 493], [93, 357, -76], [117, -280, -664], [-85, -171, -211], [-476, 203, 269],
    [187, 372, -282], [204, -21, -165], [7, -326, -113], [-7, -606, 515], [334, 273, 590],
    [230, 207, 565],
]  # fmt: skip
METRABS_PX = [
    [128.20, 128.01], [114.86, 144.43], [158.78, 299.56], [146.92, 163.21], [178.33, 125.66],
    [102.91, 130.86], [59.76, 63.63], [147.08, 193.23], [151.87, 70.95], [111.11, 93.96],
    [46.81, 162.20], [162.92, 198.23], [165.44, 123.83], [127.05, 68.90], [126.68, 28.73],
    [181.54, 172.88], [165.62, 163.68],
]  # fmt: skip
METRABS_ROOT_MM = [0.626, 0.557, 4990.646]


def clip(num_frames: int, fps: float, root: torch.Tensor):
    generator = torch.Generator().manual_seed(3)
    pose = 0.35 * torch.randn(1, 17, 3, generator=generator)
    phase = torch.arange(num_frames)[:, None, None] / fps
    rel = pose + 0.05 * torch.sin(6 * phase + torch.arange(17)[None, :, None])
    return rel, project(rel + root[:, None], K), torch.ones(num_frames, 17)


def test_exact_without_noise():
    root = torch.randn(5, 4, 3) * 0.8 + torch.tensor([0.0, 0, 5])
    rel = torch.randn(5, 4, 17, 3) * 0.4
    found = place_root(rel, project(rel + root[..., None, :], K), K, torch.rand(5, 4, 17) + 0.1)
    assert (found - root).norm(dim=-1).max() < 1e-3


def test_agrees_with_metrabs_up_to_its_ridge():
    intrinsics = torch.tensor([[900.0, 0, 128], [0, 900, 128], [0, 0, 1]])
    weights = torch.full((17,), 1.0001)
    weights[2] = 1e-4
    rel = torch.tensor(METRABS_JOINTS_MM) / 1000
    root_mm = 1000 * place_root(rel, torch.tensor(METRABS_PX), intrinsics, weights)
    expected = torch.tensor(METRABS_ROOT_MM)
    assert (root_mm - expected)[:2].abs().max() < 0.3
    assert 0 < root_mm[2] - expected[2] < 4


def test_weight_zero_ignores_a_keypoint_and_gradients_are_finite():
    root = torch.tensor([0.2, 0.1, 4.0])
    rel = torch.randn(17, 3) * 0.4
    pixels, weights = project(rel + root, K), torch.ones(17)
    pixels[3], weights[3] = torch.nan, 0
    rel.requires_grad_()
    found = place_root(rel, pixels, K, weights)
    assert (found - root).norm() < 1e-3
    found.sum().backward()
    assert rel.grad is not None
    assert rel.grad.isfinite().all()
    assert place_root(rel, pixels, K, torch.zeros(17)).isfinite().all()


def test_gradients():
    rel = (torch.randn(2, 6, 3).double() * 0.4).requires_grad_()
    root = torch.tensor([0.2, 0.1, 4.0]).double()
    image = torch.eye(3).double()
    pixels = (project(rel + root, image) + 0.01 * torch.randn(2, 6, 2)).detach().requires_grad_()
    weights = torch.rand(2, 6).double().add(0.5).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, p, w: place_root(x, p, image, w), (rel, pixels, weights), atol=1e-4
    )


def jump(num_frames: int, fps: float) -> torch.Tensor:
    """Stand, fly up 0.4 m under gravity, stand, while walking away at 1 m/s."""
    seconds = torch.arange(num_frames) / fps
    flight = (seconds - num_frames / fps / 2).abs()
    height = (0.4 - 9.81 / 2 * flight**2).clamp(min=0)
    return torch.stack([0.2 * seconds, -height, 4 + seconds], dim=-1)


@pytest.mark.parametrize("fps", [25.0, 60.0, 240.0])
def test_a_jump_survives(fps):
    root = jump(round(2 * fps), fps)
    rel, pixels, weights = clip(len(root), fps, root)
    found, valid = place_root_smoothly(rel, pixels, K, weights, fps)
    assert valid.all()
    assert abs(found[:, 1].min() - root[:, 1].min()) < 5e-3
    assert (found - root).norm(dim=-1).max() < 0.02


def test_noise_is_reduced_most_in_depth():
    root = jump(300, 50.0)
    rel, pixels, weights = clip(300, 50.0, root)
    pixels = pixels + 3 * torch.randn(pixels.shape)
    single = (place_root(rel, pixels, K, weights) - root).square().mean(0).sqrt()
    smooth = (place_root_smoothly(rel, pixels, K, weights, 50.0)[0] - root).square().mean(0).sqrt()
    assert (smooth < single).all()
    assert smooth[2] < 0.5 * single[2]


def test_gaps_are_bridged_and_flagged():
    root = jump(200, 50.0)
    rel, pixels, weights = clip(200, 50.0, root)
    weights[150:170] = 0
    weights[:10, 1:] = 0
    pixels[weights == 0] = torch.nan
    found, valid = place_root_smoothly(rel, pixels, K, weights, 50.0)
    assert valid.nonzero().flatten().tolist() == [*range(10, 150), *range(170, 200)]
    assert (found - root)[100:].norm(dim=-1).max() < 0.02
    nowhere, valid = place_root_smoothly(rel, pixels, K, torch.zeros(200, 17), 50.0)
    assert not valid.any()
    assert not nowhere.any()


@pytest.mark.parametrize("num_frames", [1, 2, 3])
def test_short_clips(num_frames):
    root = jump(num_frames, 50.0)
    rel, pixels, weights = clip(num_frames, 50.0, root)
    found, valid = place_root_smoothly(rel, pixels, K, weights, 50.0)
    assert valid.all()
    assert (found - root).norm(dim=-1).max() < 0.05


def test_settings_must_be_positive():
    root = jump(3, 50.0)
    with pytest.raises(ValueError, match="must be positive"):
        place_root_smoothly(*clip(3, 50.0, root)[:2], K, torch.ones(3, 17), 50.0, MotionNoise(0.0))
