"""Attention with a bias, and the start that tells joints apart."""

import pytest
import torch
from torch import nn

from vitruve.nets import LIFTERS
from vitruve.nets.causal_attention import CausalAttention
from vitruve.nets.layers import Attention, Block, attend, tell_joints_apart


def logits_of(attention, x):
    """Logits (b, h, n, n) of an attention for tokens (b, n, c)."""
    b, n, c = x.shape
    heads = attention.num_heads
    qkv = attention.qkv(x).view(b, n, 3, heads, c // heads)
    q, k, _ = qkv.permute(2, 0, 3, 1, 4)
    return q @ k.mT / (c // heads) ** 0.5


@pytest.mark.parametrize("heads", [1, 4])
def test_a_bias_is_added_to_the_logits(heads):
    attention, x = Attention(16, 4), torch.randn(3, 5, 16)
    bias = torch.randn(1, heads, 5, 5, requires_grad=True)
    values = attention.qkv(x)[..., 32:].view(3, 5, 4, 4).transpose(1, 2)
    mixed = (logits_of(attention, x) + bias).softmax(-1) @ values
    wanted = attention.proj(mixed.transpose(1, 2).reshape(3, 5, 16))
    torch.testing.assert_close(attention(x, bias), wanted)
    torch.testing.assert_close(attention(x, torch.zeros_like(bias)), attention(x))
    attention(x, bias).square().sum().backward()
    assert (bias.grad.abs().sum((-2, -1)) > 0).all()


def test_a_bias_bars_tokens():
    block, x = Block(16, 4).eval(), torch.randn(2, 5, 16)
    alone = torch.full((1, 1, 5, 5), -1e4)
    alone[..., range(5), range(5)] = 0.0
    changed = x.clone()
    changed[:, 1:] = 0.0
    torch.testing.assert_close(block(x, alone)[:, 0], block(changed, alone)[:, 0])
    assert (block(x)[:, 0] - block(changed)[:, 0]).abs().max() > 1e-3


def test_both_ways_of_attending_agree_about_the_bias():
    q, k, v = (torch.randn(2, 4, 5, 8) for _ in range(3))
    bias = torch.randn(1, 1, 5, 5)
    exact = attend(q, k, v, bias=bias)
    rough = attend(*(x.bfloat16() for x in (q, k, v)), bias=bias)
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).norm() < 0.02 * exact.norm()


def test_causal_attention_takes_no_bias():
    with pytest.raises(ValueError, match="takes no other"):
        CausalAttention(16, 4, True, 3)(torch.randn(2, 5, 16), torch.zeros(1, 1, 5, 5))


def small(name):
    torch.manual_seed(0)
    net, config = LIFTERS[name]
    settings = {"num_frames": 9, "channels": 64, "depth": 2}
    if name == "dstformer":
        settings["representation_channels"] = 64
    return net(config(17, 17, **settings)).eval()


def test_a_fresh_net_shows_every_joint_joints_of_its_own():
    """Logits of a plain start have a spread of a tenth: attention is the mean of all joints."""
    net = small("mixste")
    block = net.spatial_blocks[0]
    frames = net.embed(torch.rand(8, 17, 2) * 2 - 1) + net.spatial_position
    plain = Block(64, 8, 2.0)
    for made, spread in ((block, (2.0, 12.0)), (plain, (0.0, 0.5))):
        logits = logits_of(made.attn, made.norm1(frames))
        assert spread[0] < logits.std(-1).mean() < spread[1]
    weights = logits_of(block.attn, block.norm1(frames)).softmax(-1)
    assert weights.amax(-1).mean() > 0.5
    # Which joint a joint looks at differs from joint to joint.
    looked_at = weights.argmax(-1)[0, 0].unique()
    assert len(looked_at) > 2
    others = logits_of(plain.attn, plain.norm1(frames)).softmax(-1)
    assert others.amax(-1).mean() < 0.15


@pytest.mark.parametrize("name", ["dstformer", "mixste", "motion_agformer"])
def test_codes_of_joints_start_as_large_as_keypoints(name):
    codes = small(name).spatial_position
    assert 0.2 < codes.std() < 0.3
    distance = torch.cdist(codes[0], codes[0]) + torch.eye(17)
    assert distance.min() > 0.5


def test_values_and_biases_start_as_before():
    attention = Attention(16, 4)
    before = {k: v.clone() for k, v in attention.state_dict().items()}
    tell_joints_apart(nn.Parameter(torch.zeros(1, 5, 16)), [attention])
    after = attention.state_dict()
    assert torch.equal(after["qkv.weight"][32:], before["qkv.weight"][32:])
    assert not torch.equal(after["qkv.weight"][:32], before["qkv.weight"][:32])
    for key in ("qkv.bias", "proj.weight", "proj.bias"):
        assert torch.equal(after[key], before[key]), key


@pytest.mark.parametrize("name", ["dstformer", "mixste", "motion_agformer"])
def test_loaded_weights_replace_the_start(name):
    net, twin = small(name), small(name)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.05)
    twin.load_state_dict(net.state_dict())
    clip = torch.randn(2, 9, 17, 2)
    assert torch.equal(twin(clip), net(clip))
