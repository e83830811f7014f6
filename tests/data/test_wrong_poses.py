"""Poses that are wrong on purpose: by exactly as much as asked for, and nowhere else."""

import math

import pytest
import torch

import vitruve
from energy_samples import pose_batch, relative_joints
from vitruve.data.lifting.wrong_poses import (
    WrongPosesConfig,
    hanging_on,
    shake,
    spoil,
    stretch_bone,
    turn_bone,
)
from vitruve.geometry.kinematics import bone_lengths
from vitruve.skeletons.skeleton import Skeleton

NAMES = ("h36m_17", "smpl_24", "h3wb_133", "interhand_42", "bml_movi_87")
"""The last two have several roots."""


def poses(skeleton, n=32, dtype=torch.float32):
    return relative_joints(pose_batch(skeleton, n, 1)).squeeze(1).to(dtype)


def the_bone(moved, skeleton):
    """The bone of each pose (parent, child) whose child's subtree is what moved."""
    below = torch.tensor(hanging_on(skeleton))
    found = []
    for row in moved:
        children = [c for c in range(len(below)) if torch.equal(below[c], row)]
        assert len(children) == 1
        found.append((skeleton.parents[children[0]], children[0]))
    return torch.tensor(found).unbind(-1)


@pytest.mark.parametrize("name", NAMES)
def test_what_hangs_on_a_joint_is_what_has_it_among_its_parents(name):
    skeleton = vitruve.skeleton(name)
    below = hanging_on(skeleton)
    for joint in range(skeleton.num_joints):
        above, here = set(), joint
        while here >= 0:
            above.add(here)
            here = skeleton.parents[here]
        assert {j for j in range(skeleton.num_joints) if below[j][joint]} == above


@pytest.mark.parametrize("name", NAMES)
def test_a_turn_keeps_bones_and_turns_one_by_the_angle(name):
    skeleton = vitruve.skeleton(name)
    joints, angle = poses(skeleton), torch.linspace(3.0, 90.0, 32)
    turned = turn_bone(joints, skeleton, angle)
    kept = [bone_lengths(x, skeleton.parents) for x in (joints, turned)]
    torch.testing.assert_close(*kept, rtol=0, atol=1e-6)
    moved = (turned != joints).any(-1)
    parent, child = the_bone(moved, skeleton)
    rows = torch.arange(32)
    bones = [x[rows, child] - x[rows, parent] for x in (joints, turned)]
    cosine = torch.nn.functional.cosine_similarity(*bones)
    torch.testing.assert_close(cosine, angle.deg2rad().cos(), rtol=0, atol=1e-5)
    # All that hangs on it turns as one.
    for before, after, part in zip(joints, turned, moved, strict=True):
        apart = torch.cdist(before[part], before[part]), torch.cdist(after[part], after[part])
        torch.testing.assert_close(*apart, rtol=0, atol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_stretch_changes_one_bone_by_the_share(name):
    skeleton = vitruve.skeleton(name)
    joints, by = poses(skeleton), torch.linspace(0.05, 0.3, 32)
    stretched = stretch_bone(joints, skeleton, by)
    moved = (stretched != joints).any(-1)
    _, child = the_bone(moved, skeleton)
    before, after = (bone_lengths(x, skeleton.parents) for x in (joints, stretched))
    rows = torch.arange(32)
    factor = after[rows, child] / before[rows, child]
    torch.testing.assert_close((factor - 1).abs(), by, rtol=0, atol=1e-5)
    assert (factor > 1).any()
    assert (factor < 1).any()
    before[rows, child] = after[rows, child] = 0.0
    torch.testing.assert_close(before, after, rtol=0, atol=1e-6)


def test_a_shake_has_the_standard_deviation():
    joints = torch.zeros(2, 4000, 3)
    moved = shake(joints, torch.tensor([0.01, 0.04]))
    assert moved[0].std().item() == pytest.approx(0.01, rel=0.03)
    assert moved[1].std().item() == pytest.approx(0.04, rel=0.03)
    assert moved.mean((1, 2)).abs().max() < 2e-3


def test_every_bone_is_chosen_and_in_every_direction():
    skeleton = vitruve.skeleton("h36m_17")
    joints = poses(skeleton, 1).expand(600, -1, -1)
    turned = turn_bone(joints, skeleton, torch.full((600,), 90.0))
    _, child = the_bone((turned != joints).any(-1), skeleton)
    assert set(child.tolist()) == {j for j, p in enumerate(skeleton.parents) if p >= 0}
    single = Skeleton("bone", ("root", "tip"), (-1, 0))
    up = torch.tensor([[[0.0, 0, 0], [0, 0, 1.0]]]).expand(2000, -1, -1)
    around = turn_bone(up, single, torch.full((2000,), 90.0))[:, 1]
    assert around[:, 2].abs().max() < 1e-6
    quadrants = torch.atan2(around[:, 1], around[:, 0]).div(math.pi / 2).floor()
    assert quadrants.unique(return_counts=True)[1].min() > 400


def test_a_bone_without_length_turns_its_subtree_whole():
    chain = Skeleton("chain", ("a", "b", "c", "d"), (-1, 0, 1, 2))
    folded = torch.tensor([[[0.0, 0, 0], [0, 0, 0], [0, 0.5, 0], [0.5, 0.5, 0]]])
    turned = turn_bone(folded.expand(64, -1, -1), chain, torch.full((64,), 60.0))
    lengths = bone_lengths(turned, chain.parents)
    torch.testing.assert_close(lengths, torch.tensor([0, 0, 0.5, 0.5]).expand(64, 4))
    assert (turned[:, 2] - folded[:, 2]).norm(dim=-1).max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_spoilt_poses_are_wrong_in_one_of_three_ways(name):
    skeleton = vitruve.skeleton(name)
    joints = poses(skeleton, 300)
    wrong = spoil(joints, skeleton, WrongPosesConfig())
    assert wrong.shape == joints.shape
    assert (wrong[:, skeleton.root] == 0).all()
    assert (wrong - joints).norm(dim=-1).amax(-1).min() > 1e-4
    before, after = (bone_lengths(x, skeleton.parents) for x in (joints, wrong))
    changed = ((after - before).abs() > 1e-5).sum(-1)
    num_bones = sum(p >= 0 for p in skeleton.parents)
    turned, stretched = (changed == 0).sum(), (changed == 1).sum()
    shaken = (changed > num_bones // 2).sum()
    assert turned + stretched + shaken == 300
    assert min(turned, stretched, shaken) > 60


def test_equal_seeds_give_equal_bits_and_others_other_ones():
    skeleton = vitruve.skeleton("smpl_24")
    joints, config = poses(skeleton), WrongPosesConfig()

    def make(seed):
        return spoil(joints, skeleton, config, torch.Generator().manual_seed(seed))

    assert torch.equal(make(3), make(3))
    assert not torch.equal(make(3), make(4))
    torch.manual_seed(5)
    first = spoil(joints, skeleton, config)
    torch.manual_seed(5)
    assert torch.equal(spoil(joints, skeleton, config), first)


def test_precision_is_kept():
    skeleton = vitruve.skeleton("h36m_17")
    joints = poses(skeleton, dtype=torch.float64)
    assert spoil(joints, skeleton, WrongPosesConfig()).dtype == torch.float64
    turned = turn_bone(joints, skeleton, torch.full((32,), 20.0, dtype=torch.float64))
    kept = [bone_lengths(x, skeleton.parents) for x in (joints, turned)]
    torch.testing.assert_close(*kept, rtol=0, atol=1e-14)


def test_a_skeleton_without_bones_cannot_be_spoilt():
    face = vitruve.skeleton("wflw_face_98")
    with pytest.raises(ValueError, match="'wflw_face_98' has no bones to turn or stretch"):
        spoil(poses(face, 2), face, WrongPosesConfig())
