from dataclasses import replace

import pytest
import roma
import torch
from body_samples import NAMES

from vitruve.bodies import (
    CapsuleBody,
    JointRange,
    SamplingConfig,
    limbs_of,
    make_body,
    sample_bodies,
    sample_poses,
    sample_shapes,
)
from vitruve.bodies.capsule_shapes import HUMAN
from vitruve.bodies.ranges import DOG_RANGES, HUMAN_RANGES


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module", params=NAMES)
def body(request):
    return make_body(request.param)


@pytest.fixture(scope="module")
def human():
    return make_body("capsule-human")


def test_bodies_stand_on_the_floor_and_keep_out_of_themselves(body):
    drawn = sample_bodies(body, 20, seeded())
    posed = body(drawn.pose, drawn.shape, drawn.root)
    assert len(drawn.pose) == 20
    assert posed.vertices[..., 2].amin(-1).abs().max() < 1e-5
    assert limbs_of(body).overlap(posed.bone_heads).max() <= 0.02
    assert limbs_of(body).overlap(body.rest().bone_heads) < 0


def test_the_same_seed_gives_the_same_bodies(body):
    one, two, other = (sample_bodies(body, 5, seeded(s)) for s in (3, 3, 4))
    assert torch.equal(one.pose, two.pose)
    assert torch.equal(one.shape, two.shape)
    assert not torch.equal(one.pose, other.pose)


def test_rotations_keep_to_their_ranges(human):
    pose = sample_poses(human, 400, seeded())
    elbow = roma.rotmat_to_rotvec(pose[:, human.bone("left_elbow")]).rad2deg()
    twist, swing = elbow[elbow[:, 1:].norm(dim=1) == 0], elbow[elbow[:, 0] == 0]
    assert twist[:, 0].abs().max() <= 60.01
    assert swing[:, 1].abs().max() <= 15.01
    assert -120.01 <= swing[:, 2].min() < -60
    assert swing[:, 2].max() == 0
    moved = roma.rotmat_to_rotvec(pose).norm(dim=-1) > 0
    named = {human.bone(r.role) for r in HUMAN_RANGES}
    assert not moved[:, [k for k in range(human.num_bones) if k not in named]].any()


def test_components_are_kept_and_sided_for_each_body_alone(human):
    turn = (JointRange("head", (10, 10), (0, 0), (0, 0)),)
    drawn = sample_poses(human, 4000, seeded(), SamplingConfig(ranges=turn))
    angle = roma.rotmat_to_rotvec(drawn[:, human.bone("head")])[:, 0].rad2deg()
    assert (angle == 0).float().mean() == pytest.approx(0.4, abs=0.03)
    assert (angle > 0).float().mean() == pytest.approx(0.3, abs=0.03)
    assert angle[angle != 0].abs().mean() == pytest.approx(10 / 1.96 * 0.798, rel=0.08)
    assert (angle.abs() > 9.99).float().mean() == pytest.approx(0.6 * 0.05, abs=0.012)


def test_the_root_turns_all_round_every_time(human):
    config = SamplingConfig(keep_share=1.0)
    pose = sample_poses(human, 300, seeded(), config)
    assert (roma.rotmat_to_rotvec(pose[:, 0]).norm(dim=-1) > 0).all()
    assert (pose[:, 1:] == torch.eye(3)).all()
    forward = pose[:, 0, 1, 1]
    assert forward.min() < -0.9
    assert forward.max() > 0.9


@pytest.mark.parametrize("ranges", [HUMAN_RANGES, DOG_RANGES])
def test_sides_are_mirrored(ranges):
    of_role = {r.role: r for r in ranges}
    for role, left in of_role.items():
        if role.startswith("left"):
            right = of_role[role.replace("left", "right")]
            assert right.about_x == left.about_x
            assert right.about_y == left.about_y[::-1]
            assert right.mean == (left.mean[0], -left.mean[1], -left.mean[2])


def test_raised_and_hanging_arms(human):
    """The mean of the shoulder hangs; the far end of its range points straight up."""
    for angle, sign in ((60.0, -1), (-90.0, 1)):
        pose = human.rest_pose().clone()
        turn = torch.tensor([0.0, angle, 0.0]).deg2rad()
        pose[human.bone("left_shoulder")] = roma.rotvec_to_rotmat(turn)
        heads = human(pose).bone_heads
        arm = heads[human.bone("left_elbow")] - heads[human.bone("left_shoulder")]
        assert sign * arm[2] / arm.norm() > 0.8


def test_shapes_keep_to_their_plain_range(body):
    drawn = sample_shapes(body, 300, seeded(), SamplingConfig(shape_share=1.0))
    for i, parameter in enumerate(body.anatomy.shape_parameters):
        value = drawn[:, i]
        assert value.min() >= parameter.low - 1e-6
        assert value.max() <= parameter.high + 1e-6
        assert value.std() > 0.2 * (parameter.high - parameter.low) / 2
    plain = sample_shapes(body, 3, seeded(), SamplingConfig(shape_share=0.0))
    torch.testing.assert_close(plain, body.default_shape.expand(3, -1))


def test_an_arm_through_the_chest_overlaps(human):
    pose = human.rest_pose().clone()
    for bone, angle in (("left_shoulder", -90.0), ("left_elbow", -150.0)):
        turn = torch.tensor([0.0, 0.0, angle]).deg2rad()
        pose[human.bone(bone)] = roma.rotvec_to_rotmat(turn)
    limbs = limbs_of(human)
    assert limbs.overlap(human.rest().bone_heads) < 0
    assert limbs.overlap(human(pose).bone_heads) > SamplingConfig().max_overlap


def test_impossible_settings_are_told(human):
    with pytest.raises(ValueError, match=r"0 of 100 bodies were plausible and 2 were asked for"):
        sample_bodies(human, 2, seeded(), SamplingConfig(max_overlap=-1.0))
    stranger = CapsuleBody(replace(HUMAN, name="stranger"))
    with pytest.raises(ValueError, match="no joint ranges are known of body 'stranger'"):
        sample_poses(stranger, 1, seeded())
    with pytest.raises(ValueError, match="no limbs are known of body 'stranger'"):
        sample_bodies(stranger, 1, seeded())
