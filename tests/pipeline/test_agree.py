import torch
from people import JOINTS, KEYPOINTS, camera, motion, seen

from vitruve.geometry.kinematics import bone_lengths
from vitruve.pipeline.agree import median_bones, towards_rays, with_bones
from vitruve.skeletons import conversion

VIEW = camera()


def scene(frames=12):
    world = motion(frames)
    joints = VIEW.joints_to_cam(world)
    keypoints = seen(world, VIEW)
    bridge = conversion(KEYPOINTS, JOINTS)
    points, valid = bridge.apply(keypoints.keypoints_px, keypoints.valid)
    weights = (valid & torch.tensor([q == "exact" for q in bridge.quality])).float()
    return joints, points, weights


def test_joints_that_agree_stay():
    joints, points, weights = scene()
    moved = towards_rays(joints, points, weights, VIEW.intrinsics, JOINTS)
    assert float(moved.abs().max()) < 1e-5


def test_shifted_joints_go_back_onto_their_rays_and_take_the_rest_along():
    joints, points, weights = scene()
    shift = torch.tensor([0.02, -0.01, 0.0])
    moved = towards_rays(joints + shift, points, weights, VIEW.intrinsics, JOINTS)
    assert float((moved + shift).norm(dim=-1).max()) < 2e-3
    assert bool((moved[..., 2] == 0).all())


def test_wild_keypoints_are_doubted_and_unseen_ones_ignored():
    joints, points, weights = scene()
    knee = JOINTS.index("left_knee")
    points[:, knee] += 400.0
    wild = towards_rays(joints, points, weights, VIEW.intrinsics, JOINTS)
    assert float(wild[:, knee].norm(dim=-1).max()) < 0.15
    weights[:, knee] = 0
    points[:, knee] = torch.nan
    ignored = towards_rays(joints, points, weights, VIEW.intrinsics, JOINTS)
    assert float(ignored[:, knee].abs().max()) < 1e-5


def test_bones_keep_one_length_alike_left_and_right():
    joints, _, _ = scene()
    shaken = joints + 0.02 * torch.randn(joints.shape)
    shaken[3] *= 2
    use = torch.ones(12, dtype=torch.bool)
    use[3] = False
    rigid = with_bones(shaken, median_bones(shaken, use, JOINTS), JOINTS)
    lengths = bone_lengths(rigid, JOINTS.parents)
    torch.testing.assert_close(lengths, lengths[:1].expand_as(lengths), atol=1e-5, rtol=0)
    torch.testing.assert_close(lengths[0], lengths[0, list(JOINTS.mirror_index)])
    torch.testing.assert_close(rigid[:, 0], shaken[:, 0])
    true = bone_lengths(joints, JOINTS.parents)[0]
    assert float((lengths[0] - true).abs().max()) < 0.03
