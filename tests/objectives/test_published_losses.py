"""Training losses of published lifters, on inputs made by rule; sources in the JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vitruve.geometry.kinematics import angle_at, bone_lengths
from vitruve.metrics import mpjpe_mm, mpjve_mm, n_mpjpe_mm
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.objectives.smoothness import SmoothnessConfig, SmoothnessObjective
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons import skeleton

PUBLISHED = json.loads((Path(__file__).parents[1] / "metrics" / "golden_lifting.json").read_text())
H36M = skeleton("h36m_17")
WEIGHTS = (1.0, 1.0, 2.5, 2.5, 1.0, 2.5, 2.5, 1.0, 1.0, 1.0, 1.5, 1.5, 4.0, 4.0, 1.5, 4.0, 4.0)
"""Of the joints, as MixSTE has them."""
ANGLES = [
    *[(1, 0, 4), (1, 0, 7), (4, 0, 7), (0, 1, 2), (1, 2, 3), (0, 4, 5), (4, 5, 6), (0, 7, 8)],
    *[(7, 8, 11), (7, 8, 14), (9, 8, 14), (11, 8, 14), (7, 8, 9), (8, 9, 10), (8, 11, 12)],
    *[(11, 12, 13), (8, 14, 15), (14, 15, 16)],
]
"""MotionBERT's angles as joint, vertex, joint. It takes some between a limb and the next one's
extension, which are pi less these, so that differences are the same."""


def draw(seed, shape):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


@pytest.fixture
def pair():
    """Four clips of twelve poses; the first is mirrored. Roots are off the origin too."""
    target = 0.3 * draw(31, (4, 12, 17, 3))
    predicted = target + 0.05 * draw(32, (4, 12, 17, 3))
    predicted[0, ..., 2] *= -1
    return predicted.float(), target.float()


def close(found, name):
    assert float(found) == pytest.approx(PUBLISHED[name], rel=3e-6)


def records(predicted, target):
    """As prediction and label; what is predicted is moved with the label's root to the origin."""
    seen = torch.ones(target.shape[:-1], dtype=torch.bool)
    batch = PoseBatch(
        keypoint_skeleton=H36M,
        keypoints_px=target[..., :2],
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=torch.ones(len(target), 2),
        skeleton=H36M,
        joints_cam=target,
        valid=seen,
    )
    return Prediction(H36M, (predicted - target[:, :, :1]).unsqueeze(1)), batch


def test_losses_of_mixste(pair):
    moved, batch = records(*pair)
    position = PositionObjective(PositionConfig(joint_weights=WEIGHTS))
    weighted = position.loss(moved, batch)
    close(weighted, "mixste_wmpjpe")
    velocity = SmoothnessObjective(SmoothnessConfig(velocity=1.0, smoothness=0.0))
    moving = velocity.loss(moved, batch)
    close(moving, "mixste_mpjve_train")
    # Smoothness is of the prediction as it stands, which no label moves.
    only = SmoothnessConfig(velocity=0.0, smoothness=1.0, joint_weights=WEIGHTS)
    smooth = SmoothnessObjective(only).loss(Prediction(H36M, pair[0].unsqueeze(1)), batch)
    close(smooth, "mixste_tcloss_raw")
    default = SmoothnessConfig()
    total = weighted + default.smoothness * smooth + default.velocity * moving
    close(total, "mixste_total")


def test_losses_of_motionbert(pair):
    metres = [metric(*pair) / 1000 for metric in (mpjpe_mm, n_mpjpe_mm, mpjve_mm)]
    close(metres[0] + 0.5 * metres[1] + 20 * metres[2], "mb_total_default")
    # Terms that its settings leave out: lengths and angles of limbs.
    lengths, true_lengths = (bone_lengths(x, H36M.parents)[..., 1:] for x in pair)
    close((lengths - true_lengths).abs().mean(), "mb_loss_limb_gt")
    close(lengths.var(dim=1).mean(), "mb_loss_limb_var")
    ends = torch.tensor(ANGLES).T
    angles, true_angles = (angle_at(*(x[..., joints, :] for joints in ends)) for x in pair)
    close((angles - true_angles).abs().mean(), "mb_loss_angle")
    close((angles - true_angles).diff(dim=1).abs().mean(), "mb_loss_angle_velocity")
