"""A motion in another skeleton by a learned bridge: its error is told, what is missing stays so."""

from dataclasses import replace

import pytest
import torch

from bridge_samples import ENDS, MIDDLES, corpus, planted
from vitruve.estimators.bridge import BridgeConfig, fit_bridge
from vitruve.nets.bridge_file import write_bridge
from vitruve.pipeline import convert
from vitruve.poses import PoseSequence


@pytest.fixture(scope="module")
def bridge():
    return fit_bridge(*corpus().hold_out(0.2), BridgeConfig(latents=7, steps=800))


def motion(t=6):
    joints = corpus(t, seed=5).joints[:, :7]
    valid = torch.ones(t, 7, dtype=torch.bool)
    return PoseSequence(ENDS, joints, valid, torch.arange(t) * 2, 30.0)


def test_joints_and_their_error(bridge):
    given = motion()
    made = convert(given, MIDDLES, bridge=bridge)
    error = (made.joints_world - planted() @ given.joints_world).norm(dim=-1)
    assert error.max() < 0.02
    assert made.valid.all()
    assert made.spread.shape == (6, 5)
    torch.testing.assert_close(made.spread, bridge.residual_m[0, 7:].expand(6, 5))
    assert torch.equal(made.frames, given.frames)


def test_a_spread_that_was_there_is_added_to(bridge):
    given = replace(motion(), spread=torch.full((6, 7), 0.03))
    made = convert(given, MIDDLES, bridge=bridge)
    weights = bridge.conversion(ENDS, MIDDLES).weights.abs().sum(-1).float()
    wanted = torch.hypot(0.03 * weights, bridge.residual_m[0, 7:])
    torch.testing.assert_close(made.spread, wanted.expand(6, 5))


def test_frames_that_lack_a_joint_keep_the_others(bridge):
    given = motion()
    valid = given.valid.clone()
    knee = ENDS.index("left_knee")
    valid[1:4:2, knee] = False
    valid[5] = False
    joints = given.joints_world.where(valid[..., None], 9e3)
    made = convert(replace(given, joints_world=joints, valid=valid), MIDDLES, bridge=bridge)
    lost = {MIDDLES.index("left_thigh"), MIDDLES.index("left_shank")}
    for t in range(6):
        gone = {j for j in range(5) if not made.valid[t, j]}
        assert gone == (set(range(5)) if t == 5 else lost if t in (1, 3) else set())
    error = (made.joints_world - planted() @ given.joints_world).norm(dim=-1)
    assert error[made.valid].max() < 0.02
    assert made.spread.isfinite().all()


def test_empty_motions_and_the_same_format(bridge):
    none = motion(0)
    assert convert(none, MIDDLES, bridge=bridge).joints_world.shape == (0, 5, 3)
    same = convert(motion(), ENDS, bridge=bridge)
    assert torch.equal(same.joints_world, motion().joints_world)
    assert same.spread is None


def test_files_and_names(bridge, tmp_path):
    write_bridge(bridge, tmp_path / "b.safetensors")
    made = convert(motion(), MIDDLES, bridge=tmp_path / "b.safetensors")
    wanted = convert(motion(), MIDDLES, bridge=bridge)
    torch.testing.assert_close(made.joints_world, wanted.joints_world, atol=1e-3, rtol=1e-3)
    by_rules = convert(motion(), MIDDLES, bridge="none")
    assert not by_rules.valid.any()
    with pytest.raises(FileNotFoundError, match="no such file"):
        convert(motion(), MIDDLES, bridge=tmp_path / "absent")
