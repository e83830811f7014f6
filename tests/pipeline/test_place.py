import math
from dataclasses import replace

import pytest
import torch
from people import FPS, JOINTS, KEYPOINTS, camera, motion, seen, standing

from vitruve.metrics import mpjpe_mm
from vitruve.pipeline.lift import LiftedTrack
from vitruve.pipeline.place import PlaceConfig, place_people, stature
from vitruve.skeletons import conversion


def track_of(joints_world, view):
    """What a perfect lifter would say."""
    joints_cam = view.joints_to_cam(joints_world)
    keypoints = seen(joints_world, view)
    bridge = conversion(KEYPOINTS, JOINTS)
    points, valid = bridge.apply(keypoints.keypoints_px, keypoints.valid)
    exact = torch.tensor([q == "exact" for q in bridge.quality])
    frames = len(joints_cam)
    return LiftedTrack(
        joints_rel=joints_cam - joints_cam[:, :1],
        spread=torch.zeros(frames, 19),
        keypoints_px=points,
        weights=(valid & exact).float(),
        seen=torch.ones(frames, dtype=torch.bool),
        frames=torch.arange(frames),
    )


def placed(joints_world, view, **config):
    lost = replace(view, T_world_cam=None)
    config = {"cutoff_hz": None, **config}
    track = track_of(joints_world, view)
    return place_people([track], JOINTS, lost, FPS, PlaceConfig(**config))[0].sequence


def test_people_stand_where_they_stood():
    view = camera(pitch_deg=0.0)
    truth = motion(jump_m=0.1)
    found = placed(truth, view)
    root_error = (found.joints_cam - view.joints_to_cam(truth))[:, 0].norm(dim=-1)
    assert float(root_error.max()) < 0.03
    assert bool(found.valid.all())


def test_jumps_and_paths_survive():
    view = camera(pitch_deg=10.0)
    found = placed(motion(jump_m=0.4), view)
    height = found.joints_world[:, 0, 2]
    assert float(height.max() - height[:30].median()) == pytest.approx(0.4, abs=0.05)
    walked = (found.joints_world[-1, 0, :2] - found.joints_world[0, 0, :2]).norm()
    assert float(walked) == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("pitch_deg", [-5.0, 0.0, 20.0])
def test_the_world_is_level_with_its_floor_under_the_feet(pitch_deg):
    view = camera(pitch_deg=pitch_deg)
    found = placed(motion(), view)
    upright = found.joints_world[:, JOINTS.index("head")] - found.joints_world[:, 0]
    tilt = torch.acos(upright[:, 2] / upright.norm(dim=-1))
    assert math.degrees(float(tilt.max())) < 6
    assert float(found.joints_world[:20, JOINTS.index("left_toe"), 2].abs().max()) < 0.06


def test_a_calibrated_camera_keeps_its_world():
    view = camera()
    truth = motion(40)
    track = track_of(truth, view)
    config = PlaceConfig(cutoff_hz=None)
    found = place_people([track], JOINTS, view, FPS, config)[0].sequence
    assert float(mpjpe_mm(found.joints_world, truth)) < 30


@pytest.mark.parametrize("turn_deg", [90.0, -150.0])
def test_it_does_not_matter_which_way_a_given_world_lies(turn_deg):
    view = camera()
    sway = torch.zeros(60, 1, 3)
    sway[:, 0, 0] = 0.8 * torch.sin(4 * torch.arange(60) / FPS)
    track = track_of(standing() + sway, view)
    angle = math.radians(turn_deg)
    turn = torch.eye(4)
    turn[0, :2] = torch.tensor([math.cos(angle), -math.sin(angle)])
    turn[1, :2] = torch.tensor([math.sin(angle), math.cos(angle)])
    assert view.T_world_cam is not None
    turned = replace(view, T_world_cam=turn @ view.T_world_cam)
    plain, other = (
        place_people([track], JOINTS, c, FPS, PlaceConfig())[0].sequence.joints_cam
        for c in (view, turned)
    )
    torch.testing.assert_close(other, plain, atol=1e-4, rtol=0.0)


def test_stature_is_what_was_asked_for():
    found = placed(motion(30), camera(), height_m=2.0)
    assert stature(found.joints_world, JOINTS) == pytest.approx(2.0, abs=1e-3)
    assert stature(standing()[None], JOINTS) == pytest.approx(1.72, abs=0.06)


def test_smoothing_tells_what_it_took():
    view = camera()
    truth = motion(60)
    track = track_of(truth, view)
    shaking = replace(track, joints_rel=track.joints_rel + 0.02 * torch.randn(60, 19, 3))
    calm = place_people([shaking], JOINTS, view, FPS, PlaceConfig(cutoff_hz=3.0))[0]
    raw = place_people([shaking], JOINTS, view, FPS, PlaceConfig(cutoff_hz=None))[0]
    assert calm.amplitude_removed > 0.3
    assert raw.amplitude_removed == 0.0
    steps = [s.sequence.joints_cam.diff(n=2, dim=0).norm(dim=-1).mean() for s in (calm, raw)]
    assert float(steps[0]) < 0.5 * float(steps[1])
