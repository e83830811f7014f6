"""Pixels on the screen and in the mirror, as published."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vitruve.estimators.normalise import Screen
from vitruve.poses import PoseBatch, Prediction, mirror_prediction
from vitruve.skeletons import skeleton

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "golden_cameras.json").read_text())
H36M = skeleton("h36m_17")
MIRRORED = {
    0: (-0.6283630878, 1.1234351119, -0.8312219764),
    1: (-1.6087360083, 0.8835115501, 0.1937823878),
    4: (-0.3666864773, -0.1374681804, 0.0814082998),
    16: (1.1243010306, 0.3670794583, 1.4076289617),
}
"""Joints of frame 2 of N(47) of shape (1, 6, 17, 3), by Walter0807/MotionBERT@dccfe7b."""


def draw(seed, shape):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


@pytest.mark.parametrize("size", GOLDEN["screen"])
def test_the_screen_is_videopose3ds(size):
    points_px = 300 * draw(42, (3, 17, 2)).abs()
    seen = torch.ones(3, 17, dtype=torch.bool)
    batch = PoseBatch(
        keypoint_skeleton=H36M,
        keypoints_px=points_px,
        keypoints_valid=seen,
        confidence=seen.double(),
        image_size_px=torch.tensor([float(side) for side in size.split("x")]).double(),
    )
    found = Screen().encode(batch)[2, GOLDEN["which"]]
    torch.testing.assert_close(found, torch.tensor(GOLDEN["screen"][size]).double())


def test_the_mirror_is_the_published_one():
    mirrored = mirror_prediction(Prediction(H36M, draw(47, (1, 6, 17, 3)))).joints_cam
    for joint, expected in MIRRORED.items():
        assert mirrored[0, 2, joint].tolist() == pytest.approx(expected, rel=1e-8)
