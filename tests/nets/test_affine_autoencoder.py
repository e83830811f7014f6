"""The affine-combining autoencoder: affine, mirror-fair, and never divided by nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vitruve.nets.affine_autoencoder import (
    AffineAutoencoder,
    AffineAutoencoderConfig,
    mirror_latents,
    to_affine,
)
from vitruve.skeletons import SKELETONS, Skeleton, merge

FORMATS = ("h36m_17", "coco_17", "smpl_24", "lsp_14", "mpi_inf_3dhp_17")
seeds = st.integers(0, 2**31 - 1)
ways = st.sampled_from(["signed_sum", "additive"])
subsets = st.lists(st.sampled_from(FORMATS), min_size=1, max_size=3, unique=True)


def make(names, latents, way="signed_sum", seed=0):
    skeleton = merge([SKELETONS[name] for name in names])
    config = AffineAutoencoderConfig(skeleton, latents, way, seed)
    net = AffineAutoencoder(config).double()
    # First weights are nearly all positive; trained ones are not.
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed))
    return net


@given(subsets, st.integers(3, 13), ways, seeds)
@settings(deadline=None, max_examples=30)
def test_weights_sum_to_one(names, latents, way, seed):
    net = make(names, latents, way, seed)
    for weights in (net.encoder, net.decoder):
        torch.testing.assert_close(weights.sum(-1), torch.ones(len(weights)).double())


@given(subsets, st.integers(3, 13), ways, seeds)
@settings(deadline=None, max_examples=30)
def test_commutes_with_every_affine_map(names, latents, way, seed):
    net = make(names, latents, way, seed)
    draw = torch.Generator().manual_seed(seed)
    joints = torch.randn(2, 4, net.config.skeleton.num_joints, 3, generator=draw).double()
    turn = torch.randn(3, 3, generator=draw).double()
    shift = torch.randn(3, generator=draw).double()
    for do, points in ((net.encode, joints), (net, joints), (net.decode, net.encode(joints))):
        size = 1 + do(points).abs().max().item()
        moved = do(points @ turn + shift)
        torch.testing.assert_close(moved, do(points) @ turn + shift, atol=1e-9 * size, rtol=1e-9)


@given(subsets, st.integers(3, 13), ways, seeds)
@settings(deadline=None, max_examples=30)
def test_swapped_sides_in_are_swapped_sides_out(names, latents, way, seed):
    net = make(names, latents, way, seed)
    joints = list(net.config.skeleton.mirror_index)
    points = list(mirror_latents(latents, net.config.latents_per_side))
    # The same numbers in another order: only the order of a sum may differ.
    exact = {"atol": 1e-12, "rtol": 1e-12}
    torch.testing.assert_close(net.encoder[points][:, joints], net.encoder, **exact)
    torch.testing.assert_close(net.decoder[joints][:, points], net.decoder, **exact)
    x = torch.randn(3, len(joints), 3, generator=torch.Generator().manual_seed(seed)).double()
    size = 1 + net(x).abs().max().item()
    torch.testing.assert_close(net(x[:, joints]), net(x)[:, joints], atol=1e-9 * size, rtol=1e-9)


def test_blocks_are_those_of_the_paper():
    net = make(["coco_17", "smpl_24"], 10)
    raw, side = net.to_latents(), net.config.latents_per_side
    left = len(net.config.skeleton.left)
    assert torch.equal(raw[:side, :left], raw[side : 2 * side, left : 2 * left])
    assert torch.equal(raw[:side, left : 2 * left], raw[side : 2 * side, :left])
    assert torch.equal(raw[:side, 2 * left :], raw[side : 2 * side, 2 * left :])
    assert torch.equal(raw[2 * side :, :left], raw[2 * side :, left : 2 * left])


def test_latents_are_left_right_and_central_as_the_joints_are():
    every = merge([s for s in SKELETONS.values() if s.definitions != "animal"])
    config = AffineAutoencoderConfig(every, 48)
    assert config.latents_per_side / 48 == pytest.approx(
        len(every.left) / every.num_joints, abs=0.02
    )
    spine = Skeleton("spine", ("a", "b", "c", "d", "e"), (-1, 0, 1, 2, 3))
    assert AffineAutoencoderConfig(spine, 3).latents_per_side == 0
    legs = Skeleton("legs", tuple(f"{s}_{k}" for s in ("left", "right") for k in "abc"), (-1,) * 6)
    assert AffineAutoencoderConfig(legs, 4).latents_per_side == 2
    with pytest.raises(ValueError, match=r"num_latents is 6; allowed: from 3 to fewer than the 6"):
        AffineAutoencoderConfig(legs, 6)


@given(st.integers(2, 9), seeds)
@settings(deadline=None)
def test_a_sum_near_zero_is_no_divisor(columns, seed):
    weights = torch.randn(4, columns, generator=torch.Generator().manual_seed(seed)).double()
    weights[0] -= weights[0].mean()
    weights[1] -= weights[1].mean() - 1e-9
    weights[2] = 0.0
    weights.requires_grad_()
    made = to_affine(weights, "signed_sum")
    made.square().sum().backward()
    assert made.abs().max() < 1e4
    assert weights.grad.isfinite().all()
    torch.testing.assert_close(made.sum(-1), torch.ones(4).double())


def test_the_same_seed_gives_the_same_weights():
    first, second, other = (make(["coco_17"], 5, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first.encoder, second.encoder)
    assert not torch.equal(first.encoder, other.encoder)
