import math

import numpy as np
import pytest
import torch

from vitruve.data.lifting.adults import BONES_M, to_adults
from vitruve.data.lifting.bend import (
    BendConfig,
    bend_bodies,
    bend_trunk,
    drop_shoulders,
    tilt_bodies,
    turn_below,
)
from vitruve.data.lifting.corrupt import DetectorConfig, absent_sets
from vitruve.data.sequences.clip import MotionSequence
from vitruve.geometry.kinematics import bone_lengths
from vitruve.poses import PoseBatch
from vitruve.skeletons import Skeleton, skeleton

BODY = skeleton("vitruve_19")


def generator():
    return torch.Generator().manual_seed(0)


def bodies(b=16, t=5):
    """Upright people in slightly different poses, facing +y."""
    up = {"knee": -0.4, "ankle": -0.4, "spine": 0.2, "thorax": 0.25, "neck": 0.1, "head": 0.1}
    up |= {"elbow": -0.28, "wrist": -0.25}
    side = {"hip": 0.09, "shoulder": 0.19}
    bones = torch.zeros(19, 3)
    for i, name in enumerate(BODY.names):
        part = name.removeprefix("left_").removeprefix("right_")
        sign = 1.0 if name.startswith("right_") else -1.0
        bones[i] = torch.tensor(
            [sign * side.get(part, 0.0), 0.2 * (part == "toe"), up.get(part, 0)]
        )
    bones = bones + 0.02 * torch.randn(b, t, 19, 3, generator=generator())
    joints = bones.clone()
    for i, parent in enumerate(BODY.parents):
        if parent >= 0:
            joints[:, :, i] = joints[:, :, parent] + bones[:, :, i]
    return joints


@pytest.mark.parametrize("seed", range(3))
def test_bending_keeps_every_bone_and_the_root(seed):
    joints = bodies()
    config = BendConfig(trunk=1.0, arm=1.0, tilt=1.0, lie=0.5)
    bent = bend_bodies(joints, BODY, config, torch.Generator().manual_seed(seed))
    torch.testing.assert_close(bone_lengths(bent, BODY.parents), bone_lengths(joints, BODY.parents))
    assert torch.equal(bent[:, :, 0], joints[:, :, 0])
    assert not torch.allclose(bent[:, :, 1:], joints[:, :, 1:], atol=0.05)


def test_no_probability_no_change():
    joints = bodies()
    same = bend_bodies(joints, BODY, BendConfig(trunk=0.0, arm=0.0, tilt=0.0, lie=0.0), generator())
    torch.testing.assert_close(same, joints, atol=1e-5, rtol=0)


def test_positive_flexion_bends_forward():
    joints = bodies()
    left = torch.tensor([-1.0, 0.0, 0.0]).expand(16, 5, 3)
    bent = bend_trunk(joints, BODY, left * math.radians(60))
    head = BODY.index("head")
    assert bool((bent[:, :, head, 1] > joints[:, :, head, 1] + 0.2).all())
    assert torch.equal(bent[:, :, BODY.index("left_ankle")], joints[:, :, BODY.index("left_ankle")])


def test_a_thrown_arm_moves_alone():
    joints = bodies()
    thrown = turn_below(joints, BODY, "left_elbow", torch.full((16, 1, 3), 0.5))
    moved = (thrown - joints).abs().amax((0, 1, 3)) > 1e-6
    assert [BODY.names[i] for i in moved.nonzero()[:, 0]] == ["left_elbow", "left_wrist"]


def test_dropped_shoulders_take_the_arms_along():
    joints = bodies()
    low = drop_shoulders(joints, BODY, (0.05, 0.05), generator())
    change = (low - joints).norm(dim=-1).amax((0, 1))
    arms = [
        i for i, n in enumerate(BODY.names) if n.split("_")[-1] in ("shoulder", "elbow", "wrist")
    ]
    torch.testing.assert_close(change[arms], torch.full((6,), 0.05))
    assert float(change.sum()) == pytest.approx(0.3, abs=1e-5)


def test_lying_bodies_lie():
    joints = bodies()
    flat = tilt_bodies(joints, BODY, BendConfig(lie=1.0), generator())
    head = flat[:, :, BODY.index("head")] - flat[:, :, 0]
    assert bool((head[..., 2].abs() < 0.15).all())


def clip(name, body, joints):
    joints = joints.astype(np.float32)
    return MotionSequence(
        name, "s", "a", "train", body, 60.0, joints, np.ones(joints.shape[:2], bool)
    )


def test_adults_have_our_bones_and_their_own_directions():
    h36m = skeleton("h36m_17")
    own = Skeleton("own", ("root", "ltoes", "rtoes"), (-1, 0, 0))
    rng = np.random.default_rng(0)
    recorded = rng.normal(size=(4, 17, 3)) + 5
    toes = rng.normal(size=(4, 3, 3)) + 5
    adult = next(to_adults(iter([clip("x", h36m, recorded)]), iter([clip("x", own, toes)])))
    assert adult.joints_world is not None
    joints = torch.from_numpy(adult.joints_world)
    lengths = bone_lengths(joints, BODY.parents)[0]
    for name, length in zip(BODY.names[1:], lengths[1:], strict=True):
        assert float(length) == pytest.approx(BONES_M[name.split("_")[-1]], abs=1e-4)
    thigh = joints[:, 2] - joints[:, 1]
    before = torch.from_numpy(recorded[:, 2] - recorded[:, 1]).float()
    cosine = torch.nn.functional.cosine_similarity(thigh, before)
    torch.testing.assert_close(cosine, torch.ones(4))


def test_adults_refuse_clips_that_do_not_match():
    h36m = skeleton("h36m_17")
    joints = np.ones((2, 17, 3))
    with pytest.raises(ValueError, match="not two views of one"):
        next(to_adults(iter([clip("x", h36m, joints)]), iter([clip("y", h36m, joints)])))
    with pytest.raises(ValueError, match="no joint for the tip of a foot"):
        next(to_adults(iter([clip("x", h36m, joints)]), iter([clip("x", h36m, joints)])))


def test_detectors_may_lack_whole_sets_of_keypoints():
    keypoints = skeleton("vitruve_15")
    seen = torch.ones(64, 3, 15, dtype=torch.bool)
    batch = PoseBatch(keypoints, torch.zeros(64, 3, 15, 2), seen, seen.float(), torch.ones(64, 2))
    config = DetectorConfig(optional=(("head",), ("left_toe", "right_toe")), absent=0.5)
    absent = absent_sets(batch, config, generator())
    head, left, right = (keypoints.index(n) for n in ("head", "left_toe", "right_toe"))
    assert torch.equal(absent[:, left], absent[:, right])
    assert 10 < int(absent[:, head].sum()) < 54
    assert not absent[:, :head].any()
