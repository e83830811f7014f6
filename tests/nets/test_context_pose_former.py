from dataclasses import replace

import pytest
import torch

from vitruve.nets.context_pose_former import ContextPoseFormer, ContextPoseFormerConfig
from vitruve.nets.image_context import Pictures

SMALL = ContextPoseFormerConfig(
    5, 5, level_channels=(3, 4), channels=16, num_heads=2, fuse_depth=1, depth=2, drop_path=0.0
)
CLIP = replace(SMALL, num_frames=6)
KINDS = [SMALL, CLIP, replace(SMALL, context="attention"), replace(CLIP, context="attention")]


def make_inputs(b=2, t=6, frames=(0, 3, 5)):
    levels = [torch.randn(b, len(frames), c, y, 6) for c, y in ((3, 8), (4, 4))]
    points = torch.rand(b, len(frames), 5, 2) * 2 - 1
    seen = torch.ones(b, len(frames), 5, dtype=torch.bool)
    pictures = Pictures(tuple(levels), points, seen, torch.tensor(frames).expand(b, -1))
    return torch.randn(b, t, 5, 2), pictures


def make_net(config):
    torch.manual_seed(0)
    return ContextPoseFormer(config).eval()


@pytest.mark.parametrize("config", KINDS)
def test_every_frame_is_answered_and_samples_are_their_own(config):
    net, (x, pictures) = make_net(config), make_inputs()
    joints = net(x, pictures)
    assert joints.shape == (2, 6, 5, 3)
    first = Pictures(
        tuple(m[:1] for m in pictures.levels),
        pictures.points[:1],
        pictures.seen[:1],
        pictures.frames[:1],
    )
    torch.testing.assert_close(net(x[:1], first), joints[:1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(net.train()(x, pictures), joints)


@pytest.mark.parametrize("config", KINDS)
def test_gradients_reach_all_parameters(config):
    net, (x, pictures) = make_net(config), make_inputs()
    pictures.seen[:, 1, 2] = False
    net(x, pictures).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_a_picture_speaks_for_its_own_frame_and_only_for_joints_that_were_seen():
    net, (x, pictures) = make_net(SMALL), make_inputs()
    changed = replace(pictures, levels=tuple(m.clone() for m in pictures.levels))
    for maps in changed.levels:
        maps[:, 1] += 1.0
    moved = (net(x, changed) - net(x, pictures)).abs().amax(dim=(0, 2, 3))
    assert (moved > 1e-4).tolist() == [False, False, False, True, False, False]

    none_seen = replace(pictures, seen=torch.zeros_like(pictures.seen))
    torch.testing.assert_close(net(x, none_seen), net(x))
    wild = replace(none_seen, points=1e6 * torch.ones_like(pictures.points))
    torch.testing.assert_close(net(x, wild), net(x))


def test_in_a_clip_a_picture_speaks_for_all_frames():
    net, (x, pictures) = make_net(CLIP), make_inputs()
    changed = replace(pictures, levels=tuple(m + 1.0 for m in pictures.levels))
    moved = (net(x, changed) - net(x, pictures)).abs().amax(dim=(0, 2, 3))
    assert (moved > 1e-4).all()


def test_without_levels_it_is_a_lifter_of_keypoints():
    net = make_net(replace(SMALL, level_channels=()))
    assert net(torch.randn(2, 4, 5, 2)).shape == (2, 4, 5, 3)


def test_wrong_sizes():
    with pytest.raises(ValueError, match="as many keypoints as joints"):
        ContextPoseFormerConfig(5, 6)
    with pytest.raises(ValueError, match="24 channels must be a multiple of 4 x 4 context heads"):
        replace(SMALL, channels=24)
    with pytest.raises(ValueError, match="num_frames must be 1 or more, got 0"):
        replace(SMALL, num_frames=0)
