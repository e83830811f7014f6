"""Objectives: their values, their masks, their errors."""

from dataclasses import replace

import pytest
import torch

from bridge_samples import bridge_file
from energy_samples import energy_config, near_truth, pose_batch
from picture_samples import poses_file, with_pictures
from vitruve.geometry.projection import project
from vitruve.nets.pose_discriminator import DiscriminatorConfig
from vitruve.objectives import OBJECTIVES
from vitruve.objectives.adversarial import AdversarialConfig
from vitruve.objectives.adversarial_2d import Adversarial2dConfig
from vitruve.objectives.anchors import AnchorsConfig
from vitruve.objectives.bone_constants import BoneConstantsConfig
from vitruve.objectives.consistency import ConsistencyConfig
from vitruve.objectives.energy import EnergyConfig
from vitruve.objectives.keypoints import KeypointsConfig, KeypointsObjective
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.objectives.proportions import ProportionsConfig
from vitruve.objectives.smoothness import SmoothnessConfig, SmoothnessObjective
from vitruve.objectives.task_position import TaskPositionConfig, TaskPositionObjective
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

PAIR = Skeleton("pair", ("root", "tip"), (-1, 0))
LEGS = Skeleton(
    "legs", ("pelvis", "left_hip", "left_knee", "right_hip", "right_knee"), (-1, 0, 1, 0, 3)
)
CONFIGS = {
    "consistency": ConsistencyConfig(bridge_file(LEGS)),
    "adversarial": AdversarialConfig(DiscriminatorConfig(LEGS, dropout=0.0)),
    "adversarial_2d": Adversarial2dConfig(DiscriminatorConfig(LEGS, dropout=0.0), poses_file(LEGS)),
    "anchors": AnchorsConfig((("pelvis", 0.0, -0.1),)),
    "bone_constants": BoneConstantsConfig((("left_hip", "left_knee", 0.3),)),
    "energy": EnergyConfig("mlp", energy_config("mlp", LEGS)),
    "proportions": ProportionsConfig((("left_knee", "left_hip", "right_knee", 0.5),)),
}
"""Of objectives that cannot be built at defaults, or not for these legs."""


def make_batch(joints, valid=None):
    seen = torch.ones(joints.shape[:-1], dtype=torch.bool)
    return PoseBatch(
        keypoint_skeleton=PAIR,
        keypoints_px=joints[..., :2],
        keypoints_valid=seen if valid is None else valid,
        confidence=seen.float(),
        image_size_px=torch.full((len(joints), 2), 100.0),
        skeleton=PAIR,
        joints_cam=joints,
        valid=seen if valid is None else valid,
    )


def tip_at(*tips, root=(1.0, 2.0, 5.0)):
    """One clip: the root stands, the tip moves relative to it."""
    relative = torch.tensor([[(0.0, 0.0, 0.0), tip] for tip in tips])[None]
    return relative, relative + torch.tensor(root)


def says(relative, **fields):
    return Prediction(PAIR, relative.unsqueeze(1), **fields)


def make_objective(name):
    build, config = OBJECTIVES[name]
    return build(CONFIGS[name] if name in CONFIGS else config())


def pictured(name, t):
    """Clips with pictures; where views are to teach, two of one person, and their copies."""
    batch = with_pictures(pose_batch(LEGS, b=4, t=t))
    if name != "view_labels":
        return batch
    warp, picture = batch.warp.clone(), torch.arange(len(batch.warp)) % 2
    warp[2:, 0, 2] = 0.1
    joints = batch.joints_cam[:1] - batch.T_world_cam[:, None, None, :3, 3]
    return replace(
        batch,
        joints_cam=joints,
        keypoints_px=project(joints, batch.intrinsics[:, None]),
        scene=torch.zeros_like(picture),
        picture=picture,
        warp=warp,
    )


def says_all(batch, name):
    """A prediction with everything that an objective of the table may read."""
    drawn = torch.Generator().manual_seed(0)
    b, t, j = batch.valid.shape
    features = torch.randn(b, 2, t, j, 256, generator=drawn)
    h = 2 if name == "teacher" else 1
    keypoints = batch.keypoints_px.unsqueeze(1).expand(-1, h, -1, -1, -1) + 3.0
    root = batch.joints_cam[..., batch.skeleton.root, :].unsqueeze(1).expand(-1, h, -1, -1) + 0.1
    at = torch.linspace(-1, 1, 8).expand(b, t, j, -1)
    chance = torch.randn(at.shape, generator=drawn).log_softmax(-1)
    return replace(
        near_truth(batch, hypotheses=h),
        root_cam=root,
        depth_cells=torch.stack([at, chance], -1),
        features=features,
        keypoints_px=keypoints,
    )


def test_position_error_by_hand():
    relative, absolute = tip_at((0.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    guess = relative.clone()
    guess[0, 0, 1] += torch.tensor([0.3, 0.0, 0.4])
    batch = make_batch(absolute)
    l2 = PositionObjective(PositionConfig()).loss(says(guess), batch)
    assert l2.item() == pytest.approx(0.5 / 4)
    mse = PositionObjective(PositionConfig(norm="mse")).loss(says(guess), batch)
    assert mse.item() == pytest.approx(0.25 / 3 / 4)
    weighted = PositionObjective(PositionConfig(joint_weights=(1.0, 3.0)))
    assert weighted.loss(says(guess), batch).item() == pytest.approx(3 * 0.5 / 4)


def test_every_hypothesis_counts_alike():
    relative, absolute = tip_at((0.0, 1.0, 0.0))
    both = torch.stack([relative, relative + torch.tensor([0.0, 0.0, 1.0])], dim=1)
    loss = PositionObjective(PositionConfig()).loss(Prediction(PAIR, both), make_batch(absolute))
    assert loss.item() == pytest.approx(0.5)


def test_task_position_by_hand():
    relative, absolute = tip_at((0.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    guess = relative.clone()
    guess[0, 0, 1] += torch.tensor([0.3, 0.4, -0.2])
    loss = TaskPositionObjective(TaskPositionConfig()).loss(says(guess), make_batch(absolute))
    assert loss.item() == pytest.approx((0.5 + 0.2) / 4)


def test_position_in_the_camera_frame():
    relative, absolute = tip_at((0.0, 1.0, 0.0))
    objective = PositionObjective(PositionConfig(root_centred=False))
    root = absolute[:, None, :, 0]
    assert objective.loss(says(relative, root_cam=root), make_batch(absolute)).item() == 0
    off = says(relative, root_cam=root + torch.tensor([0.0, 0.0, 2.0]))
    assert objective.loss(off, make_batch(absolute)).item() == pytest.approx(2.0)
    with pytest.raises(ValueError, match="needs an estimator that says root_cam"):
        objective.loss(says(relative), make_batch(absolute))


def seeded(loss):
    """The same draws in every call, of objectives that draw."""

    def call(*arguments):
        torch.manual_seed(0)
        return loss(*arguments)

    return call


@pytest.mark.parametrize("part", ["loss", "own_loss"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_missing_labels_are_not_looked_at(name, part):
    objective = make_objective(name)
    batch = pictured(name, 4)
    valid = batch.valid.clone()
    valid[0, 1, 1] = valid[1, 2, 0] = valid[2] = False
    guess, wild = says_all(batch, name), batch.joints_cam.where(valid[..., None], 1e6)
    loss = seeded(getattr(objective, part))
    losses = [
        loss(guess, replace(batch, valid=valid, joints_cam=joints))
        for joints in (batch.joints_cam, wild)
    ]
    assert torch.equal(*losses)
    assert losses[0] != 0


def test_a_frame_without_its_root_has_no_relative_label():
    relative, absolute = tip_at((0.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    valid = torch.ones(1, 2, 2, dtype=torch.bool)
    valid[0, 0, 0] = False
    absolute[0, 0, 0] = 1e6
    loss = PositionObjective(PositionConfig()).loss(says(relative), make_batch(absolute, valid))
    assert loss.item() == 0


def test_the_coarse_answer_is_scored_on_its_own_frames():
    relative, absolute = tip_at(*[(0.0, 1.0 + i, 0.0) for i in range(7)])
    batch, objective = make_batch(absolute), PositionObjective(PositionConfig(of="coarse"))

    def loss(coarse, step=1):
        middle = relative[:, 3:4]
        prediction = says(middle, coarse_cam=coarse.unsqueeze(1), coarse_step=step)
        return objective.loss(prediction, batch).item()

    assert loss(relative) == 0
    assert loss(relative[:, 1:-1]) == 0
    assert loss(relative[:, ::2], step=2) == 0
    assert loss(relative[:, 1::2], step=2) == 0
    assert loss(relative[:, :-2]) == pytest.approx(0.5)


def test_the_coarse_answer_must_be_there():
    relative, absolute = tip_at((0.0, 1.0, 0.0))
    objective = PositionObjective(PositionConfig(of="coarse"))
    with pytest.raises(ValueError, match="of='coarse' needs an estimator that says coarse_cam"):
        objective.loss(says(relative), make_batch(absolute))
    with pytest.raises(ValueError, match="the coarse answer is relative to the root"):
        PositionConfig(of="coarse", root_centred=False)


def test_keypoints_error_is_a_share_of_the_image_width():
    relative, absolute = tip_at((0.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    batch = make_batch(absolute)
    recovered = batch.keypoints_px.clone()
    recovered[0, 0, 1] += torch.tensor([3.0, 4.0])
    recovered[0, 1, 0] += 1e6
    unseen = batch.keypoints_valid.clone()
    unseen[0, 1, 0] = False
    objective = KeypointsObjective(KeypointsConfig())
    prediction = says(relative[:, :0], keypoints_px=recovered.unsqueeze(1))
    loss = objective.loss(prediction, replace(batch, keypoints_valid=unseen))
    assert loss.item() == pytest.approx(5 / 100 / 3)
    with pytest.raises(ValueError, match="needs an estimator that says keypoints_px"):
        objective.loss(says(relative), batch)


def test_nothing_valid_gives_zero_and_a_zero_gradient():
    relative, absolute = tip_at((0.0, 1.0, 0.0))
    guess = relative.clone().requires_grad_()
    nothing = make_batch(absolute, torch.zeros(1, 1, 2, dtype=torch.bool))
    loss = PositionObjective(PositionConfig()).loss(says(guess), nothing)
    loss.backward()
    assert loss.item() == 0
    assert (guess.grad == 0).all()


def test_smoothness_by_hand():
    relative, absolute = tip_at((0.0, 1.0, 0.0), (0.0, 1.3, 0.0), (0.0, 1.6, 0.0))
    still = relative[:, :1].expand(-1, 3, -1, -1)
    batch = make_batch(absolute)

    def loss(guess, **settings):
        return SmoothnessObjective(SmoothnessConfig(**settings)).loss(says(guess), batch).item()

    assert loss(relative, smoothness=0.0) == pytest.approx(0, abs=1e-6)
    assert loss(still, velocity=0.0) == 0
    # Velocity error 0.3 m per frame at one of two joints.
    assert loss(still, smoothness=0.0) == pytest.approx(2.0 * 0.3 / 2)
    # Squared difference 0.09 in one of six coordinates.
    assert loss(relative, velocity=0.0) == pytest.approx(0.5 * 0.09 / 6)
    weights = (0.0, 4.0)
    assert loss(relative, velocity=0.0, joint_weights=weights) == pytest.approx(2.0 * 0.09 / 6)


def test_a_single_frame_has_no_velocity():
    relative, absolute = tip_at((0.0, 1.0, 0.0))
    loss = SmoothnessObjective(SmoothnessConfig()).loss(says(relative), make_batch(absolute))
    assert loss.item() == 0


@pytest.mark.parametrize("part", ["loss", "own_loss"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_shorter_prediction_covers_the_central_frames(name, part):
    objective = make_objective(name)
    batch = pictured(name, 5)
    perframe = ("keypoints_px", "keypoints_valid", "confidence", "joints_cam", "valid")
    inner = replace(batch, **{key: getattr(batch, key)[:, 1:-1] for key in perframe})
    inner = replace(inner, image_frames=batch.image_frames - 1)
    guess, loss = says_all(inner, name), seeded(getattr(objective, part))
    assert torch.equal(loss(guess, batch), loss(guess, inner))
    assert loss(guess, batch) != 0


def test_smoothness_alone_needs_no_labels():
    relative, absolute = tip_at((0.0, 1.0, 0.0), (0.0, 1.3, 0.0))
    bare = replace(make_batch(absolute), joints_cam=None, valid=None, skeleton=None)
    assert SmoothnessObjective(SmoothnessConfig(velocity=0.0)).loss(says(relative), bare) > 0
    with pytest.raises(ValueError, match="has no 3D labels"):
        SmoothnessObjective(SmoothnessConfig()).loss(says(relative), bare)


def test_labels_of_another_skeleton_are_refused():
    relative, absolute = tip_at((0.0, 1.0, 0.0))
    other = replace(make_batch(absolute), skeleton=Skeleton("other", ("hip", "knee"), (-1, 0)))
    with pytest.raises(ValueError, match=r"skeleton 'other' but the estimator says 'pair'"):
        PositionObjective(PositionConfig()).loss(says(relative), other)


def test_weights_of_another_length_are_refused():
    relative, absolute = tip_at((0.0, 1.0, 0.0))
    objective = PositionObjective(PositionConfig(joint_weights=(1.0,)))
    with pytest.raises(ValueError, match=r"joint_weights holds 1 numbers, .* has 2 joints"):
        objective.loss(says(relative), make_batch(absolute))
