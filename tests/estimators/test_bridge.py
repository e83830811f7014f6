"""Fitting a bridge: what was planted is found, what is missing is not made up."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge_samples import ENDS, MIDDLES, corpus, planted
from vitruve.estimators.bridge import (
    BridgeConfig,
    add_format,
    fit_autoencoder,
    fit_bridge,
    rms_distance,
)
from vitruve.skeletons import Skeleton

SHORT = BridgeConfig(latents=7, steps=800)


@pytest.fixture(scope="module")
def bridge():
    return fit_bridge(*corpus().hold_out(0.2), SHORT)


def test_planted_points_are_recovered(bridge):
    there = bridge.conversion(ENDS, MIDDLES)
    torch.testing.assert_close(there.weights.float(), planted(), atol=0.02, rtol=0)
    torch.testing.assert_close(there.weights.sum(-1), torch.ones(5).double(), atol=1e-5, rtol=0)
    assert there.residual_m.max() < 0.005
    back = bridge.conversion(MIDDLES, ENDS)
    assert back.joints_of("exact") == ()
    assert back.residual_m.shape == (7,)


@pytest.mark.parametrize("settings", [{"loss": "projection"}, {"normalise": "additive"}])
def test_planted_points_are_recovered_in_other_ways(settings):
    whole = corpus()
    bridge = fit_bridge(*whole.hold_out(0.2), replace(SHORT, **settings))
    there = bridge.conversion(ENDS, MIDDLES)
    torch.testing.assert_close(there.weights.float(), planted(), atol=0.03, rtol=0)


def test_missing_joints_are_neither_used_nor_learned():
    learn, held_out = corpus(missing=0.15).hold_out(0.2)
    wild = replace(learn, joints=torch.where(learn.valid[..., None], learn.joints, -5e3))
    bridge = fit_bridge(learn, corpus(seed=1), SHORT)
    other = fit_bridge(wild, corpus(seed=1), SHORT)
    assert torch.equal(bridge.encoder, other.encoder)
    assert torch.equal(bridge.moments[0], other.moments[0])
    there = bridge.conversion(ENDS, MIDDLES)
    assert there.residual_m.max() < 0.06
    assert rms_distance(held_out, there).max() < 0.06


def test_a_joint_that_nobody_saw_is_absent_and_unused():
    people = corpus()
    knee, hips = ENDS.index("left_knee"), 7 + MIDDLES.index("hips")
    valid = people.valid.clone()
    valid[:, [knee, hips]] = False
    people = replace(people, valid=valid)
    bridge = fit_bridge(*people.hold_out(0.2), SHORT)
    there, back = bridge.conversion(ENDS, MIDDLES), bridge.conversion(MIDDLES, ENDS)
    assert "hips" in there.joints_of("absent")
    assert "left_knee" in back.joints_of("absent")
    assert (there.weights[:, knee] == 0).all()
    assert (back.weights[:, MIDDLES.index("hips")] == 0).all()
    assert there.residual_m.isfinite().all()
    assert "right_thigh" in there.joints_of("approximate")
    assert there.residual_m[MIDDLES.index("right_thigh")] < 0.01


def test_equal_seeds_give_equal_bits_and_others_do_not():
    few = replace(SHORT, steps=20)
    first, second = (fit_autoencoder(corpus(), few) for _ in range(2))
    assert torch.equal(first.encoder, second.encoder)
    other = fit_autoencoder(corpus(), replace(few, seed=1))
    assert not torch.equal(first.encoder, other.encoder)


def test_sparsity_makes_weights_few_and_positive():
    dense, sparse = (
        fit_autoencoder(corpus(), replace(SHORT, sparsity=value)) for value in (0.0, 0.01)
    )
    assert sparse.encoder.abs().sum() < dense.encoder.abs().sum()
    assert sparse.decoder.abs().sum() < dense.decoder.abs().sum()


def test_heavier_heads_are_kept_better():
    names = ("nose", "left_hand", "right_hand", "left_foot", "right_foot", "hips", "neck_top")
    body = Skeleton("body", names, (-1,) * 7)
    points = corpus().joints[:, :7]
    people = replace(
        corpus(), formats=(body,), joints=points, valid=torch.ones(points.shape[:2]).bool()
    )
    errors = []
    for weight in (1.0, 10.0):
        net = fit_autoencoder(people, BridgeConfig(latents=3, steps=600, head_weight=weight))
        errors.append((net(points) - points).norm(dim=-1).mean(0))
    head, foot = body.index("nose"), body.index("left_foot")
    assert errors[1][head] < 0.01 * errors[1][foot]
    assert errors[1][head] / errors[1][foot] < 0.1 * errors[0][head] / errors[0][foot]


@given(st.integers(0, 2**31 - 1))
@settings(deadline=None, max_examples=10)
def test_conversions_commute_with_mirrors_and_maps(bridge, seed):
    there = bridge.conversion(ENDS, MIDDLES)
    rows, columns = list(MIDDLES.mirror_index), list(ENDS.mirror_index)
    torch.testing.assert_close(there.weights[rows][:, columns], there.weights, atol=1e-5, rtol=0)
    draw = torch.Generator().manual_seed(seed)
    joints = torch.randn(4, 7, 3, generator=draw).double()
    turn, shift = torch.randn(3, 3, generator=draw).double(), torch.randn(3, generator=draw)
    seen = torch.ones(4, 7, dtype=torch.bool)
    before, _ = there.apply(joints, seen)
    after, _ = there.apply(joints @ turn + shift, seen)
    torch.testing.assert_close(after, before @ turn + shift, atol=1e-4, rtol=0)


def test_errors_are_those_of_the_held_out_poses(bridge):
    _, held_out = corpus().hold_out(0.2)
    there = bridge.conversion(ENDS, MIDDLES)
    part = held_out.part("middles")
    wanted = bridge.residual_m[0, part]
    torch.testing.assert_close(rms_distance(held_out, there).float(), wanted, atol=1e-6, rtol=1e-3)


def test_joints_labelled_elsewhere_are_noticed():
    bridge = fit_bridge(*corpus().hold_out(0.2), BridgeConfig(latents=4, steps=300))
    given = corpus(60, seed=7)
    ends, seen = given.joints[:, :7], given.valid[:, :7]
    found, own = bridge.misfit_m(ENDS, ends, seen)
    assert found == pytest.approx(own, rel=0.3)
    moved = ends.clone()
    moved[:, ENDS.index("pelvis"), 2] += 5.0
    moved[:, ENDS.index("left_ankle"), 2] += 5.0
    assert bridge.misfit_m(ENDS, moved, seen)[0] > 3 * own
    assert math.isnan(bridge.misfit_m(ENDS, ends, seen & False)[0])


def test_what_missing_joints_cost_is_known(bridge):
    whole = bridge.conversion(ENDS, MIDDLES)
    seen = [name != "left_knee" for name in ENDS.names]
    some = bridge.conversion(ENDS, MIDDLES, seen)
    assert (some.weights[:, ENDS.index("left_knee")] == 0).all()
    assert {"left_thigh", "left_shank"} <= set(some.joints_of("absent"))
    thigh = MIDDLES.index("right_thigh")
    torch.testing.assert_close(some.weights[thigh], whole.weights[thigh], atol=0.02, rtol=0)
    nothing = bridge.conversion(ENDS, MIDDLES, [False] * 7)
    assert set(nothing.quality) == {"absent"}
    assert nothing.residual_m.isfinite().all()


def test_a_new_format_touches_no_other(bridge):
    heels = Skeleton("heels", ("left_heel", "right_heel"), (-1, -1), definitions="own")

    def with_heels(n, seed):
        base = corpus(n, seed=seed)
        ends = base.joints[:, :7]
        ankles = ends[:, [ENDS.index("left_ankle"), ENDS.index("right_ankle")]]
        knees = ends[:, [ENDS.index("left_knee"), ENDS.index("right_knee")]]
        joints = torch.cat([ends, 1.2 * ankles - 0.2 * knees], 1)
        valid = torch.ones(joints.shape[:2], dtype=torch.bool)
        return replace(base, formats=(ENDS, heels), joints=joints, valid=valid)

    more = add_format(bridge, "heels", with_heels(400, 3), with_heels(100, 4))
    assert [one.name for one in more.formats] == ["ends", "middles", "heels"]
    assert torch.equal(more.encoder, bridge.encoder)
    assert torch.equal(more.decoder[:12], bridge.decoder)
    assert torch.equal(more.residual_m[:2, :12], bridge.residual_m)
    there = more.conversion(ENDS, heels)
    assert there.residual_m.max() < 0.01
    knee, ankle = (ENDS.index(f"left_{name}") for name in ("knee", "ankle"))
    assert there.weights[0, [knee, ankle]].tolist() == pytest.approx([-0.2, 1.2], abs=0.03)
    unmeasured = more.conversion(MIDDLES, heels)
    assert unmeasured.residual_m.isnan().all()
    assert "not measured" in unmeasured.report()
    with pytest.raises(ValueError, match="the bridge has heels already"):
        add_format(more, "heels", with_heels(400, 3), with_heels(100, 4))
    lonely = with_heels(50, 3)
    lonely = replace(
        lonely, formats=(heels,), joints=lonely.joints[:, 7:], valid=lonely.valid[:, 7:]
    )
    with pytest.raises(ValueError, match="no format that the bridge knows; it knows ends, middles"):
        add_format(bridge, "heels", lonely, lonely)
    empty = replace(lonely, valid=torch.zeros_like(lonely.valid))
    with pytest.raises(ValueError, match="heels needs 2 or more"):
        add_format(bridge, "heels", empty, lonely)


def test_wrong_settings_and_corpora_are_refused():
    with pytest.raises(ValueError, match="steps is 0; it must be above 0"):
        fit_autoencoder(corpus(), replace(SHORT, steps=0))
    with pytest.raises(ValueError, match=r"sparsity is -1\.0; it must be 0 or above"):
        fit_autoencoder(corpus(), replace(SHORT, sparsity=-1.0))
    with pytest.raises(ValueError, match="needs joints in the camera frame"):
        fit_autoencoder(replace(corpus(), frame="world"), replace(SHORT, loss="projection"))
    behind = replace(corpus(), joints=-corpus().joints)
    with pytest.raises(ValueError, match=r"nearer than 0\.1 m before the camera"):
        fit_autoencoder(behind, replace(SHORT, loss="projection"))
    other = replace(corpus(), formats=(MIDDLES, ENDS))
    with pytest.raises(ValueError, match="other formats"):
        fit_bridge(corpus(), other, SHORT)
