"""Backbones, the head and the discriminators: sizes, gradients, what they must not know."""

import pytest
import torch

import vitruve
from vitruve.nets.heatmap_head import HeatmapHead, HeatmapHeadConfig
from vitruve.nets.hourglass import HourglassConfig, StackedHourglass
from vitruve.nets.pose_discriminator import DiscriminatorConfig, PoseDiscriminator
from vitruve.nets.res_net import ResNet, ResNetConfig

SMALL = {
    "res_net": (ResNet, ResNetConfig(depths=(1, 1), channels=(8, 16))),
    "bottleneck": (ResNet, ResNetConfig("bottleneck", (1, 1), (8, 8), stem=7)),
    "hourglass": (StackedHourglass, HourglassConfig(num_stacks=2, depth=2, width=16)),
}
STRIDES = {"res_net": 4, "bottleneck": 8, "hourglass": 4}
H36M = vitruve.skeleton("h36m_18")


@pytest.mark.parametrize("name", SMALL)
def test_backbones_give_one_map(name):
    build, config = SMALL[name]
    net = build(config)
    images = torch.rand(2, 3, 32, 16)
    (features,) = net(images)
    stride = STRIDES[name]
    assert features.shape == (2, net.channels[-1], 32 // stride, 16 // stride)
    features.square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_one_picture_does_not_see_another_and_training_means_the_same(name):
    build, config = SMALL[name]
    net, images = build(config), torch.rand(3, 3, 32, 32)
    alone = net.eval()(images[:1])[0]
    torch.testing.assert_close(net.train()(images)[0][:1], alone, atol=1e-4, rtol=1e-4)


def test_resnet_50_has_its_size():
    config = ResNetConfig("bottleneck", (3, 4, 6, 3), (64, 128, 256, 512), stem=7)
    with torch.device("meta"):
        net = ResNet(config)
        features = net(torch.empty(1, 3, 256, 256))[0]
    assert features.shape == (1, 2048, 8, 8)
    # As many as torchvision's without its last layer.
    assert sum(p.numel() for p in net.parameters()) == 23_508_032


def test_hourglass_refuses_sides_it_cannot_halve():
    net = StackedHourglass(HourglassConfig(1, 2, 16))
    with pytest.raises(ValueError, match="sides are multiples of 16, got 24 x 32"):
        net(torch.rand(1, 3, 32, 24))


def test_stages_must_pair_up():
    with pytest.raises(ValueError, match="one per stage"):
        ResNetConfig(depths=(1, 1), channels=(8,))


@pytest.mark.parametrize("deconvolutions", [0, 2])
def test_head_makes_a_volume_per_joint(deconvolutions):
    head = HeatmapHead(HeatmapHeadConfig(deconvolutions, 8, depth_cells=5), 12, 3)
    heat = head(torch.rand(2, 12, 4, 3))
    scale = 2**deconvolutions
    assert heat.shape == (2, 3, 5, 4 * scale, 3 * scale)


@pytest.mark.parametrize("kind", ["mlp", "graph"])
def test_discriminators_do_not_know_where_the_root_is(kind):
    net = PoseDiscriminator(DiscriminatorConfig(H36M, kind, channels=16, hidden=16)).eval()
    poses = torch.randn(4, 18, 3)
    scores = net(poses)
    assert scores.shape == (4,)
    torch.testing.assert_close(net(poses + 3.0), scores, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(net(poses[:1]), scores[:1], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["mlp", "graph"])
def test_discriminators_see_every_joint_and_learn_with_all_they_have(kind):
    net = PoseDiscriminator(DiscriminatorConfig(H36M, kind, channels=16, hidden=16, dropout=0.0))
    poses = torch.randn(8, 18, 3, requires_grad=True)
    net(poses).square().sum().backward()
    assert (poses.grad.abs().sum((0, 2)) > 0).all()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_graph_layers_average_over_neighbours():
    net = PoseDiscriminator(DiscriminatorConfig(H36M, channels=8))
    joints, bones = (s.last[0].get_buffer("mean") for s in (net.joints, net.bones))
    neck = [H36M.names.index(n) for n in ("spine", "thorax", "left_shoulder", "right_shoulder")]
    assert set(joints[17].nonzero()[:, 0].tolist()) == {17, *neck}
    torch.testing.assert_close(joints.sum(1), torch.ones(18))
    assert bones.shape == (17, 17)
    # The hip's bone touches the other hip's, the spine's and the thigh.
    first = [H36M.parents[end] for end in net.end]
    assert first == net.start
    hip = net.end.index(H36M.names.index("left_hip"))
    touched = {H36M.names[net.end[b]] for b in bones[hip].nonzero()[:, 0].tolist()}
    assert touched == {"left_hip", "right_hip", "spine", "left_knee"}
