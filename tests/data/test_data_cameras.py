import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from vitruve.data.cameras.virtual import (
    RandomCameras,
    RandomCamerasConfig,
    RigCameras,
    RigCamerasConfig,
    h36m_rigs,
    look_rotation,
    rig_centre,
    stand_at,
)
from vitruve.geometry.projection import project


def pinhole(cameras, points_cam):
    points = points_cam / points_cam[..., 2:]
    return (points @ cameras.intrinsics.transpose(-1, -2))[..., :2]


def test_published_rigs_stand_where_they_should():
    rigs = h36m_rigs()
    assert list(rigs) == ["S1", "S5", "S6", "S7", "S8", "S9", "S11"]
    for rig in rigs.values():
        assert len(rig) == 4
        for camera in rig:
            T = camera.T_world_cam
            torch.testing.assert_close(T[:3, :3] @ T[:3, :3].T, torch.eye(3), atol=1e-5, rtol=0)
            assert 1.3 < T[2, 3] < 1.8  # height over the floor, metres
            assert T[2, 1] < -0.9  # the image's y axis points down
            assert camera.distortion.shape == (5,)


GOLDEN = json.loads((Path(__file__).parent / "golden_cameras.json").read_text())
"""What VideoPose3D's camera functions give."""


def near(found, expected, error=1e-6):
    """Off by at most that share of the largest number."""
    expected = torch.as_tensor(expected, dtype=found.dtype)
    assert (found - expected).abs().max() <= error * expected.abs().max()


@pytest.mark.parametrize("which", GOLDEN["cameras"])
def test_cameras_are_videopose3ds(which):
    subject, number = which.split()
    camera, golden = h36m_rigs()[subject][int(number)], GOLDEN["cameras"][which]
    noise = torch.from_numpy(np.random.default_rng(41).standard_normal((5, 17, 3))[4])
    world = (noise[GOLDEN["which"]] * torch.tensor([0.5, 0.5, 0.9])).float()
    world[:, 2] += 1
    joints = camera.joints_to_cam(world)
    near(joints, golden["joints_cam"])
    near(camera.joints_to_world(joints), golden["joints_world"])
    width, height = camera.image_size_px
    corner = torch.tensor([1, height / width])
    near(project(joints, camera.intrinsics) / width * 2 - corner, golden["screen_without_lens"])
    # The published lens bends tangentially by x (p1 x + p2 y) + p1 r2: OpenCV's with half of p1 and
    # p2 in swapped places and the other half as thin prism. As OpenCV's own they differ by a pixel.
    k1, k2, p1, p2, k3 = camera.distortion.tolist()
    lens = torch.tensor([k1, k2, p2 / 2, p1 / 2, k3, 0, 0, 0, p1 / 2, 0, p2 / 2, 0])
    bent = project(joints, camera.intrinsics, lens)
    near(bent, golden["pixels"])
    near(bent / width * 2 - corner, golden["screen"])
    assert 0.01 < (camera.project(joints) - bent).abs().max() < 1


def test_distortion_is_in_opencv_order():
    camera = h36m_rigs()["S1"][0]
    expected = torch.tensor([-0.2070989, 0.2477752, -0.0009757, -0.0014245, -0.0030752])
    torch.testing.assert_close(camera.distortion, expected, atol=1e-6, rtol=0)


def test_a_person_at_the_rig_centre_is_upright_and_near_the_image_centre():
    for rig in h36m_rigs().values():
        x, y = rig_centre(rig).float().tolist()
        assert math.hypot(x, y) < 1.0
        person = torch.tensor([[x, y, 0.0], [x, y, 1.7]])
        for camera in rig:
            cam = camera.joints_to_cam(person)
            pixels = (cam / cam[:, 2:]) @ camera.intrinsics.T
            assert pixels[0, 1] > pixels[1, 1] + 200  # feet lie below the head
            assert ((pixels[:, :2] > 100) & (pixels[:, :2] < 900)).all()


def test_rig_centre_needs_placed_cameras():
    with pytest.raises(ValueError, match="two cameras or more"):
        rig_centre(h36m_rigs()["S1"][:1])


def test_stand_at_centres_the_walk_and_keeps_heights():
    motion = torch.rand(5, 3, 3, generator=torch.Generator().manual_seed(0)) * 4
    moved = stand_at(motion, torch.tensor([1.0, -2.0]))
    middle = (moved.amin((0, 1)) + moved.amax((0, 1))) / 2
    torch.testing.assert_close(middle[:2], torch.tensor([1.0, -2.0]))
    torch.testing.assert_close(moved[..., 2], motion[..., 2])


def test_unknown_rig_is_named():
    with pytest.raises(KeyError, match="no published rig for 'S2'"):
        RigCameras(RigCamerasConfig(subjects=("S2",)))


def test_rig_cameras_see_their_subjects():
    generator = torch.Generator().manual_seed(1)
    centre = torch.tensor([5.0, -7.0, 0.9]).expand(200, 3)
    cameras = RigCameras(RigCamerasConfig()).sample(centre, torch.ones(200), generator)
    cam = cameras.joints_to_cam(centre[:, None, None])
    assert ((cam[..., 2] > 2.5) & (cam[..., 2] < 8)).all()
    pixels = pinhole(cameras, cam[:, 0])
    assert ((pixels > 150) & (pixels < 850)).all()


def test_random_cameras_keep_the_ball_in_view_unless_truncated():
    generator = torch.Generator().manual_seed(2)
    centre = torch.tensor([3.0, 1.0, 0.9]).expand(500, 3)
    radius = torch.full((500,), 0.9)
    config = RandomCamerasConfig(truncated_fraction=0.0)
    cameras = RandomCameras(config).sample(centre, radius, generator)
    cam = cameras.joints_to_cam(centre[:, None, None])
    assert (cam[..., 2] >= config.min_distance_m - 1e-4).all()
    pixels = pinhole(cameras, cam[:, 0])[:, 0]
    assert ((pixels >= 0) & (pixels <= cameras.image_size_px)).all()
    rotation = cameras.T_world_cam[:, :3, :3]
    identity = rotation @ rotation.transpose(-1, -2)
    torch.testing.assert_close(identity, torch.eye(3).expand(500, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(500))
    assert (cameras.T_world_cam[:, 2, 3] >= 0.19).all()  # above the floor


def test_same_seed_same_cameras():
    centre, radius = torch.zeros(4, 3), torch.ones(4)
    for source in (RigCameras(RigCamerasConfig()), RandomCameras(RandomCamerasConfig())):
        one = source.sample(centre, radius, torch.Generator().manual_seed(7))
        two = source.sample(centre, radius, torch.Generator().manual_seed(7))
        assert torch.equal(one.T_world_cam, two.T_world_cam)


def test_look_rotation_points_where_it_says():
    R = look_rotation(torch.tensor([0.0]), torch.tensor([math.pi / 6]), torch.tensor([0.0]))[0]
    forward, right = R[:, 2], R[:, 0]
    torch.testing.assert_close(
        forward, torch.tensor([math.cos(math.pi / 6), 0.0, -0.5]), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(right, torch.tensor([0.0, -1.0, 0.0]), atol=1e-6, rtol=0)
