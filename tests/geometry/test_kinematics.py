import math

import pytest
import roma
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vitruve.geometry.kinematics import (
    angle_at,
    bone_lengths,
    children_of,
    forward_kinematics,
    inverse_kinematics,
    parents_first,
)

# A body whose joints stand in no particular order: 3 is the root, with two legs and a spine.
PARENTS = (1, 3, 0, -1, 3, 4, 3, 6, 7, 7, 7)
OFFSETS = torch.tensor(
    [
        [0.0, -0.4, 0], [0.1, -0.1, 0], [0, -0.4, 0.1], [0, 0, 0], [-0.1, -0.1, 0], [0, -0.4, 0],
        [0, 0.5, 0], [0, 0.1, 0], [0, 0.2, 0], [0.2, 0, 0], [-0.2, 0, 0],
    ]
)  # fmt: skip


def test_every_parent_comes_first():
    order = parents_first(PARENTS)
    assert sorted(order) == list(range(len(PARENTS)))
    assert all(p < 0 or order.index(p) < order.index(i) for i, p in enumerate(PARENTS))
    assert children_of(PARENTS)[3] == (1, 4, 6)


@pytest.mark.parametrize(
    ("parents", "match"), [((-1, 5), "parent 5 is no joint"), ((-1, 2, 1), r"joints \[1, 2\] form")]
)
def test_a_broken_tree_is_named(parents, match):
    with pytest.raises(ValueError, match=match):
        parents_first(parents)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_inverse_then_forward_gives_the_joints_back(seed):
    torch.manual_seed(seed)
    rotations = roma.random_rotmat((2, 3, len(PARENTS)), dtype=torch.float64)
    root = torch.randn(2, 3, 3).double()
    joints, _ = forward_kinematics(rotations, OFFSETS.double(), root, PARENTS)
    torch.testing.assert_close(
        bone_lengths(joints, PARENTS), OFFSETS.double().norm(dim=-1).expand(2, 3, -1)
    )
    local = inverse_kinematics(joints, OFFSETS.double(), PARENTS)
    again, _ = forward_kinematics(local, OFFSETS.double(), root, PARENTS)
    torch.testing.assert_close(again, joints, rtol=0, atol=1e-7)


def test_rotations_are_proper_and_twist_free():
    rotations = roma.random_rotmat((50, len(PARENTS)), dtype=torch.float64)
    offsets, root = OFFSETS.double(), torch.zeros(50, 3).double()
    joints, _ = forward_kinematics(rotations, offsets, root, PARENTS)
    local = inverse_kinematics(joints, offsets, PARENTS)
    assert roma.is_rotation_matrix(local.flatten(0, 1), epsilon=1e-9)
    swing = roma.rotmat_to_rotvec(local[:, 0])
    assert (swing @ offsets[2]).abs().max() < 1e-9
    leaves = [i for i, kids in enumerate(children_of(PARENTS)) if not kids]
    torch.testing.assert_close(
        local[:, leaves], torch.eye(3).double().expand(50, len(leaves), 3, 3)
    )


def test_the_rest_pose_has_no_rotation():
    eye = torch.eye(3).expand(len(PARENTS), 3, 3)
    joints, _ = forward_kinematics(eye, OFFSETS, torch.zeros(3), PARENTS)
    torch.testing.assert_close(inverse_kinematics(joints, OFFSETS, PARENTS), eye)


def test_children_on_one_line_leave_no_twist():
    offsets = torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, -1, 0]])
    joints = torch.tensor([[0.0, 0, 0], [1, 0, 0], [-1, 0, 0]])
    local = inverse_kinematics(joints, offsets, (-1, 0, 0))[0]
    assert (roma.rotmat_to_rotvec(local) - torch.tensor([0, 0, -math.pi / 2])).norm() < 1e-5


def test_degenerate_bones_are_defined():
    parents, offsets = (-1, 0, 1), torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 1, 0]])
    opposite = torch.tensor([[0.0, 0, 0], [0, -1, 0], [0, -2, 0]])
    local = inverse_kinematics(opposite, offsets, parents)
    assert roma.is_rotation_matrix(local, epsilon=1e-5)
    again, _ = forward_kinematics(local, offsets, torch.zeros(3), parents)
    torch.testing.assert_close(again, opposite)
    nowhere = torch.zeros(3, 3)
    torch.testing.assert_close(
        inverse_kinematics(nowhere, offsets, parents), torch.eye(3).expand(3, 3, 3)
    )
    missing = torch.full((3, 3), torch.nan)
    none = torch.zeros(3, dtype=torch.bool)
    torch.testing.assert_close(
        inverse_kinematics(missing, offsets, parents, none), torch.eye(3).expand(3, 3, 3)
    )


def test_a_smooth_motion_stays_smooth():
    steps = torch.linspace(0, 1, 200).double()[:, None]
    rotvec = steps * torch.randn(1, len(PARENTS) * 3).double().mul(0.6)
    rotations = roma.rotvec_to_rotmat(rotvec.unflatten(-1, (-1, 3)))
    joints, _ = forward_kinematics(rotations, OFFSETS.double(), torch.zeros(3).double(), PARENTS)
    local = inverse_kinematics(joints, OFFSETS.double(), PARENTS)
    assert roma.rotmat_geodesic_distance(local[1:], local[:-1]).max() < 0.05


def test_forward_kinematics_has_gradients():
    rotations = roma.random_rotmat((2, 3), dtype=torch.float64).requires_grad_()
    offsets = torch.randn(3, 3).double().requires_grad_()
    root = torch.zeros(3).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda r, o, x: forward_kinematics(r, o, x, (1, -1, 1))[0], (rotations, offsets, root)
    )


def test_angle_at_a_joint():
    b = torch.zeros(3, 3)
    a = torch.tensor([[1.0, 0, 0]]).expand(3, 3)
    c = torch.tensor([[-2.0, 0, 0], [0, 3, 0], [0.5, 0, 0]])
    torch.testing.assert_close(angle_at(a, b, c), torch.tensor([math.pi, math.pi / 2, 0]))
    assert angle_at(b, b, b).tolist() == [0, 0, 0]
