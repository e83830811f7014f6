"""Masks as supervision: what they prefer, and that they teach."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from picture_samples import H36M_18, detector_batch, says_keypoints
from vitruve.nets.physique import PhysiqueConfig
from vitruve.nets.skeleton_mask import pixel_grid, skeleton_mask
from vitruve.objectives import Term
from vitruve.objectives.geodesic import GeodesicConfig, GeodesicWeights, geodesic_weights
from vitruve.objectives.mask import MaskConfig, MaskObjective
from vitruve.objectives.pictured import crop_reach, from_crop, picture_points, to_crop
from vitruve.poses import Prediction
from vitruve.skeletons.line_forms import line_form

PLAIN = MaskObjective(MaskConfig())


def drawn_batch(b=2, side=32):
    """People whose masks are just their lines."""
    batch = detector_batch(b=b, side=side)
    points, _ = picture_points(says_keypoints(batch, batch.keypoints_px), batch)
    grid = pixel_grid(side, side, like=points)
    masks = skeleton_mask(points[:, 0], line_form(H36M_18), grid)
    return replace(batch, masks=masks.unsqueeze(1))


def moved(batch, by_px):
    return says_keypoints(batch, batch.keypoints_px + by_px)


def test_lines_that_fill_the_mask_cost_nothing():
    batch = drawn_batch()
    losses = [PLAIN.loss(moved(batch, px), batch).item() for px in (0.0, 10.0, 25.0)]
    assert losses[0] == pytest.approx(0, abs=1e-10)
    assert losses[0] < losses[1] < losses[2]


def test_joints_can_be_found_by_descent():
    batch = drawn_batch()
    offset = torch.full((2, 1, 1, 2), 14.0, requires_grad=True)
    optimizer = torch.optim.Adam([offset], lr=1.0)
    for _ in range(40):
        optimizer.zero_grad()
        PLAIN.loss(moved(batch, offset), batch).backward()
        optimizer.step()
    assert offset.abs().max() < 3


def test_an_estimator_that_only_places_its_joints_will_do():
    batch = drawn_batch()
    root = batch.joints_cam[:, None, :, 0]
    relative = batch.joints_cam[:, None] - root.unsqueeze(-2)
    placed = Prediction(H36M_18, relative, root_cam=root)
    assert PLAIN.loss(placed, batch).item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="says keypoints_px, or one that says root_cam"):
        PLAIN.loss(Prediction(H36M_18, relative), batch)


def test_pictures_of_frames_that_are_not_predicted_are_left_out():
    batch = drawn_batch()
    beyond = replace(batch, image_frames=torch.tensor([[0], [7]]))
    first = replace(batch, masks=batch.masks.clone())
    first.masks[1] = 1 - first.masks[1]
    said = moved(batch, 5.0)
    seen = PLAIN.loss(moved(batch, 5.0), replace(beyond, masks=first.masks))
    only = PLAIN.loss(says_keypoints(batch, said.keypoints_px[:1, 0]), batch.map(lambda x: x[:1]))
    assert seen.item() == pytest.approx(only.item())


def test_masks_can_be_compared_coarsely():
    batch = drawn_batch(side=32)
    coarse = MaskObjective(MaskConfig(side_px=16))
    assert coarse.loss(moved(batch, 0.0), batch) < coarse.loss(moved(batch, 25.0), batch)
    pooled = replace(batch, masks=torch.nn.functional.avg_pool2d(batch.masks, 2))
    assert coarse.loss(moved(batch, 9.0), batch) == PLAIN.loss(moved(batch, 9.0), pooled)


def test_the_physique_net_learns_on_the_same_loss_and_alone():
    batch = drawn_batch()
    config = MaskConfig(skeleton=0.0, physique=1.0, physique_net=PhysiqueConfig((4, 8)))
    objective = MaskObjective(config)
    optimizer = Term(objective, learning_rate=1e-2).make_optimizer()
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = objective.own_loss(moved(batch, 0.0), batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
    assert Term(PLAIN).make_optimizer() is None


def test_without_masks_or_crops_it_says_so():
    batch = drawn_batch()
    said = moved(batch, 0.0)
    with pytest.raises(ValueError, match=r"needs PoseBatch\.masks; the batch has none"):
        PLAIN.loss(said, replace(batch, masks=None))
    with pytest.raises(ValueError, match=r"needs PoseBatch\.crops_px, with images or masks"):
        PLAIN.loss(said, replace(batch, crops_px=None))


def test_crop_coordinates_and_back():
    batch = replace(detector_batch(b=2), masks=torch.zeros(2, 1, 20, 10))
    reach, crops_px = crop_reach(batch), batch.crops_px
    assert reach.tolist() == [0.5, 1.0]
    corner = to_crop(crops_px[..., None, :2], crops_px, reach)
    torch.testing.assert_close(corner, -reach.expand_as(corner))
    points_px = batch.keypoints_px
    again = from_crop(to_crop(points_px, crops_px, reach), crops_px, reach)
    torch.testing.assert_close(again, points_px, atol=1e-3, rtol=0)


def hook_mask():
    """A trunk with an arm that goes up and comes back down beside it."""
    mask = np.zeros((24, 24), bool)
    mask[4:20, 4:8] = True
    mask[4:7, 4:16] = True
    mask[4:16, 14:16] = True
    return mask


def test_geodesic_weights_follow_the_body():
    mask = hook_mask()
    weights = geodesic_weights(mask, GeodesicConfig())
    assert weights.mean() == pytest.approx(1, abs=1e-6)
    inside = np.where(mask, weights, -np.inf)
    # The arm's end is near the middle as the crow flies, but last along the body.
    assert np.unravel_index(inside.argmax(), mask.shape)[1] >= 14
    assert inside.max() == inside[15, 14:16].max()
    outside = np.where(mask, -np.inf, weights)
    assert outside.argmax() == 24 * 24 - 1
    assert weights[0, 23] > weights[3, 23]


def test_geodesic_shares_are_those_asked_for():
    mask = hook_mask()
    weights = geodesic_weights(mask, GeodesicConfig(inside=(2.0, 1.0), outside=(2.0, 1.0)))
    lowest = weights[mask].min()
    assert weights[mask].max() / lowest == pytest.approx((np.exp(2.0) + 1) / 2, rel=1e-4)
    assert weights[~mask].max() / lowest == pytest.approx(3 / 2, rel=1e-4)


@pytest.mark.parametrize("fill", [False, True])
def test_a_mask_of_nobody_or_of_nothing_else(fill):
    weights = geodesic_weights(np.full((5, 6), fill), GeodesicConfig())
    assert np.isfinite(weights).all()
    assert weights.mean() == pytest.approx(1)


def test_weights_of_a_mask_are_measured_once(monkeypatch):
    measured = []

    def measure(mask, config):
        measured.append(mask)
        return geodesic_weights(mask, config)

    monkeypatch.setattr("vitruve.objectives.geodesic.geodesic_weights", measure)
    weigh = GeodesicWeights(GeodesicConfig(kept=2))
    mask = torch.from_numpy(hook_mask()).float()
    masks = torch.stack([mask, mask, mask.T])
    torch.testing.assert_close(weigh(masks)[0], weigh(masks.double()).float()[1])
    assert len(measured) == 2
    weigh(torch.stack([torch.zeros_like(mask), torch.ones_like(mask)]))
    weigh(masks[:1])
    assert len(measured) == 5


def test_weights_change_the_loss():
    batch = drawn_batch()
    weighed = MaskObjective(MaskConfig(geodesic=GeodesicConfig()))
    assert weighed.loss(moved(batch, 0.0), batch).item() == pytest.approx(0, abs=1e-10)
    assert weighed.loss(moved(batch, 9.0), batch) != PLAIN.loss(moved(batch, 9.0), batch)


def test_fast_marching_names_its_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "skfmm", None)
    with pytest.raises(ImportError, match="install the extra masks, or take way='pixels'"):
        geodesic_weights(hook_mask(), GeodesicConfig(way="fast_marching"))
