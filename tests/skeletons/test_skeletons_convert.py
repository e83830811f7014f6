"""Conversions are affine, mirror-fair, honest about what is missing, and look like a person."""

import doctest
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from vitruve.skeletons import SKELETONS, Skeleton, conversion, skeleton

LIMBS = [
    f"{side}_{part}"
    for side in ("left", "right")
    for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
]
BODIES = [
    *("h36m_17", "h36m_18", "h36m_25", "mpi_inf_3dhp_17", "mpi_inf_3dhp_28", "coco_17", "coco_19"),
    *("halpe_26", "coco_wholebody_133", "h3wb_133", "openpose_25", "mediapipe_33", "smpl_24"),
    *("smplx_55", "lsp_14", "mpii_16", "posetrack_15", "jrdb_17", "ghum_35", "aspset_17"),
    *("cmu_amc_31", "anny_default_163"),
]
USUAL = [n for n in BODIES if SKELETONS[n].definitions not in {"smpl", "cmu", "anny", "lsp"}]
ALL = list(SKELETONS)

# x to the person's left, y forward, z up, metres.
T_POSE = torch.tensor(
    [
        (0, 0, 0.92),
        (-0.13, 0, 0.92),
        (-0.13, 0, 0.48),
        (-0.13, 0, 0.06),
        (0.13, 0, 0.92),
        (0.13, 0, 0.48),
        (0.13, 0, 0.06),
        (0, 0, 1.15),
        (0, 0, 1.41),
        (0, 0.06, 1.53),
        (0, 0.02, 1.70),
        (0.16, 0, 1.38),
        (0.44, 0, 1.38),
        (0.69, 0, 1.38),
        (-0.16, 0, 1.38),
        (-0.44, 0, 1.38),
        (-0.69, 0, 1.38),
    ]
)


def t_pose_as(target: str) -> tuple[Skeleton, Tensor, Tensor]:
    there = conversion(skeleton("h36m_17"), skeleton(target))
    joints, valid = there.apply(T_POSE, torch.ones(17, dtype=torch.bool))
    return there.target, joints, valid


def all_valid(s: Skeleton) -> Tensor:
    return torch.ones(s.num_joints, dtype=torch.bool)


@pytest.mark.parametrize("name", ALL)
def test_to_itself_is_identity(name: str) -> None:
    s = SKELETONS[name]
    same = conversion(s, s)
    assert torch.equal(same.weights, torch.eye(s.num_joints, dtype=torch.float64))
    assert set(same.quality) == {"exact"}


@pytest.mark.parametrize("source", USUAL)
@pytest.mark.parametrize("target", USUAL)
def test_limb_joints_are_exact_between_usual_formats(source: str, target: str) -> None:
    there = conversion(skeleton(source), skeleton(target))
    assert set(LIMBS) <= set(there.joints_of("exact"))


@pytest.mark.parametrize("target", BODIES)
@pytest.mark.parametrize("source", BODIES)
def test_weights_are_affine_and_absent_is_never_invented(source: str, target: str) -> None:
    there = conversion(skeleton(source), skeleton(target))
    present = torch.tensor([q != "absent" for q in there.quality])
    torch.testing.assert_close(there.weights.sum(-1), present.double())
    joints, valid = there.apply(torch.randn(there.source.num_joints, 3), all_valid(there.source))
    assert torch.equal(valid, present)
    assert (joints[~present] == 0).all()
    limbs = {n for n in LIMBS if n in there.target.names}
    assert not limbs & set(there.joints_of("absent"))


@pytest.mark.parametrize("name", ["smpl_24", "cmu_amc_31", "anny", "lsp_14"])
def test_hips_known_to_differ_are_approximate(name: str) -> None:
    for there in (
        conversion(skeleton("h36m_17"), skeleton(name)),
        conversion(skeleton(name), skeleton("h36m_17")),
        conversion(skeleton(name), skeleton("openpose_25")),
    ):
        exact = there.joints_of("exact")
        assert not {"left_hip", "mid_hip"} & set(exact)
        assert "left_knee" in exact


@given(st.sampled_from(ALL), st.sampled_from(ALL))
@settings(deadline=None, max_examples=40)
def test_mirror_then_convert_is_convert_then_mirror(source: str, target: str) -> None:
    there = conversion(SKELETONS[source], SKELETONS[target])
    one_sided = [
        s
        for s in (there.source, there.target)
        if any(n.startswith(("left_", "right_")) for n in (s.names[j] for j in s.centre))
    ]
    if one_sided:
        return
    rows, columns = list(there.target.mirror_index), list(there.source.mirror_index)
    torch.testing.assert_close(there.weights[rows][:, columns], there.weights)


@given(st.sampled_from(BODIES), st.sampled_from(BODIES), st.integers(0, 2**31))
@settings(deadline=None, max_examples=25)
def test_converts_alike_after_any_affine_map(source: str, target: str, seed: int) -> None:
    there = conversion(skeleton(source), skeleton(target))
    draw = torch.Generator().manual_seed(seed)
    joints = torch.randn(2, 4, there.source.num_joints, 3, generator=draw, dtype=torch.float64)
    turn = torch.randn(3, 3, generator=draw, dtype=torch.float64)
    shift = torch.randn(3, generator=draw, dtype=torch.float64)
    seen = torch.rand(2, 4, there.source.num_joints, generator=draw) > 0.2
    before, valid = there.apply(joints, seen)
    after, _ = there.apply(joints @ turn + shift, seen)
    torch.testing.assert_close(after[valid], before[valid] @ turn + shift)


def test_one_missing_source_joint_only_costs_what_needs_it() -> None:
    there = conversion(skeleton("coco_17"), skeleton("h36m_17"))
    seen = all_valid(there.source)
    seen[there.source.index("left_hip")] = False
    keypoints_px = torch.rand(5, 17, 2)
    joints, valid = there.apply(keypoints_px, seen.expand(5, 17))
    assert joints.shape == (5, 17, 2)
    lost = {n for n, v in zip(there.target.names, valid[0].tolist(), strict=True) if not v}
    assert lost == {"left_hip", "pelvis", "spine"}


@given(st.sampled_from(BODIES), st.sampled_from(BODIES))
@settings(deadline=None, max_examples=30)
def test_shared_exact_joints_survive_the_round_trip(source: str, target: str) -> None:
    there, back = (
        conversion(skeleton(source), skeleton(target)),
        conversion(skeleton(target), skeleton(source)),
    )
    joints = torch.randn(there.source.num_joints, 3)
    returned, valid = back.apply(*there.apply(joints, all_valid(there.source)))
    shared = set(there.joints_of("exact")) & set(back.joints_of("exact"))
    for name in shared & set(there.source.names):
        j = there.source.index(name)
        if valid[j]:
            torch.testing.assert_close(returned[j], joints[j])


def test_t_pose_as_smpl_stands_upright() -> None:
    smpl, joints, valid = t_pose_as("smpl_24")
    z = {n: joints[j, 2].item() for j, n in enumerate(smpl.names) if valid[j]}
    trunk = ["pelvis", "spine1", "spine2", "spine3", "left_collar", "neck", "head"]
    assert [z[n] for n in trunk] == sorted(z[n] for n in trunk)
    assert len({round(z[n], 4) for n in trunk}) == len(trunk)
    collar, shoulder = (joints[smpl.index(n), 0].item() for n in ("left_collar", "left_shoulder"))
    assert 0.03 < collar < shoulder
    assert not {"left_foot", "left_hand"} & z.keys()


@pytest.mark.parametrize("target", BODIES)
def test_t_pose_stays_symmetric_and_person_sized(target: str) -> None:
    s, joints, valid = t_pose_as(target)
    flipped = joints[list(s.mirror_index)] * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(flipped[valid], joints[valid])
    assert joints[valid][:, 2].min() >= 0.05
    assert joints[valid][:, 2].max() <= 1.71
    assert "nose" not in s.names or joints[s.index("nose"), 1] > 0.05


def test_face_and_head_come_back_within_centimetres() -> None:
    for middle in ("smpl_24", "openpose_25", "mpi_inf_3dhp_17", "mpii_16"):
        s, joints, valid = t_pose_as(middle)
        returned, known = conversion(s, skeleton("h36m_17")).apply(joints, valid)
        error = (returned - T_POSE).norm(dim=-1)[known]
        assert error.max() < 0.13, middle


@pytest.mark.parametrize("animal", ["stanfordextra_24", "smal_35", "horse10_22"])
def test_people_and_animals_share_no_limbs(animal: str) -> None:
    there = conversion(skeleton("h36m_17"), skeleton(animal))
    assert set(there.quality) == {"absent"}
    from_coco = conversion(skeleton("coco_17"), skeleton("stanfordextra_24"))
    assert set(from_coco.joints_of("approximate")) == {"nose", "left_eye", "right_eye"}


def test_report_names_what_is_lost() -> None:
    text = conversion(skeleton("h36m_17"), skeleton("smpl_24")).report()
    assert text.startswith("h36m_17 -> smpl_24: 8 exact, 12 approximate, 4 absent of 24")
    assert "spine1: 47 % from pelvis to mid-trunk" in text
    assert "absent: left_foot, right_foot, left_hand, right_hand" in text


def test_examples_of_the_page_run() -> None:
    page = Path(__file__).parents[2] / "docs" / "skeletons.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 5
    assert result.failed == 0
