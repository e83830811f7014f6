"""Image models in the pipeline: everyone in every frame is looked at, and stands on one floor."""

import pytest
import torch
from people import FPS, JOINTS, camera, motion
from PIL import Image

from spot_samples import Sees, picture
from vitruve.estimators.pictured_people import AIMS
from vitruve.pipeline.place import PlaceConfig, stature
from vitruve.pipeline.place_seen import place_seen
from vitruve.pipeline.see import SeenTrack, see, sees
from vitruve.poses import KeypointSequence
from vitruve.skeletons import merge, skeleton
from vitruve.skeletons.skeleton import Skeleton

SPOTS = Skeleton("spots", ("a", "b", "c", "d"), (-1,) * 4, (0, 1, 2, 3), 0)


def track(points, valid, frames):
    return KeypointSequence(SPOTS, points, valid, valid.float(), frames, 25.0, (320, 240))


def test_everyone_is_looked_at_where_they_were_found(tmp_path):
    image, lens_camera, _, joints = picture()
    for frame in range(4):
        Image.fromarray(image).save(tmp_path / f"{frame}.png")
    points = lens_camera.project(joints)
    points = torch.cat([points, points.mean(0, keepdim=True)])
    valid = torch.ones(3, 4, dtype=torch.bool)
    valid[1, 0] = False  # Too few are left for a box.
    tracks = [track(points.repeat(3, 1, 1), valid, torch.tensor([0, 1, 3]))]
    tracks.append(track(points[None], valid[:1], torch.tensor([2])))
    told = []
    found = see(tmp_path, tracks, lens_camera, Sees(4.0, AIMS), lambda *n: told.append(n))
    assert found[0].frames.tolist() == [0, 1, 2, 3]
    assert found[0].seen.tolist() == [True, False, False, True]
    torch.testing.assert_close(found[0].joints_cam[3], joints, atol=0.03, rtol=0)
    assert found[1].seen.tolist() == [True]
    torch.testing.assert_close(found[1].joints_cam[0], joints, atol=0.03, rtol=0)
    assert told[0] == (0, 4)
    assert told[-1] == (4, 4)
    assert sees(Sees(4.0))


def seen_walk(scale=1.0):
    joints = camera().joints_to_cam(motion(40)) * scale
    both = torch.cat([joints, joints[:, :17]], 1)
    t = len(both)
    spread, seen = torch.full(both.shape[:2], 0.02), torch.ones(t, dtype=torch.bool)
    return SeenTrack(both, spread, seen, torch.arange(t))


def test_people_stand_on_the_floor_where_the_model_put_them():
    said = merge((JOINTS, skeleton("coco_17")))
    walk = seen_walk()
    blind = camera()
    blind = type(blind)(blind.intrinsics, blind.image_size_px)
    (placed,) = place_seen([walk], said, blind, FPS, PlaceConfig(cutoff_hz=None))
    sequence = placed.sequence
    torch.testing.assert_close(sequence.joints_cam, walk.joints_cam, atol=1e-3, rtol=0)
    feet = sequence.joints_world[:, [JOINTS.index("left_toe"), JOINTS.index("right_toe")], 2]
    assert feet.min().abs() < 0.06
    assert sequence.spread is not None
    calm = place_seen([walk], said, camera(), FPS, PlaceConfig())[0]
    assert calm.amplitude_removed < 0.5
    torch.testing.assert_close(calm.sequence.joints_world[:, :19], motion(40), atol=0.08, rtol=0)


def test_a_stated_height_moves_people_along_their_rays():
    said = merge((JOINTS, skeleton("coco_17")))
    walk = seen_walk(0.7)
    config = PlaceConfig(height_m=1.72, cutoff_hz=None)
    (placed,) = place_seen([walk], said, camera(), FPS, config)
    joints = placed.sequence.joints_world[:, :19]
    assert stature(joints, JOINTS) == pytest.approx(1.72, abs=0.01)
    shown = camera().project(placed.sequence.joints_cam)
    torch.testing.assert_close(shown, camera().project(walk.joints_cam), atol=0.1, rtol=1e-3)
