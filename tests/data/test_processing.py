from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vitruve.data.datasets.examples import Mask, PictureExample
from vitruve.data.processing import (
    CropConfig,
    PoseSampler,
    SelectConfig,
    Selector,
    bone_lengths,
    crop_person,
    is_plausible,
)
from vitruve.data.processing.pictures import MissingFrameError, Pictures
from vitruve.data.processing.plausible import usual_lengths
from vitruve.geometry.camera import Camera
from vitruve.io.errors import FileError
from vitruve.io.video_writer import write_video
from vitruve.skeletons import SKELETONS

BODY = SKELETONS["coco_17"]
K = torch.tensor([[700.0, 0, 320], [0, 700, 240], [0, 0, 1]])
LENS = torch.tensor([-0.2, 0.05, 0.001, -0.002, 0.0])


def standing():
    rng = np.random.default_rng(3)
    return rng.uniform((-0.3, -0.8, -0.1), (0.3, 0.8, 0.1), (17, 3)) + np.array([0.5, 0.1, 4.0])


def example(joints=None, frame=0, **more):
    joints = standing() if joints is None else joints
    given = {
        "picture": Path("a.png"),
        "video_frame": None,
        "skeleton": BODY,
        "valid": np.isfinite(joints).all(-1),
        "joints_cam": np.nan_to_num(joints),
        "keypoints_px": None,
        "camera": Camera(K, (640, 480)),
        "sequence": "a",
        "frame": frame,
    }
    return PictureExample(**{**given, **more})


def kept(poses, **settings):
    sampler = PoseSampler(**settings)
    return [i for i, p in enumerate(poses) if sampler.keep(p, np.isfinite(p).all(-1))]


def test_a_still_pose_is_kept_once_and_a_moving_one_each_100_mm():
    still = np.repeat(standing()[None], 20, 0)
    assert kept(still) == [0]
    moving = still + 0.021 * np.arange(20)[:, None, None] * np.array([1.0, 0, 0])
    assert kept(moving) == [0, 5, 10, 15]
    one = still.copy()
    one[7, 3, 1] += 0.1
    assert kept(one, memory=1) == [0, 7, 8]
    assert kept(one) == [0, 7]


def test_a_movement_to_and_fro_is_kept_once():
    there = standing()
    poses = [there, there + 0.2, there, there + 0.2, there]
    assert kept(poses) == [0, 1]
    assert kept(poses, memory=1) == [0, 1, 2, 3, 4]


def test_missing_joints_are_taken_to_stay():
    pose = np.repeat(standing()[None], 5, 0)
    pose[0, :2] = np.nan
    pose[2:4, 5] = np.nan
    pose[4, :] = np.nan
    # Frame 1 shows two joints for the first time; later ones only lose some.
    assert kept(pose) == [0, 1]
    assert kept(np.full((3, 17, 3), np.nan)) == []


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_what_is_dropped_is_near_something_kept(seed, memory):
    poses = np.cumsum(np.random.default_rng(seed).normal(0, 0.04, (30, 4, 3)), axis=0)
    chosen = kept(poses, memory=memory)
    for i, pose in enumerate(poses):
        before = [j for j in chosen if j < i][-memory:]
        near = [np.linalg.norm(poses[j] - pose, axis=-1).max() < 0.1 for j in before]
        assert (i in chosen) == (not any(near))


def test_settings_of_the_sampler_are_checked():
    with pytest.raises(ValueError, match=r"threshold -0\.1 m must not be negative"):
        PoseSampler(-0.1)
    with pytest.raises(ValueError, match="memory 0 >= 1"):
        PoseSampler(memory=0)


def test_bones_are_compared_with_usual_ones():
    joints = np.stack([standing() + 0.01 * i for i in range(5)])
    lengths = bone_lengths(joints, np.ones((5, 17), bool), BODY)
    assert np.isnan(lengths[:, BODY.root]).all() or BODY.parents[BODY.root] >= 0
    usual = usual_lengths(lengths)
    assert is_plausible(lengths[0], usual)
    jumped = joints[0].copy()
    jumped[9] += 5.0
    odd = bone_lengths(jumped, np.ones(17, bool), BODY)
    assert not is_plausible(odd, usual)
    hidden = np.ones(17, bool)
    hidden[[9, 7]] = False
    assert is_plausible(bone_lengths(jumped, hidden, BODY), usual)
    # A short bone may be three times as long as usual and still within 150 mm.
    assert is_plausible(np.array([0.16]), np.array([0.04]))
    assert not is_plausible(np.array([0.20]), np.array([0.04]))


def test_selection_counts_its_reasons():
    selector = Selector(
        SelectConfig(),
        "coco_17",
        usual_lengths(bone_lengths(standing()[None], np.ones((1, 17), bool), BODY)),
    )
    away, small, odd = (
        standing() + np.array([9, 0, 0]),
        standing() + np.array([0, 0, 40]),
        standing(),
    )
    odd[9] += 3.0
    behind = standing() * [1, 1, -1]
    other = example(np.zeros((16, 3)) + 1, skeleton=SKELETONS["mpii_16"])
    examples = [example(), example(frame=1), example(away), example(small), example(odd), other]
    assert [selector.keep(e) for e in [*examples, example(behind)]] == [True] + [False] * 6
    assert selector.counts == {
        "read": 7,
        "kept": 1,
        "too like a pose kept before": 1,
        "too few joints in the picture": 2,
        "too small": 1,
        "implausible bone lengths": 1,
        "joints in another format": 1,
    }


def test_two_people_are_not_compared_with_each_other():
    selector = Selector(SelectConfig(), "coco_17")
    assert selector.keep(example(person=0))
    assert selector.keep(example(person=1))
    assert selector.keep(example(sequence="b"))


def test_weak_labels_need_half_their_joints():
    points = np.random.default_rng(0).uniform(100, 300, (17, 2))
    weak = {"joints_cam": None, "camera": None, "keypoints_px": points}
    valid = np.arange(17) < 9
    selector = Selector(SelectConfig(), "coco_17")
    assert selector.keep(example(**weak, valid=valid))
    assert not selector.keep(example(**weak, valid=np.arange(17) < 8))
    # Frames of weak labels are not compared: they need not be of one person.
    assert selector.keep(example(**weak, valid=valid))


def spots(points, size=(640, 480)):
    """Black but for a bright blob around each point."""
    x, y = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    light = sum(255 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / 8) for u, v in points)
    return np.repeat(light.clip(0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def brightest(image, near, radius=6):
    """Centre of light around a point."""
    x, y = np.meshgrid(np.arange(image.shape[1]) + 0.5, np.arange(image.shape[0]) + 0.5)
    weight = image[..., 0] * ((x - near[0]) ** 2 + (y - near[1]) ** 2 < radius**2)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("perspective", [False, True])
@pytest.mark.parametrize("lens", [None, LENS])
@pytest.mark.parametrize("side_px", [64, 150, 400])
def test_what_the_crops_camera_projects_is_where_the_crop_shows_it(perspective, lens, side_px):
    joints = np.array([[0.1, -0.3, 3.0], [0.5, 0.2, 3.5], [0.9, 0.5, 3.0]])
    camera = Camera(K, (640, 480), lens, torch.eye(4))
    pixels = camera.project(torch.from_numpy(joints).float()).numpy()
    box = np.array([*(pixels.min(0) - 10), *(pixels.max(0) + 10)])
    config = CropConfig(side_px=side_px, perspective=perspective)
    crop = crop_person(spots(pixels), camera, box, config)
    assert crop.image.shape == (*crop.camera.image_size_px, 3)
    assert max(crop.image.shape) <= side_px
    turned = torch.from_numpy(crop.turn(joints)).float()
    expected = crop.camera.project(turned).numpy()
    for point in expected:
        np.testing.assert_allclose(brightest(crop.image, point), point, atol=0.25)
    assert (crop.camera.distortion is None) == (perspective or lens is None)
    world = crop.camera.joints_to_world(turned).numpy()
    np.testing.assert_allclose(world, joints, atol=1e-5)
    if not perspective:
        np.testing.assert_allclose(crop.to_crop(pixels), expected, atol=1e-3)


def test_a_perspective_crop_looks_at_the_middle_of_the_box():
    camera = Camera(K, (640, 480), LENS)
    box = np.array([400.0, 100, 500, 300])
    crop = crop_person(
        np.zeros((480, 640, 3), np.uint8),
        camera,
        box,
        CropConfig(perspective=True),
    )
    ray = camera.undistort_px(torch.tensor([[450.0, 200.0]]))
    ray = torch.linalg.solve(K, torch.cat([ray, torch.ones(1, 1)], 1).T).T.numpy()
    turned = crop.turn(ray.astype(np.float64))[0]
    np.testing.assert_allclose(turned[:2] / turned[2], 0, atol=1e-5)
    with pytest.raises(ValueError, match="needs the picture's camera; make plain crops"):
        crop_person(np.zeros((480, 640, 3), np.uint8), None, box, CropConfig(perspective=True))


def test_beyond_the_picture_is_black_and_shrinking_averages():
    white = np.full((100, 100, 3), 255, np.uint8)
    crop = crop_person(white, None, np.array([50.0, 50, 150, 150]), CropConfig(64, 1.0))
    assert (crop.image[:31, :31] > 250).all()
    assert (crop.image[34:] < 5).all()
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    small = crop_person(stripes, None, np.array([0.0, 0, 256, 256]), CropConfig(32, 1.0)).image
    assert abs(small[4:-4, 4:-4].astype(float) - 127.5).max() < 3


@pytest.mark.parametrize("side_px", [16, 64, 100, 400])
def test_a_crop_within_the_picture_has_no_dark_edge(side_px):
    grey = np.full((480, 640, 3), 200, np.uint8)
    box = np.array([200.3, 100.7, 350.2, 299.9])
    for perspective in (False, True):
        config = CropConfig(side_px=side_px, perspective=perspective)
        crop = crop_person(grey, Camera(K, (640, 480), LENS), box, config)
        assert (crop.image == 200).all()


def test_frames_of_a_video_are_opened_in_any_order(tmp_path):
    frames = (
        np.zeros((5, 32, 32, 3), np.uint8) + 40 * np.arange(5, dtype=np.uint8)[:, None, None, None]
    )
    write_video(tmp_path / "a.mp4", frames, 25.0)
    pictures = Pictures()
    for frame in (1, 1, 3, 0, 4):
        got = pictures.picture(_in_video(tmp_path, frame))
        assert abs(got.astype(float).mean() - 40 * frame) < 4
    with pytest.raises(MissingFrameError, match=r"a\.mp4 ends before frame 5"):
        pictures.picture(_in_video(tmp_path, 5))
    mask = pictures.mask(Mask(tmp_path / "a.mp4", 2, above=60.0))
    assert mask.shape == (32, 32)
    assert mask.all()
    pictures.close()


def _in_video(folder, frame):
    camera = Camera(K, (32, 32))
    return example(picture=folder / "a.mp4", video_frame=frame, camera=camera)


def test_a_picture_of_another_size_than_its_camera_is_refused(tmp_path):
    Image.new("RGB", (320, 240)).save(tmp_path / "a.png")
    with pytest.raises(FileError, match=r"a\.png has 320 x 240 pixels, its camera 640 x 480"):
        Pictures().picture(example(picture=tmp_path / "a.png"))
    with pytest.raises(FileNotFoundError, match=r"no such image: .*b\.png"):
        Pictures().picture(example(picture=tmp_path / "b.png"))
