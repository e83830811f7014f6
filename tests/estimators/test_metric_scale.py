"""The metric-scale estimator: placement from exact heatmaps, training, refusals."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from vitruve.estimators import MetricScale, MetricScaleConfig, load_estimator, save_estimator
from vitruve.geometry.projection import project
from vitruve.nets.res_net import ResNetConfig
from vitruve.objectives import OBJECTIVES, Term
from vitruve.poses import PoseBatch
from vitruve.skeletons import skeleton
from vitruve.skeletons.skeleton import Skeleton
from vitruve.training import Players, train_step

GOLDEN = Path(__file__).parents[1] / "nets" / "golden_metrabs.json"
LEGS = Skeleton(
    "legs", ("pelvis", "left_hip", "left_knee", "right_hip", "right_knee"), (-1, 0, 1, 0, 3)
)
SMALL = MetricScaleConfig(
    LEGS, backbone_config=ResNetConfig(depths=(1, 1), channels=(16, 32)), depth=4, stride=4
)
K = torch.tensor([[80.0, 0.0, 32.0], [0.0, 80.0, 32.0], [0.0, 0.0, 1.0]])


def batch_of(b=2, size=32, seed=0):
    """People in the middle of pictures of 64 pixels, crops of ``size``; pictures of noise."""
    drawn = torch.Generator().manual_seed(seed)
    joints = 0.2 * torch.randn(b, 1, 5, 3, generator=drawn) + torch.tensor([0.0, 0.0, 4.0])
    seen = torch.ones(b, 1, 5, dtype=torch.bool)
    return PoseBatch(
        keypoint_skeleton=LEGS,
        keypoints_px=project(joints, K),
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=torch.full((b, 2), 64.0),
        intrinsics=K.expand(b, 3, 3),
        images=torch.rand(b, 1, 3, size, size, generator=drawn),
        crops_px=torch.tensor([16.0, 16.0, 48.0, 48.0]).expand(b, 1, 4),
        image_frames=torch.zeros(b, 1, dtype=torch.int64),
        skeleton=LEGS,
        joints_cam=joints,
        valid=seen,
    )


class Says(nn.Module):
    """Heatmaps that always say the same."""

    def __init__(self, points, box):
        super().__init__()
        self.said = points, box

    def forward(self, features):
        return self.said


class Exactly(Says):
    """Heatmaps that say what is true of a batch, the box somewhere."""

    def __init__(self, batch, shift=0.0):
        first, last = batch.crops_px[..., None, :].split(2, dim=-1)
        points = (batch.keypoints_px - first) / (last - first) * batch.images.shape[-1]
        super().__init__(points[:, 0] + shift, batch.joints_cam[:, 0] - torch.tensor([1.0, 2, 3]))


def test_exact_heatmaps_are_placed():
    batch = batch_of()
    estimator = MetricScale(SMALL).eval()
    estimator.heatmaps = Exactly(batch)
    said = estimator(batch)
    placed = said.joints_cam + said.root_cam.unsqueeze(-2)
    # The ridge draws the person nearer by a share of the depth.
    assert (placed[:, 0] - batch.joints_cam).abs().max() < 0.05
    relative = batch.joints_cam - batch.joints_cam[..., :1, :]
    assert (said.joints_cam[:, 0] - relative).abs().max() < 0.01
    assert torch.allclose(said.keypoints_px[:, 0], batch.keypoints_px, atol=1e-4)


def test_placed_joints_are_the_published_ones():
    golden = json.loads(GOLDEN.read_text())["placement"]
    points_px, joints = torch.tensor(golden["points_px"]), torch.tensor(golden["joints_mm"]) / 1000
    body = skeleton("h36m_17")
    estimator = MetricScale(replace(SMALL, skeleton=body)).eval()
    unseen = torch.zeros(2, 1, 17, dtype=torch.bool)
    batch = PoseBatch(
        keypoint_skeleton=body,
        keypoints_px=torch.zeros(2, 1, 17, 2),
        keypoints_valid=unseen,
        confidence=unseen.float(),
        image_size_px=torch.full((2, 2), 256.0),
        intrinsics=torch.tensor(golden["intrinsics"]),
        images=torch.rand(2, 1, 3, 32, 32),
        crops_px=torch.tensor([0.0, 0.0, 256.0, 256.0]).expand(2, 1, 4),
        image_frames=torch.zeros(2, 1, dtype=torch.int64),
    )
    estimator.heatmaps = Says(points_px / 256 * 32, joints)
    answer = estimator(batch)
    found = (answer.joints_cam + answer.root_cam[..., None, :])[:, 0, 0]
    wanted = torch.tensor(golden["mixed_mm"])
    assert (1000 * found - wanted).abs().max() < 1e-6 * wanted.abs().max()


def test_seen_joints_follow_their_points_half_way():
    batch = batch_of()
    estimator = MetricScale(SMALL).eval()
    estimator.heatmaps = Exactly(batch)
    still = estimator(batch)
    # All points a pixel to the right move the root; a joint's own point pulls the joint alone.
    estimator.heatmaps = Exactly(batch, shift=torch.tensor([[0.0, 0.0]] * 4 + [[1.0, 0.0]]))
    moved = estimator(batch)
    box = estimator.training_forward(batch)
    gone = (moved.joints_cam - still.joints_cam)[:, 0, 0, 4, 0]
    metre_per_px = batch.joints_cam[:, 0, 4, 2] / K[0, 0]
    assert torch.allclose(gone, metre_per_px / 2, rtol=0.2)
    relative = batch.joints_cam - batch.joints_cam[..., :1, :]
    assert torch.allclose(box.joints_cam[:, 0], relative, atol=1e-5)


@pytest.mark.parametrize("norms", ["batch", "ghost", "fixed"])
def test_it_learns_one_batch(norms):
    torch.manual_seed(0)
    estimator = MetricScale(replace(SMALL, norms=norms, weak_updates=5, max_norm=20.0))
    names = ("mean_relative", "projection", "absolute", "keypoints")
    terms = {n: Term(OBJECTIVES[n][0](OBJECTIVES[n][1]())) for n in names}
    optimizer = torch.optim.Adam(estimator.parameters(), 3e-3)
    players, batch = Players(estimator, optimizer, terms), batch_of(b=4)
    losses = [train_step(players, batch, step)["total"].item() for step in range(160)]
    assert estimator.updates == 160
    assert losses[-1] < 0.2 * losses[0]
    error = (estimator.eval()(batch).keypoints_px[:, 0] - batch.keypoints_px).norm(dim=-1)
    assert error.mean() < 2.5


def test_it_is_saved_whole(tmp_path):
    estimator, batch = MetricScale(SMALL).eval(), batch_of()
    estimator.updates += 7
    save_estimator(estimator, tmp_path / "it.safetensors")
    again = load_estimator(tmp_path / "it.safetensors")
    assert torch.equal(again(batch).joints_cam, estimator(batch).joints_cam)
    assert again.updates == 7


def test_a_lens_is_undone():
    batch = batch_of()
    lens = torch.tensor([0.1, 0.0, 0.0, 0.0, 0.0]).expand(2, 5)
    bent = replace(batch, distortion=lens, keypoints_px=project(batch.joints_cam, K, lens[:, None]))
    estimator = MetricScale(SMALL).eval()
    estimator.heatmaps = Exactly(bent)
    said = estimator(bent)
    assert (said.joints_cam[:, 0] + said.root_cam - bent.joints_cam).abs().max() < 0.05


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"intrinsics": None}, r"needs PoseBatch\.intrinsics"),
        ({"images": torch.zeros(2, 1, 3, 30, 30)}, "with a stride of 4 they must be"),
        ({"image_frames": torch.ones(2, 1, dtype=torch.int64)}, "one picture of every frame"),
    ],
)
def test_batches_it_cannot_read_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        MetricScale(SMALL).eval()(replace(batch_of(), **changes))
