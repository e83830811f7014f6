import pytest
import torch
from body_samples import NAMES, random_pose, random_shape

from vitruve.bodies import (
    CapsuleBody,
    CapsuleBone,
    CapsuleConfig,
    joint_weights,
    joints_of,
    make_body,
)
from vitruve.skeletons import SKELETONS, Skeleton, skeleton

WHOLE = {
    "anny": (
        "h36m_17 h36m_18 h36m_25 coco_17 coco_19 panoptic_19 smpl_24 smplh_52 mpi_inf_3dhp_17 "
        "openpose_25 halpe_26 lsp_14 mpii_16 aspset_17 crowdpose_14 posetrack18_17 humaneva_15 "
        "aist_19 3dpw_18 imar_25 vitruve_19"
    ),
    "capsule-human": "h36m_17 h36m_18 coco_17 mpi_inf_3dhp_17 halpe_26 lsp_14 vitruve_19",
    "capsule-dog": "stanfordextra_24",
}
"""Formats that a body can tell whole."""
PARTLY = {"mpi_inf_3dhp_28": 27, "cmu_amc_31": 27, "gpa_34": 23, "smplx_55": 52, "mediapipe_33": 25}


@pytest.fixture(scope="module", params=NAMES)
def body(request):
    return make_body(request.param)


def test_formats_come_whole(body):
    for name in WHOLE[body.anatomy.name].split():
        joints, valid = joints_of(body, body.rest(), skeleton(name))
        assert valid.all(), name
        assert joints.isfinite().all()


def test_what_a_body_cannot_tell_is_not_valid():
    body = make_body("anny")
    for name, count in PARTLY.items():
        joints, valid = joints_of(body, body.rest(), skeleton(name))
        assert valid.sum() == count, name
        assert (joints[~valid] == 0).all()
    assert not joints_of(
        make_body("capsule-dog"), make_body("capsule-dog").rest(), skeleton("h36m_17")
    )[1].any()


def test_rules_are_affine_on_every_format(body):
    for target in SKELETONS.values():
        total = joint_weights(body.anatomy, target).sum(1)
        assert ((total - 1).abs().lt(1e-6) | total.eq(0)).all(), target.name


def test_joints_move_with_the_body(body):
    target = skeleton(WHOLE[body.anatomy.name].split()[0])
    posed = body(random_pose(body, 2, 3), random_shape(body, 2, 1), torch.zeros(3))
    joints, _ = joints_of(body, posed, target)
    assert joints.shape == (2, 3, target.num_joints, 3)
    moved, _ = joints_of(
        body, body(random_pose(body, 2, 3), random_shape(body, 2, 1), torch.ones(3)), target
    )
    torch.testing.assert_close(moved, joints + 1, atol=1e-5, rtol=0)


def test_people_are_symmetric_and_upright():
    for name in ("anny", "capsule-human"):
        body, target = make_body(name), skeleton("h36m_17")
        joints, _ = joints_of(body, body.rest(), target)
        mirrored = joints[list(target.mirror_index)] * torch.tensor([-1.0, 1, 1])
        torch.testing.assert_close(joints, mirrored, atol=2e-3, rtol=0)
        at = dict(zip(target.names, joints, strict=True))
        trunk = [at[n][2] for n in ("pelvis", "spine", "thorax", "neck_base_or_nose", "head_top")]
        assert trunk == sorted(trunk)
        assert at["left_shoulder"][0] > 0.1


def test_faces_look_forward():
    body = make_body("anny")
    joints, _ = joints_of(body, body.rest(), skeleton("halpe_26"))
    at = dict(zip(skeleton("halpe_26").names, joints, strict=True))
    assert at["nose"][1] < at["left_eye"][1] < at["left_ear"][1]
    assert at["left_big_toe"][1] < at["left_ankle"][1] < at["left_heel"][1]
    distance = (body.rest().vertices - at["nose"]).norm(dim=-1).min()
    assert distance < 0.02


def test_a_new_animal_names_its_own_joints():
    fish = CapsuleConfig(
        "fish",
        (
            CapsuleBone("tail", "", (0, 0, 0.1), (0, -0.2, 0.1), (0.03, 0.03), "tail"),
            CapsuleBone("body", "tail", (0, -0.2, 0.1), (0, -0.4, 0.1), (0.03, 0.03), "body"),
        ),
        {"nose": ("body", (0, -1, 0))},
    )
    own = Skeleton("fish_3", ("tail", "body", "nose"), (-1, 0, 1))
    body = CapsuleBody(fish)
    joints, valid = joints_of(body, body.rest(), own)
    assert valid.all()
    torch.testing.assert_close(joints[:2], body.rest().bone_heads)
