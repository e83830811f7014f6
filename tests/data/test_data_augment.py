import math
from dataclasses import replace

import pytest
import torch

from vitruve.data.cameras.virtual import RandomCameras, RandomCamerasConfig
from vitruve.data.lifting.augment import (
    BodyConfig,
    bone_factors,
    bones_of,
    flip,
    jitter_limb,
    joints_of,
    mirror_motion,
    mix_legs,
    pelvis_frame,
    scale_bones,
    sit,
    turn,
    vary_bodies,
)
from vitruve.data.lifting.body_parts import body_parts
from vitruve.data.lifting.corrupt import (
    DetectorConfig,
    confidence_of,
    detect,
    inside_image,
    noise_px,
    person_size_px,
    swap_sides,
    time_blocks,
)
from vitruve.geometry.projection import project
from vitruve.poses import PoseBatch
from vitruve.skeletons import skeleton

H36M = skeleton("h36m_17")
REST = torch.tensor(
    [
        [0, 0, 0.9], [-0.1, 0, 0.9], [-0.1, 0.05, 0.5], [-0.1, 0, 0.1], [0.1, 0, 0.9],
        [0.1, 0.05, 0.5], [0.1, 0, 0.1], [0, 0, 1.15], [0, 0, 1.4], [0, 0.05, 1.5],
        [0, 0, 1.65], [0.18, 0, 1.4], [0.45, 0, 1.4], [0.7, 0, 1.4], [-0.18, 0, 1.4],
        [-0.45, 0, 1.4], [-0.7, 0, 1.4],
    ]
)  # fmt: skip
"""A person facing -y with arms spread: the right side is at -x."""


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def people(b=4, t=5, seed=0):
    """Standing people, every joint displaced a little, each at a place of its own."""
    generator = seeded(seed)
    joints = REST + 0.04 * torch.randn(b, t, 17, 3, generator=generator)
    return joints + torch.rand(b, 1, 1, 3, generator=generator) * torch.tensor([2.0, 2.0, 0.0])


def seen_batch(b=4, t=5, distorted=True):
    world = people(b, t)
    centre, radius = world.mean((1, 2)), torch.ones(b)
    cameras = RandomCameras(RandomCamerasConfig()).sample(centre, radius, seeded(1))
    joints_cam = cameras.joints_to_cam(world)
    distortion = torch.tensor([-0.2, 0.2, 0.01, -0.02, 0.0] + [0.0] * 3 + [0.01, 0.02, 0.03, 0.01])
    lens = distortion.repeat(b, 1) if distorted else None
    pixels = project(
        joints_cam, cameras.intrinsics[:, None], None if lens is None else lens[:, None]
    )
    return PoseBatch(
        keypoint_skeleton=H36M,
        keypoints_px=pixels,
        keypoints_valid=torch.ones(b, t, 17, dtype=torch.bool),
        confidence=torch.ones(b, t, 17),
        image_size_px=cameras.image_size_px,
        intrinsics=cameras.intrinsics,
        distortion=lens,
        fps=torch.full((b,), 50.0),
        skeleton=H36M,
        joints_cam=joints_cam,
        valid=torch.ones(b, t, 17, dtype=torch.bool),
    )


@pytest.mark.parametrize("distorted", [True, False])
def test_flipped_3d_projects_to_flipped_2d(distorted):
    batch = seen_batch(distorted=distorted)
    flipped = flip(batch, torch.ones(4, dtype=torch.bool))
    lens = None if flipped.distortion is None else flipped.distortion[:, None]
    pixels = project(flipped.joints_cam, flipped.intrinsics[:, None], lens)
    torch.testing.assert_close(pixels, flipped.keypoints_px, atol=0.02, rtol=1e-4)
    assert not torch.allclose(flipped.keypoints_px, batch.keypoints_px, atol=1.0)


def test_flip_twice_is_identity_and_spares_the_rest():
    batch = seen_batch()
    which = torch.tensor([True, False, True, False])
    once = flip(batch, which)
    assert torch.equal(once.keypoints_px[1], batch.keypoints_px[1])
    twice = flip(once, which)
    torch.testing.assert_close(twice.keypoints_px, batch.keypoints_px, atol=1e-3, rtol=1e-5)
    assert torch.equal(twice.joints_cam, batch.joints_cam)
    torch.testing.assert_close(twice.intrinsics, batch.intrinsics)
    assert torch.equal(twice.distortion, batch.distortion)


def test_mirror_twice_is_identity():
    joints = people()
    assert torch.equal(mirror_motion(mirror_motion(joints, H36M), H36M), joints)


def test_turn_keeps_heights_and_lengths():
    joints = people()
    turned = turn(joints, torch.tensor([0.3, 1.0, -2.0, math.pi]))
    torch.testing.assert_close(turned[..., 2], joints[..., 2])
    torch.testing.assert_close(turned.norm(dim=-1), joints.norm(dim=-1))
    torch.testing.assert_close(turned[3, ..., :2], -joints[3, ..., :2], atol=1e-5, rtol=0)


def test_bones_round_trip_and_scale_exactly():
    parts, joints = body_parts(H36M), people()
    torch.testing.assert_close(joints_of(bones_of(joints, parts), parts), joints)
    factors = bone_factors(4, H36M, BodyConfig(), seeded())
    assert torch.equal(factors, factors[:, parts.mirror])
    assert (factors >= 0.8 * 0.88 - 1e-6).all()
    assert (factors <= 1.15 * 1.12 + 1e-6).all()
    scaled = scale_bones(joints, factors, H36M)
    lengths = bones_of(joints, parts).norm(dim=-1)
    new_lengths = bones_of(scaled, parts).norm(dim=-1)
    torch.testing.assert_close(new_lengths, lengths * factors[:, None], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["jitter", "mix", "sit"])
def test_new_poses_keep_bone_lengths_and_the_trunk(name):
    parts, joints = body_parts(H36M), people()
    if name == "jitter":
        posed = jitter_limb(joints, H36M, torch.full((4,), 0.6), seeded())
    elif name == "mix":
        posed = mix_legs(joints, joints.flip(0), H36M)
    else:
        posed = sit(joints, H36M, seeded())
    lengths = [bones_of(x, parts).norm(dim=-1) for x in (joints, posed)]
    torch.testing.assert_close(lengths[1], lengths[0], atol=1e-4, rtol=1e-4)
    trunk = [0, 1, 4, 7, 8, 9, 10, 11, 14]
    torch.testing.assert_close(posed[:, :, trunk], joints[:, :, trunk], atol=1e-5, rtol=0)
    assert (posed - joints).norm(dim=-1).amax() > 0.03


def test_sitting_thighs_are_level_and_point_forward():
    still = REST.repeat(50, 1, 1, 1)
    posed = sit(still, H36M, seeded())
    frame = pelvis_frame(still, H36M)
    forward = frame[..., 1]
    # Facing +y would put the right hip at +x; this person's right hip is at -x, so it faces -y.
    torch.testing.assert_close(forward[0, 0], torch.tensor([0.0, -1.0, 0.0]), atol=1e-5, rtol=0)
    thigh = posed[..., 2, :] - posed[..., 1, :]
    assert ((thigh * forward).sum(-1) > 0.25).all()
    assert (thigh[..., 2].abs() < 0.2).all()
    assert (posed[..., 3, 2] < posed[..., 2, 2] - 0.25).all()  # ankles hang below knees


def test_mixing_with_oneself_changes_nothing():
    joints = people()
    torch.testing.assert_close(mix_legs(joints, joints, H36M), joints, atol=1e-5, rtol=1e-5)


def test_varied_bodies_stay_on_the_ground_and_repeat_with_the_seed():
    joints = people(16)
    config = BodyConfig(mix=0.5, sit=0.3, jitter=0.5)
    one = vary_bodies(joints, H36M, config, seeded(5))
    assert torch.equal(one, vary_bodies(joints, H36M, config, seeded(5)))
    assert one.isfinite().all()
    torch.testing.assert_close(one[..., 2].amin((1, 2)), joints[..., 2].amin((1, 2)))


def test_noise_has_the_stated_size_and_memory():
    config = DetectorConfig(noise_range=(1.0, 1.0), bias=0.0)
    fps = torch.full((100,), 50.0)
    error = noise_px(torch.zeros(100, 81, 17, 2), fps, config, seeded())
    assert error.std() == pytest.approx(config.noise, rel=0.1)
    together = (error[:, 1:] * error[:, :-1]).mean() / error.var()
    expected = 0.5 * math.exp(-1 / (50 * config.correlation_s))
    assert together == pytest.approx(expected, abs=0.05)
    kurtosis = (error / error.std()).pow(4).mean()
    assert kurtosis > 3.3  # heavier than Gaussian


def test_noise_is_relative_to_the_person():
    batch = seen_batch(b=2, distorted=False)
    size = person_size_px(batch.keypoints_px, batch.keypoints_valid)
    half = person_size_px(batch.keypoints_px / 2, batch.keypoints_valid)
    torch.testing.assert_close(half, size / 2)
    nobody = torch.zeros_like(batch.keypoints_valid)
    assert torch.equal(person_size_px(batch.keypoints_px, nobody), torch.zeros(2))


def test_confidence_falls_with_the_error():
    error = torch.linspace(0, 0.2, 400).reshape(1, 1, 400, 1).repeat(1, 1, 1, 2)
    guessed = torch.zeros(1, 1, 400, dtype=torch.bool)
    confidence = confidence_of(error, guessed, DetectorConfig(), seeded())
    assert confidence[0, 0, :50].mean() > 0.6
    assert confidence[0, 0, -50:].mean() < 0.1
    assert ((confidence >= 0) & (confidence <= 1)).all()


def test_swapped_sides_come_back():
    batch = seen_batch()
    which = torch.zeros(4, 5, 17, dtype=torch.bool)
    which[1, 2] = True
    swapped = swap_sides(batch, which)
    assert torch.equal(swapped.keypoints_px[1, 2, 1], batch.keypoints_px[1, 2, 4])
    assert torch.equal(swapped.keypoints_px[0], batch.keypoints_px[0])
    assert torch.equal(swap_sides(swapped, which).keypoints_px, batch.keypoints_px)


def test_time_blocks_are_single_stretches():
    blocks = time_blocks(300, 20, torch.full((300,), 8.0), seeded())
    lengths = blocks.sum(1)
    assert lengths.min() >= 1
    assert lengths.max() == 8
    starts = (blocks[:, 1:] & ~blocks[:, :-1]).sum(1) + blocks[:, 0]
    assert (starts == 1).all()


def test_keypoints_beyond_the_border_are_missing():
    batch = seen_batch()
    pixels = batch.keypoints_px.clone()
    pixels[0, 0, 3] = torch.tensor([-5.0, 10.0])
    seen = inside_image(replace(batch, keypoints_px=pixels))
    assert not seen.keypoints_valid[0, 0, 3]
    assert seen.confidence[0, 0, 3] == 0
    assert ((seen.keypoints_px >= 0) & (seen.keypoints_px <= seen.image_size_px.max())).all()


def test_detector_leaves_labels_alone_and_repeats_with_the_seed():
    batch = seen_batch(b=32, t=20)
    config = DetectorConfig(occlusion=1.0, swap=0.5, miss=0.1)
    seen = detect(batch, config, seeded(3))
    assert torch.equal(seen.joints_cam, batch.joints_cam)
    assert seen.keypoints_px.isfinite().all()
    assert 0.5 < seen.keypoints_valid.float().mean() < 0.99
    assert (seen.confidence[~seen.keypoints_valid] == 0).all()
    assert torch.equal(seen.keypoints_px, detect(batch, config, seeded(3)).keypoints_px)
    quiet = DetectorConfig(noise=0.0, bias=0.0, miss=0.0, occlusion=0.0, swap=0.0)
    same = detect(batch, quiet, seeded())
    inside = same.keypoints_valid
    assert torch.equal(same.keypoints_px[inside], batch.keypoints_px[inside])
