"""The sheet of answers: what a model says is drawn where it says it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vitruve.benchmarks.answer_sheet import answer_sheet
from vitruve.data.shards.contact_sheet import BACKGROUND, CELL_PX, GAP_PX
from vitruve.data.studio.batches import studio_batch
from vitruve.data.studio.reader import Studio
from vitruve.estimators import Estimator
from vitruve.poses import Prediction

GREY = (110, 114, 122)


class Oracle(Estimator):
    """Knows the truth; ``hypotheses`` of it, the others mirrored in depth."""

    needs = ("images",)

    def __init__(self, studio, hypotheses=1):
        super().__init__()
        self.none = torch.nn.Parameter(torch.zeros(1))
        self.studio, self.hypotheses = studio, hypotheses
        self.skeleton = self.keypoint_skeleton = studio.skeleton

    def forward(self, batch):
        assert not batch.valid.any(), "labels were shown"
        truth = studio_batch(self.studio, batch.picture.tolist())
        joints = truth.joints_cam.unsqueeze(1)
        joints = joints - joints[..., :1, :]
        other = joints * torch.tensor([1.0, 1.0, -1.0])
        every = torch.cat([joints, *[other] * (self.hypotheses - 1)], dim=1)
        points = truth.keypoints_px.unsqueeze(1).expand(-1, self.hypotheses, -1, -1, -1)
        return Prediction(self.skeleton, every, keypoints_px=points)


@pytest.fixture(scope="module")
def studio(studio_folder):
    return Studio(studio_folder / "people", "test")


class Sure(Oracle):
    """Says that every depth is in the cell where it is."""

    def training_forward(self, batch):
        said = self(batch)
        cells = torch.linspace(-0.9, 0.9, 10).repeat(*said.joints_cam.shape[:1], 1, 18, 1)
        near = (cells - said.joints_cam[:, 0, ..., 2:]).abs().argmin(-1)
        probability = torch.nn.functional.one_hot(near, 10).float().clamp(min=1e-9)
        return replace(said, depth_cells=torch.stack([cells, probability.log()], -1))


def panels(sheet, count=4):
    """The panels of the first picture."""
    pixels = np.asarray(sheet)
    lefts = [GAP_PX + i * (CELL_PX + GAP_PX) for i in range(count)]
    return [pixels[GAP_PX : GAP_PX + CELL_PX, x : x + CELL_PX] for x in lefts]


def test_the_truth_covers_itself(studio):
    _, drawn, side, above = panels(answer_sheet(studio, Oracle(studio), [0]))
    body, mask = drawn[..., 1] > 200, drawn[..., 0] > 100
    assert body.any()
    assert (mask & body).sum() > 0.9 * body.sum()
    for view in (side, above):
        grey = (view == GREY).all(-1)
        shown = (view != BACKGROUND).any(-1)
        assert shown.sum() > 2 * grey.sum(), "the answer is not over the truth"


def test_every_hypothesis_is_seen_from_the_side(studio):
    one = panels(answer_sheet(studio, Oracle(studio), [0]))[2]
    two = panels(answer_sheet(studio, Oracle(studio, 2), [0]))[2]
    assert (two != BACKGROUND).any(-1).sum() > 1.2 * (one != BACKGROUND).any(-1).sum()


def test_pictures_of_nobody_known_have_no_truth(studio, monkeypatch):
    known = studio_batch

    def unknown(shown, numbers):
        batch = known(shown, numbers)
        return replace(batch, valid=torch.zeros_like(batch.valid))

    monkeypatch.setattr("vitruve.benchmarks.answer_sheet.studio_batch", unknown)
    _, _, side, _ = panels(answer_sheet(studio, Oracle(studio), [0]))
    assert not (side == GREY).all(-1).any()


def test_depths_are_rows_of_heat_with_the_answer_in_the_hot_cell(studio):
    heat = panels(answer_sheet(studio, Sure(studio), [0]), 5)[4]
    joints = studio[0].joints_cam
    away = studio_batch(studio, [0]).joints_cam[0, 0, :, 2] - joints[0, 2]
    for joint in (1, 4, 9):
        row = heat[round((joint + 0.4) * CELL_PX / 18)]
        hot = np.flatnonzero(row.max(-1) > 100)
        assert len(hot) <= CELL_PX // 10 + 2
        white = np.flatnonzero((row == 255).all(-1))
        assert white.size, "no hypothesis is marked"
        assert abs(white.mean() - CELL_PX / 2 * (1 + away[joint])) < CELL_PX / 10
