"""Estimators that know the truth, and what studies are given in tests."""

from pathlib import Path

import torch
from cmu_samples import H36M
from PIL import Image
from torch import nn

from vitruve.benchmarks.studies import STUDIES, Material, Model, write_report
from vitruve.estimators import Estimator
from vitruve.geometry.projection import project
from vitruve.poses import Prediction


class Oracle(Estimator):
    """Says the truth, moved by some metres everywhere but at the root."""

    def __init__(self, move_m=(0.0, 0.0, 0.0)):
        super().__init__()
        self.skeleton = self.keypoint_skeleton = H36M
        self.receptive_field = 1
        self.move_m = nn.Parameter(torch.tensor(move_m))

    def forward(self, batch):
        joints = batch.joints_cam.clone()
        joints[..., 1:, :] += self.move_m
        return Prediction(H36M, joints[:, None])


class Follower(Oracle):
    """Moves each joint as its keypoint was moved in the picture, a millimetre for a pixel."""

    def forward(self, batch):
        lens = batch.intrinsics[:, None], batch.distortion[:, None]
        error = batch.keypoints_px - project(batch.joints_cam, *lens)
        return Prediction(
            H36M, (batch.joints_cam + nn.functional.pad(error / 1000, (0, 1)))[:, None]
        )


class Shaky(Oracle):
    """Errs at random, always alike in the same frame of any clip, and more in later frames."""

    def __init__(self, std_m):
        super().__init__()
        self.std_m = std_m

    def forward(self, batch):
        t, j = batch.joints_cam.shape[1:3]
        noise = torch.randn(t, j, 3, generator=torch.Generator().manual_seed(0))
        growing = self.std_m * (1 + torch.arange(t)[:, None, None]) / t
        root = batch.joints_cam[..., :1, :]
        return Prediction(H36M, (batch.joints_cam - root + growing * noise)[:, None])


class TwoTasks(Oracle):
    """Has features that say which task they serve."""

    def __init__(self):
        super().__init__()
        self.receptive_field = 5

    def training_forward(self, batch):
        b, t, k, _ = batch.keypoints_px.shape
        assert t == self.receptive_field
        noise = torch.randn(b, 2, t, k, 8, generator=torch.Generator().manual_seed(0))
        return Prediction(
            H36M,
            torch.zeros(b, 1, t, k, 3),
            features=noise + 20 * torch.arange(2.0)[:, None, None, None],
        )


def material(motion, *estimators, results=Path("none")):
    models = tuple(Model(f"m{i}", e) for i, e in enumerate(estimators))
    return Material(models, motion, results)


def measure(name, given, **settings):
    build, config = STUDIES[name]
    study = build(config(**settings))
    return study, list(study.measure(given))


def check_pictures(study, findings, folder):
    files = write_report(folder, "it", study, findings, {"command": "typed"})
    assert [f.suffix for f in files] == [".json", ".csv", ".md", ".png", ".svg"]
    with Image.open(files[3]) as picture:
        assert picture.format == "PNG"
        assert 800 < picture.width < 2000
        assert 300 < picture.height < 3000
    assert files[4].read_text().startswith("<?xml")
    return files
