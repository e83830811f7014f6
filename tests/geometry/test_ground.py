import math

import pytest
import torch

from vitruve.geometry.ground import Ground, ground_plane, world_from_ground

FPS = 50.0
HEIGHT_M = 1.6


def pitched(pitch_deg: float, roll_deg: float = 0.0) -> torch.Tensor:
    """T_world_cam of a camera 1.6 m up that looks along y, pitched down and rolled."""
    p, r = math.radians(pitch_deg), math.radians(roll_deg)
    forward = torch.tensor([0.0, math.cos(p), -math.sin(p)])
    right = torch.tensor([1.0, 0, 0])
    down = torch.linalg.cross(forward, right)
    rolled = torch.stack(
        [
            math.cos(r) * right + math.sin(r) * down,
            math.cos(r) * down - math.sin(r) * right,
            forward,
        ]
    )
    T_world_cam = torch.eye(4)
    T_world_cam[:3, :3] = rolled.T
    T_world_cam[:3, 3] = torch.tensor([0, 0, HEIGHT_M])
    return T_world_cam


def to_cam(points_world: torch.Tensor, T_world_cam: torch.Tensor) -> torch.Tensor:
    return (points_world - T_world_cam[:3, 3]) @ T_world_cam[:3, :3]


def walk(seconds: float = 12.0) -> torch.Tensor:
    """Two feet (t, 2, 3) that walk an ellipse on the floor: 0.5 s stance, 0.5 s swing each."""
    t = torch.arange(int(seconds * FPS)) / FPS
    feet = []
    for lag in (0.0, 0.5):
        cycle = t + lag
        phase = cycle % 1.0
        along = cycle.floor() + ((phase - 0.5).clamp(min=0) / 0.5) - lag
        lift = 0.15 * torch.sin(2 * math.pi * (phase - 0.5).clamp(min=0))
        angle = 2 * math.pi * along / 10
        feet.append(torch.stack([1.5 * angle.cos(), 5 + 1.5 * angle.sin(), lift], dim=-1))
    return torch.stack(feet, dim=1)


def tilt_error_deg(ground: Ground, T_world_cam: torch.Tensor) -> float:
    true_up = T_world_cam[2, :3]
    return math.degrees(math.acos(min(1.0, float(ground.up @ true_up))))


@pytest.mark.parametrize(("pitch", "roll"), [(0.0, 0.0), (12.0, 0.0), (20.0, 5.0), (-8.0, -6.0)])
def test_a_walk_finds_the_floor_of_a_pitched_camera(pitch, roll):
    T_world_cam = pitched(pitch, roll)
    feet = to_cam(walk(), T_world_cam) + 0.005 * torch.randn(600, 2, 3)
    valid = torch.rand(600, 2) > 0.1
    feet[~valid] = torch.nan
    ground = ground_plane(feet, valid, FPS)
    assert tilt_error_deg(ground, T_world_cam) < 1.5
    assert ground.offset_m == pytest.approx(HEIGHT_M, abs=0.05)
    assert ground.confidence > 0.8
    assert ground.num_contacts > 200


def test_jumps_do_not_tilt_the_ground():
    T_world_cam = pitched(10.0)
    feet = walk()
    # Hops of 0.4 m, all on one side of the room.
    t = torch.arange(600) / FPS
    flight = ((t % 1.5) - 0.75).abs()
    near = feet[..., 0].mean(1) > 0.3
    hop = torch.where(near, (0.4 - 9.81 / 2 * flight**2).clamp(min=0), 0.0)
    feet = feet + hop[:, None, None] * torch.tensor([0.0, 0, 1])
    ground = ground_plane(to_cam(feet, T_world_cam), torch.ones(600, 2, dtype=torch.bool), FPS)
    assert tilt_error_deg(ground, T_world_cam) < 2
    assert ground.offset_m == pytest.approx(HEIGHT_M, abs=0.06)


def test_standing_falls_back_to_the_hint():
    feet = torch.tensor([[[-0.1, 1.5, 4.0], [0.1, 1.5, 4.0]]]).expand(200, 2, 3)
    ground = ground_plane(feet, torch.ones(200, 2, dtype=torch.bool), FPS)
    assert ground.up.tolist() == pytest.approx([0, -1, 0], abs=0.02)
    assert float(ground.up @ feet[0, 0]) + ground.offset_m == pytest.approx(0, abs=0.01)
    assert ground.confidence < 0.3


def test_an_upright_body_helps_where_the_feet_cannot():
    T_world_cam = pitched(15.0)
    feet = to_cam(torch.tensor([[[-0.1, 4, 0], [0.1, 4, 0]]]), T_world_cam).expand(200, 2, 3)
    valid = torch.ones(200, 2, dtype=torch.bool)
    upright = T_world_cam[2, :3].expand(200, 3) * 0.5
    alone, helped = (ground_plane(feet, valid, FPS, upright=u) for u in (None, upright))
    assert tilt_error_deg(helped, T_world_cam) < 0.5 * tilt_error_deg(alone, T_world_cam)
    hinted = ground_plane(feet, valid, FPS, up_hint=T_world_cam[2, :3])
    assert tilt_error_deg(hinted, T_world_cam) < 1


def test_no_feet_and_single_frames_are_defined():
    feet = torch.full((5, 2, 3), torch.nan)
    ground = ground_plane(feet, torch.zeros(5, 2, dtype=torch.bool), FPS)
    assert (ground.offset_m, ground.confidence, ground.num_contacts) == (0, 0, 0)
    point, seen = torch.tensor([[[0.0, 1.2, 3]]]), torch.ones(1, 1, dtype=torch.bool)
    assert ground_plane(point, seen, FPS).offset_m == pytest.approx(1.2, abs=0.01)
    ankle = ground_plane(point, seen, FPS, foot_height_m=0.08)
    assert ankle.offset_m == pytest.approx(1.28, abs=0.01)


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="must be positive"):
        ground_plane(torch.zeros(1, 1, 3), torch.ones(1, 1, dtype=torch.bool), 0.0)


@pytest.mark.parametrize("pitch", [0.0, 25.0, 90.0])
def test_the_world_stands_on_the_floor(pitch):
    truth = pitched(pitch)
    ground = Ground(truth[2, :3], HEIGHT_M, 1.0, 1)
    root_world = torch.tensor([0.7, 5.0, 0.9])
    T_world_cam = world_from_ground(ground, to_cam(root_world, truth))
    expected = truth.clone()
    expected[:2, 3] -= root_world[:2]
    torch.testing.assert_close(T_world_cam, expected, rtol=0, atol=1e-5)
