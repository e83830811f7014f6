"""Features of joints: bones, their numbers, and the distance from the ray, by hand."""

import math
from dataclasses import replace

import pytest
import torch

import vitruve
from energy_samples import H36M, pose_batch, relative_joints
from vitruve.nets.joint_features import JointFeatures
from vitruve.nets.pose_evidence import PoseEvidence, evidence_of, off_ray
from vitruve.skeletons.skeleton import Skeleton

ARMS = Skeleton(
    "arms",
    ("chest", "left_elbow", "left_wrist", "right_elbow", "right_wrist"),
    (-1, 0, 1, 0, 3),
)
POSE = torch.tensor(
    [[[0.0, 0, 0], [0.3, 0, 0], [0.3, 0.2, 0], [-0.3, 0, 0], [-0.7, 0, 0]]], dtype=torch.float64
)
BONE, LENGTH, ASYMMETRY, BEND, MISSED = slice(5, 8), 8, 9, 10, slice(11, 13)


def nothing_seen(skeleton=ARMS):
    nil = torch.zeros(1, skeleton.num_joints, 2, dtype=torch.float64)
    return PoseEvidence(nil, nil, nil[..., 0])


def features(pose=POSE, skeleton=ARMS):
    return JointFeatures(skeleton, structure=True)(pose, nothing_seen(skeleton))[0]


def test_the_plain_features_are_the_keypoint_and_the_joint():
    batch = pose_batch()
    joints, evidence = relative_joints(batch), evidence_of(batch, H36M)
    plain = JointFeatures(H36M, structure=False)
    assert plain.num_features == 5
    assert torch.equal(plain(joints, evidence), torch.cat([evidence.screen, joints], dim=-1))
    rich = JointFeatures(H36M, structure=True)
    assert rich(joints, evidence).shape[-1] == rich.num_features == 13
    assert torch.equal(rich(joints, evidence)[..., :5], plain(joints, evidence))


def test_bones_and_their_lengths():
    found = features()
    wanted = [[0, 0, 0], [0.3, 0, 0], [0, 0.2, 0], [-0.3, 0, 0], [-0.4, 0, 0]]
    assert found[:, BONE].tolist() == [pytest.approx(bone) for bone in wanted]
    assert found[:, LENGTH].tolist() == pytest.approx([0.01, 0.3, 0.2, 0.3, 0.4], abs=3e-4)


def test_asymmetry_is_the_logarithm_of_left_over_right():
    found = features()[:, ASYMMETRY]
    assert found[[0, 1, 3]].tolist() == pytest.approx([0, 0, 0])
    assert found[2].item() == pytest.approx(math.log(0.2 / 0.4), abs=1e-3)
    assert found[4].item() == -found[2].item()


def test_a_bend_is_the_cosine_between_a_bone_and_the_one_before():
    found = features()[:, BEND]
    # The chest and the elbows' bones have none before them.
    assert found.tolist() == pytest.approx([0, 0, 0, 0, 1])
    folded = POSE.clone()
    folded[0, 4, 0] = -0.1
    assert features(folded)[4, BEND].item() == pytest.approx(-1)


def test_the_distance_from_the_ray_is_of_the_order_of_one():
    batch = pose_batch()
    joints = relative_joints(batch) + 0.05 * torch.randn(batch.joints_cam.shape)
    evidence = evidence_of(batch, H36M)
    found = JointFeatures(H36M, structure=True)(joints, evidence)[..., MISSED]
    torch.testing.assert_close(found, 20 * off_ray(joints, evidence))
    assert 0.3 < found.std() < 3


@pytest.mark.parametrize("name", ["h36m_17", "interhand_42", "bml_movi_87"])
def test_the_gradient_is_finite_where_bones_have_no_length(name):
    skeleton = vitruve.skeleton(name)
    batch = pose_batch(skeleton, 2, 1)
    evidence = evidence_of(replace(batch, intrinsics=None), skeleton)
    net = JointFeatures(skeleton, structure=True)
    for pose in (torch.zeros_like(batch.joints_cam), relative_joints(batch)):
        pose[..., -1, :] = pose[..., skeleton.parents[-1], :]
        joints = pose.requires_grad_()
        value = net(joints, evidence)
        assert value.isfinite().all()
        value.square().sum().backward()
        assert joints.grad.isfinite().all()
        # Lengths that are divided have a floor, so no gradient explodes.
        assert joints.grad.abs().max() < 1e4
