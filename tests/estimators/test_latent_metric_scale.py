"""The metric-scale estimator by latents: joints of every format from points that have heatmaps."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from vitruve.estimators import (
    LatentMetricScale,
    LatentMetricScaleConfig,
    load_estimator,
    make_estimator,
    save_estimator,
)
from vitruve.geometry.projection import project
from vitruve.nets.bridge_file import read_bridge
from vitruve.nets.res_net import ResNetConfig
from vitruve.objectives import OBJECTIVES, Term
from vitruve.poses import PoseBatch
from vitruve.skeletons import merge, skeleton
from vitruve.training import Players, train_step

FORMATS = tuple(map(skeleton, ("h36m_17", "coco_17")))
SAID = merge(FORMATS)
SMALL = LatentMetricScaleConfig(
    SAID, backbone_config=ResNetConfig(depths=(1, 1), channels=(16, 32)), depth=4, stride=4
)
K = torch.tensor([[80.0, 0.0, 16.0], [0.0, 80.0, 16.0], [0.0, 0.0, 1.0]])


def batch_of(latents, decoder):
    joints = (decoder @ latents).unsqueeze(1)
    seen = torch.ones(joints.shape[:-1], dtype=torch.bool)
    b = len(joints)
    return PoseBatch(
        keypoint_skeleton=SAID,
        keypoints_px=project(joints, K),
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=torch.full((b, 2), 32.0),
        intrinsics=K.expand(b, 3, 3),
        images=torch.rand(b, 1, 3, 32, 32, generator=torch.Generator().manual_seed(1)),
        crops_px=torch.tensor([0.0, 0.0, 32.0, 32.0]).expand(b, 1, 4),
        skeleton=SAID,
        joints_cam=joints,
        valid=seen,
    )


def people(b=2):
    """Latents of bodies that the packaged bridge knows: those of spread-out coco joints."""
    bridge = read_bridge("default")
    drawn = torch.Generator().manual_seed(0)
    joints = 0.25 * torch.randn(b, 17, 3, generator=drawn) + torch.tensor([0.0, 0.0, 4.0])
    weights, _ = bridge.to_latents(FORMATS[1])
    return weights.float() @ joints


class Exactly(nn.Module):
    """Heatmaps that say where latents are, the box somewhere."""

    def __init__(self, latents):
        super().__init__()
        self.said = project(latents, K), latents - torch.tensor([1.0, 2.0, 3.0])

    def forward(self, features):
        return self.said


def test_exact_heatmaps_of_latents_give_exact_joints():
    estimator = make_estimator("latent_metric_scale", SMALL).eval()
    latents = people()
    batch = batch_of(latents, estimator.decoder)
    estimator.heatmaps = Exactly(latents)
    said = estimator(batch)
    assert said.skeleton == SAID
    relative = batch.joints_cam - batch.joints_cam[..., :1, :]
    assert (said.joints_cam[:, 0] - relative).abs().max() < 0.02
    placed = said.joints_cam + said.root_cam.unsqueeze(-2)
    # The ridge draws the person nearer by a share of the depth.
    assert (placed[:, 0] - batch.joints_cam).abs().max() < 0.08
    assert (said.keypoints_px[:, 0] - batch.keypoints_px).abs().max() < 0.5


@pytest.mark.parametrize("direct", [False, True])
def test_it_learns_one_batch(direct):
    torch.manual_seed(0)
    estimator = make_estimator("latent_metric_scale", replace(SMALL, direct=direct, weak_updates=5))
    names = ("mean_relative", "projection", "absolute", "keypoints")
    terms = {n: Term(OBJECTIVES[n][0](OBJECTIVES[n][1]())) for n in names}
    if direct:
        terms["teacher"] = Term(OBJECTIVES["teacher"][0](OBJECTIVES["teacher"][1]()))
    batch = batch_of(people(4), estimator.decoder)
    players = Players(estimator, torch.optim.Adam(estimator.parameters(), 3e-3), terms)
    before = estimator.decoder.clone()
    losses = [train_step(players, batch, step)["total"].item() for step in range(120)]
    assert losses[-1] < 0.4 * losses[0]
    assert torch.equal(estimator.decoder, before)
    assert estimator.training_forward(batch).joints_cam.shape[1] == 1 + direct
    assert estimator.eval()(batch).joints_cam.shape[1] == 1


def test_it_is_saved_whole(tmp_path):
    estimator = make_estimator("latent_metric_scale", SMALL).eval()
    batch = batch_of(people(), estimator.decoder)
    save_estimator(estimator, tmp_path / "it.safetensors")
    again = load_estimator(tmp_path / "it.safetensors")
    assert isinstance(again, LatentMetricScale)
    assert torch.equal(again(batch).joints_cam, estimator(batch).joints_cam)


def test_a_bridge_of_other_latents_is_refused():
    with pytest.raises(ValueError, match="default has 48 latents, num_latents is 12"):
        make_estimator("latent_metric_scale", replace(SMALL, num_latents=12))
