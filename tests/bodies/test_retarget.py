import pytest
import roma
import torch
from body_samples import random_pose

from vitruve.bodies import RetargetConfig, joints_of, make_body, retarget
from vitruve.bodies.first_guess import first_guess, flat_feet
from vitruve.bodies.retarget import TREE
from vitruve.skeletons import skeleton

SMALL = RetargetConfig(steps=60)


@pytest.fixture(scope="module")
def body():
    return make_body("capsule-human")


def walk(body, frames=12):
    """A stroll of half a second: legs and arms swing, knees and elbows bend, the root moves on."""
    phase = torch.linspace(0, 2 * torch.pi, frames)
    pose = body.rest_pose(frames).clone()

    def set_bone(role, x=0.0, y=0.0, z=0.0):
        turn = torch.stack([torch.as_tensor(c).expand(frames) for c in (x, y, z)], dim=-1)
        pose[:, body.bone(role)] = roma.rotvec_to_rotmat(turn)

    for side, sign in (("left", 1.0), ("right", -1.0)):
        swing = sign * phase.sin()
        set_bone(f"{side}_hip", x=0.4 * swing)
        set_bone(f"{side}_knee", x=0.3 + 0.3 * swing)
        set_bone(f"{side}_shoulder", y=sign * 1.2, z=0.2 * swing)
        set_bone(f"{side}_elbow", z=-sign * (0.5 + 0.2 * swing))
    set_bone("pelvis", z=0.5)
    set_bone("spine1", x=0.1)
    height = body.rest().bone_heads[0, 2]
    root = torch.stack([0.3 * phase, -0.1 * phase, height.expand(frames)], dim=-1)
    posed = body(pose, root=root)
    lift = -posed.vertices[..., 2].amin()
    return pose, root + torch.tensor([0.0, 0.0, float(lift)])


def test_a_bodys_own_walk_comes_back(body):
    pose, root = walk(body)
    shape = body.default_shape.clone()
    shape[0] = 1.05
    posed = body(pose, shape[None], root)
    joints, _ = joints_of(body, posed, TREE)
    found = retarget(body, joints, TREE, 24.0, config=SMALL)
    assert found.residual.mean() < 0.006
    again = body(found.pose, found.shape[None], found.root)
    for role in ("left_wrist", "right_knee", "head"):
        k = body.bone(role)
        aside = (again.bone_heads - posed.bone_heads)[:, k]
        assert aside.norm(dim=-1).mean() < 0.04, role
    angle = roma.rotmat_geodesic_distance(
        found.pose[:, body.bone("left_knee")], pose[:, body.bone("left_knee")]
    )
    assert angle.mean() < 0.2
    standing = again.vertices[..., 2].amin(-1)
    assert standing.median().abs() < 0.02


def test_offsets_are_told_apart_from_the_pose(body):
    """A dataset whose shoulders lie 8 cm higher is no reason to shrug."""
    pose, root = walk(body)
    joints, _ = joints_of(body, body(pose, root=root), TREE)
    moved = joints.clone()
    sides = [TREE.index(f"{side}_shoulder") for side in ("left", "right")]
    moved[:, sides] += torch.tensor([0.0, 0.0, 0.08])
    found = retarget(body, moved, TREE, 24.0, config=SMALL)
    assert found.residual[:, sides].mean() < 0.02
    assert found.distance[:, sides].mean() > 0.04
    assert (found.offsets[sides, 2] > 0.01).all()


def test_the_first_guess_points_bones_where_they_were_seen(body):
    pose, root = walk(body)
    joints, _ = joints_of(body, body(pose, root=root), TREE)
    rest_joints, _ = joints_of(body, body.rest(), TREE)
    guess, _ = joints_of(body, body(first_guess(body, joints, rest_joints), root=root), TREE)
    for a, b in (("left_hip", "left_knee"), ("right_shoulder", "right_elbow")):
        i, j = TREE.index(a), TREE.index(b)
        seen, found = (torch.nn.functional.normalize(x[:, j] - x[:, i], dim=-1)
                       for x in (joints, guess))  # fmt: skip
        assert (seen * found).sum(-1).min() > 0.999


def test_feet_near_the_floor_are_flat(body):
    pose, root = walk(body)
    joints, _ = joints_of(body, body(pose, root=root), TREE)
    toes, ankle = body.bone("left_foot"), body.bone("left_ankle")
    heads = body(flat_feet(body, pose, joints), root=root).bone_heads
    rest = body.rest().bone_heads
    low = joints[:, TREE.index("left_ankle"), 2]
    on_floor = low < low.min() + 0.02
    drop = (heads[:, toes] - heads[:, ankle])[on_floor, 2]
    torch.testing.assert_close(
        drop, (rest[toes] - rest[ankle])[2].expand_as(drop), atol=5e-3, rtol=0
    )


def test_joints_that_are_not_valid_pull_at_nothing(body):
    pose, root = walk(body, 6)
    target = skeleton("h36m_25")
    joints, known = joints_of(body, body(pose, root=root), target)
    joints[:, ~known] = 7.0
    valid = known.expand(6, -1)
    found = retarget(body, joints, target, 24.0, valid=valid, config=SMALL)
    assert not found.valid[:, ~known].any()
    assert found.residual[found.valid].mean() < 0.02


def test_a_clip_without_a_knee_is_refused(body):
    joints = random_pose(body, 3)[:, :17, 0]
    valid = torch.ones(3, 17, dtype=torch.bool)
    valid[1, TREE.index("left_knee")] = False
    with pytest.raises(ValueError, match=r"h36m_17 does not give 'left_knee' in every frame"):
        retarget(body, joints, TREE, 30.0, valid=valid)
