import pytest
import torch

from vitruve.geometry.camera import (
    Camera,
    crop_intrinsics,
    fov_from_intrinsics,
    intrinsics_from_fov,
    resize_intrinsics,
)
from vitruve.geometry.projection import project

POINTS = torch.tensor([[0.3, -0.4, 2.0], [-0.7, 0.5, 3.0]])


def placed_camera() -> Camera:
    T_world_cam = torch.tensor([[1.0, 0, 0, 0.5], [0, 0, 1, -4], [0, -1, 0, 1.5], [0, 0, 0, 1]])
    return Camera(
        intrinsics_from_fov(60.0, (640, 480)),
        (640, 480),
        torch.tensor([-0.1, 0, 0, 0, 0]),
        T_world_cam,
    )


def test_world_round_trip_and_projection():
    camera = placed_camera()
    world = camera.joints_to_world(POINTS)
    torch.testing.assert_close(camera.joints_to_cam(world), POINTS)
    torch.testing.assert_close(
        camera.project_world(world), camera.project(POINTS), atol=1e-3, rtol=0
    )
    homogeneous = torch.cat([world, torch.ones(2, 1)], dim=1) @ camera.projection_matrix().T
    straight = camera.undistort_px(camera.project(POINTS))
    torch.testing.assert_close(homogeneous[:, :2] / homogeneous[:, 2:], straight, atol=1e-3, rtol=0)


def test_a_camera_without_place_says_so():
    camera = Camera(torch.eye(3), (10, 10))
    assert camera.undistort_px(POINTS[:, :2]) is not None
    with pytest.raises(ValueError, match="no T_world_cam"):
        camera.project_world(POINTS)


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (500, 500)])
def test_field_of_view_is_the_longer_sides(size):
    K = intrinsics_from_fov(90.0, size)
    assert K[0, 0] == pytest.approx(max(size) / 2)
    assert K[:2, 2].tolist() == [size[0] / 2, size[1] / 2]
    assert fov_from_intrinsics(K, size) == pytest.approx(90, abs=1e-4)


@pytest.mark.parametrize(
    ("fov", "size", "match"), [(0.0, (9, 9), "view 0"), (60.0, (0, 9), "0 x 9")]
)
def test_impossible_views_are_refused(fov, size, match):
    with pytest.raises(ValueError, match=match):
        intrinsics_from_fov(fov, size)


def test_crop_and_resize_move_pixels_as_they_should():
    K = intrinsics_from_fov(70.0, (640, 480))
    corner, factor = torch.tensor([100.0, 50.0]), torch.tensor([0.5, 2.0])
    edited = resize_intrinsics(crop_intrinsics(K, corner), factor)
    expected = (project(POINTS, K) - corner) * factor
    torch.testing.assert_close(project(POINTS, edited), expected)
    assert crop_intrinsics(K, corner.expand(5, 2)).shape == (5, 3, 3)
