import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from vitruve.data.readers.find_camera import find_camera

K = np.array([[1100.0, 0, 640], [0, 1100, 400], [0, 0, 1]])


def scene(seed, n=20, flat=False):
    """Points of a person somewhere in the picture, before a camera that stands anywhere."""
    rng = np.random.default_rng(seed)
    size = np.array([0.6, 0.0 if flat else 0.3, 1.8])
    points = rng.uniform(-0.5, 0.5, (n, 3)) * size + rng.uniform(-30, 30, 3)
    R = Rotation.random(random_state=seed).as_matrix()
    place = np.array([rng.uniform(-0.5, 0.5), rng.uniform(-0.3, 0.3), 1.0]) * rng.uniform(2, 9)
    t = place - R @ points.mean(0)
    seen = points @ R.T + t
    return points, seen[:, :2] / seen[:, 2:] * K[[0, 1], [0, 1]] + K[:2, 2], R, t


@pytest.mark.parametrize("flat", [False, True])
def test_it_is_where_it_stood(flat):
    for seed in range(20):
        points, pixels, R, t = scene(seed, flat=flat)
        found = find_camera(pixels, points, K)
        np.testing.assert_allclose(found.R_cam_world, R, atol=1e-5)
        np.testing.assert_allclose(found.see(points), points @ R.T + t, atol=1e-4)
        assert found.error_px < 1e-3
        assert found.K is not K
        np.testing.assert_allclose(found.K, K)


def test_its_focal_length_may_be_found_too():
    for seed in range(20):
        points, pixels, R, t = scene(seed, n=60)
        guess = K * [[0.7], [0.7], [1]]
        guess[:2, 2] = K[:2, 2]
        found = find_camera(pixels, points, guess, free_focal=True)
        np.testing.assert_allclose(found.K, K, rtol=1e-4)
        np.testing.assert_allclose(found.see(points), points @ R.T + t, atol=1e-3)


def test_noise_shows_in_its_error():
    points, pixels, R, t = scene(3, n=60)
    noisy = pixels + np.random.default_rng(0).normal(0, 2.0, pixels.shape)
    found = find_camera(noisy, points, K)
    assert 2.0 < found.error_px < 3.5
    np.testing.assert_allclose(found.see(points), points @ R.T + t, atol=0.15)


def test_what_tells_no_camera_is_one_line():
    points, pixels, _, _ = scene(0)
    with pytest.raises(ValueError, match="a camera needs 6 points to be found, there are 5"):
        find_camera(pixels[:5], points[:5], K)
    with pytest.raises(ValueError, match="all points are one"):
        find_camera(pixels, np.zeros_like(points), K)
