"""Limb lengths and their symmetry, by hand and against the lengths of whole skeletons."""

from dataclasses import replace

import pytest
import torch

import vitruve
from energy_samples import near_truth, pose_batch, relative_joints
from vitruve.objectives.limb_lengths import LimbLengthsConfig, LimbLengthsObjective
from vitruve.poses import Prediction
from vitruve.skeletons.skeleton import Skeleton

LEGS = Skeleton(
    "legs",
    ("pelvis", "left_hip", "left_knee", "right_hip", "right_knee"),
    (-1, 0, 1, 0, 3),
)
THIGH_M = 0.4


def standing(left=THIGH_M, right=THIGH_M):
    """One frame of a pelvis and two thighs, (1, 1, j, 3)."""
    joints = [(0, 0, 0), (0.1, 0, 0), (0.1, left, 0), (-0.1, 0, 0), (-0.1, right, 0)]
    return torch.tensor(joints)[None, None]


def legs_batch(joints=None, valid=None):
    batch = pose_batch(LEGS, 1, 1)
    labels = standing() if joints is None else joints
    place = torch.tensor([0.3, 0.2, 5.0])
    return replace(batch, joints_cam=labels + place, valid=batch.valid if valid is None else valid)


def loss(joints, batch=None, **settings):
    objective = LimbLengthsObjective(LimbLengthsConfig(**settings))
    prediction = Prediction(LEGS, joints if joints.ndim == 5 else joints.unsqueeze(1))
    return objective.loss(prediction, legs_batch() if batch is None else batch)


def test_lengths_by_hand():
    assert loss(standing()) == pytest.approx(0, abs=1e-7)
    assert loss(standing(left=0.5)).item() == pytest.approx((0.1 + 0) / 2)
    assert loss(standing(left=0.5, right=0.2)).item() == pytest.approx((0.1 + 0.2) / 2)
    assert loss(standing(left=0.5), length=3.0).item() == pytest.approx(3 * 0.05)


def test_only_limbs_count():
    wide = standing()
    wide[..., 1:3, 0] += 0.5
    assert loss(wide) == pytest.approx(0, abs=1e-7)


def test_symmetry_by_hand_and_without_labels():
    bare = replace(legs_batch(), joints_cam=None, valid=None, skeleton=None)
    lopsided = standing(left=0.5, right=0.3)
    assert loss(lopsided, bare, length=0.0, symmetry=1.0).item() == pytest.approx(0.2)
    assert loss(lopsided, length=1.0, symmetry=2.0).item() == pytest.approx(0.1 + 2 * 0.2)
    with pytest.raises(ValueError, match="has no 3D labels"):
        loss(lopsided, bare)


def test_segments_without_a_label_do_not_count():
    valid = torch.ones(1, 1, 5, dtype=torch.bool)
    valid[..., 2] = False
    wild = standing(left=1e6)
    assert loss(standing(right=0.5), legs_batch(wild, valid)).item() == pytest.approx(0.1)
    nothing = legs_batch(wild, torch.zeros_like(valid))
    guess = standing(right=0.5).requires_grad_()
    zero = loss(guess, nothing)
    zero.backward()
    assert zero == 0
    assert (guess.grad == 0).all()


def test_every_hypothesis_counts_alike():
    both = torch.stack([standing(), standing(left=0.6)], dim=1)
    assert loss(both).item() == pytest.approx(0.2 / 4)


@pytest.mark.parametrize("name", ["h36m_17", "smpl_24", "h3wb_133", "coco_17"])
def test_whole_skeletons(name):
    skeleton = vitruve.skeleton(name)
    batch = pose_batch(skeleton)
    prediction = near_truth(batch, hypotheses=2)
    config = LimbLengthsConfig(symmetry=0.5)
    found = LimbLengthsObjective(config).loss(prediction, batch).item()
    errors, differences = [], []
    for joint in ("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"):
        sides = {}
        for side in ("left", "right"):
            a, b = (skeleton.index(f"{side}_{end}") for end in joint)
            said = (prediction.joints_cam[..., a, :] - prediction.joints_cam[..., b, :]).norm(
                dim=-1
            )
            true = (relative_joints(batch)[..., a, :] - relative_joints(batch)[..., b, :]).norm(
                dim=-1
            )
            errors.append((said - true.unsqueeze(1)).abs())
            sides[side] = said
        differences.append((sides["left"] - sides["right"]).abs())
    wanted = torch.stack(errors).mean() + 0.5 * torch.stack(differences).mean()
    assert found == pytest.approx(wanted.item(), rel=1e-5)


def test_skeletons_without_limbs_are_refused():
    hand = vitruve.skeleton("hand_21")
    batch = pose_batch(hand)
    objective = LimbLengthsObjective(LimbLengthsConfig())
    with pytest.raises(ValueError, match="'hand_21' has no limbs that the names tell apart"):
        objective.loss(near_truth(batch), batch)


def test_labels_of_another_skeleton_are_refused():
    batch = pose_batch(vitruve.skeleton("smpl_24"))
    prediction = near_truth(pose_batch())
    with pytest.raises(ValueError, match="'smpl_24' but the estimator says 'h36m_17'"):
        LimbLengthsObjective(LimbLengthsConfig()).loss(prediction, batch)
