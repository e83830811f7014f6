import math

import numpy as np
import pytest

import vitruve
from vitruve.skeletons import Skeleton
from vitruve.viewer.measures import heights, joint_angles, pelvis

SKELETON = vitruve.skeleton("h36m_17")


def standing():
    joints = np.zeros((4, 17, 3))
    for name, place in {
        "left_shoulder": (0.0, 0.2, 1.4),
        "left_hip": (0.0, 0.2, 0.9),
        "left_knee": (0.0, 0.2, 0.5),
        "left_ankle": (0.0, 0.2, 0.1),
        "left_elbow": (0.3, 0.2, 1.4),
        "left_wrist": (0.3, 0.2, 1.7),
        "pelvis": (0.0, 0.0, 0.92),
        "head_top": (0.0, 0.0, 1.75),
    }.items():
        joints[:, SKELETON.index(name)] = place
    return joints, np.ones((4, 17), bool)


def left(joints, valid, spread=None):
    return {m.title: m for m in joint_angles(SKELETON, joints, valid, spread) if m.side == "left"}


def test_angles_of_a_posture_known_by_construction():
    angles = left(*standing())
    expected_deg = {
        "Knee flexion": 0,
        "Hip flexion": 0,
        "Elbow flexion": 90,
        "Shoulder elevation": 90,
    }
    found = {title: round(math.degrees(m.values[0]), 6) for title, m in angles.items()}
    assert found == pytest.approx(expected_deg, abs=1e-5)


def test_an_angle_needs_its_three_joints():
    joints, valid = standing()
    valid[1, SKELETON.index("left_ankle")] = False
    angles = left(joints, valid)
    assert angles["Knee flexion"].valid.tolist() == [True, False, True, True]
    assert angles["Hip flexion"].valid.all()


def test_joints_in_one_place_span_no_angle():
    joints, valid = standing()
    joints[2, SKELETON.index("left_ankle")] = joints[2, SKELETON.index("left_knee")]
    knee = left(joints, valid)["Knee flexion"]
    assert knee.valid.tolist() == [True, True, False, True]
    assert np.isfinite(knee.values).all()


def test_spread_of_an_angle_is_what_drawing_gives():
    joints, _ = standing()
    rng = np.random.default_rng(0)
    joints[:, SKELETON.index("left_ankle")] = (-0.3, 0.25, 0.2)
    spread = np.full((4, 17), 0.004)
    stated = left(joints, np.ones((4, 17), bool), spread)["Knee flexion"].spread
    draws = joints[:1] + rng.normal(size=(40_000, 17, 3)) * 0.004 / math.sqrt(3)
    drawn = left(draws, np.ones((40_000, 17), bool))["Knee flexion"].values.std()
    assert stated is not None
    assert stated[0] == pytest.approx(drawn, rel=0.02)


def test_heights_are_of_the_joints_they_name():
    joints, valid = standing()
    spread = np.full((4, 17), 0.03)
    found = {m.title: m for m in heights(SKELETON, joints, valid, spread)}
    assert found["Head"].values[0] == pytest.approx(1.75)
    assert found["Pelvis"].values[0] == pytest.approx(0.92)
    assert found["Left foot"].joint == "left_ankle"
    assert found["Head"].spread[0] == pytest.approx(0.03 / math.sqrt(3))


def test_the_pelvis_of_a_skeleton_without_one_lies_between_the_hips():
    coco = vitruve.skeleton("coco_17")
    hips = pelvis(coco)
    assert hips == (coco.index("left_hip"), coco.index("right_hip"))
    joints, valid = np.zeros((2, 17, 3)), np.ones((2, 17), bool)
    joints[:, hips, 2] = [0.9, 1.0]
    valid[1, hips[0]] = False
    height = next(m for m in heights(coco, joints, valid, None) if m.title == "Pelvis")
    assert height.values[0] == pytest.approx(0.95)
    assert height.valid.tolist() == [True, False]


def test_a_skeleton_of_unknown_joints_has_its_roots_height_and_no_angles():
    chain = Skeleton("chain", ("base", "tip"), (-1, 0))
    joints, valid = np.ones((3, 2, 3)), np.ones((3, 2), bool)
    assert list(joint_angles(chain, joints, valid, None)) == []
    assert [m.title for m in heights(chain, joints, valid, None)] == ["Base"]
