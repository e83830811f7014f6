"""Varied batches stay what a camera sees: labels, pictures, masks and calibration agree."""

from dataclasses import replace

import pytest
import torch

from vitruve.data.studio.batches import studio_batch
from vitruve.data.studio.reader import Studio
from vitruve.data.training_crops import VariedConfig, Varier, silhouettes
from vitruve.data.training_crops.colour import NO_CHANGE
from vitruve.data.training_crops.silhouettes import seen_from_front
from vitruve.data.training_crops.varied import turned_batch
from vitruve.geometry.projection import project

STILL = VariedConfig(roll_deg=0.0, zoom=0.0, mirrored=0.0, replaced=0.0, colour=NO_CHANGE)


@pytest.fixture(scope="module")
def batch(studio_folder):
    return studio_batch(Studio(studio_folder / "people", "train"), range(8))


def vary(batch, seed=0, **changes):
    varier = Varier(replace(STILL, **changes), batch.images.shape[-1])
    return varier(batch, torch.Generator().manual_seed(seed))


def world(batch):
    turn, place = batch.T_world_cam[:, :3, :3], batch.T_world_cam[:, :3, 3]
    return torch.einsum("bac,btjc->btja", turn, batch.joints_cam) + place[:, None, None]


def test_labels_and_calibration_are_of_one_camera(batch):
    varied = vary(batch, roll_deg=30.0, zoom=0.2, mirrored=0.5)
    seen_px = project(varied.joints_cam, varied.intrinsics[:, None])
    torch.testing.assert_close(seen_px, varied.keypoints_px, atol=0.05, rtol=0)
    turns, zooms = torch.linspace(-1, 1, 8), torch.linspace(0.8, 1.2, 8)
    turned = turned_batch(batch, turns, zooms)
    torch.testing.assert_close(world(turned), world(batch), atol=1e-4, rtol=0)
    root = turned.joints_cam[:, 0, turned.skeleton.root, 2]
    scale = root / turned.intrinsics[:, 0, 0]
    torch.testing.assert_close(turned.scale_m_per_px[:, 0], scale, rtol=1e-3, atol=0)


def test_pictures_and_masks_turn_with_the_labels(batch):
    quarter = turned_batch(batch, torch.full((8,), torch.pi / 2), torch.ones(8))
    # A quarter clockwise: what was at the top comes to the right.
    torch.testing.assert_close(quarter.images, batch.images.rot90(-1, (-2, -1)), atol=1e-4, rtol=0)
    torch.testing.assert_close(quarter.masks, batch.masks.rot90(-1, (-2, -1)), atol=1e-4, rtol=0)
    x, y = batch.keypoints_px.unbind(-1)
    wanted = torch.stack([batch.image_size_px[0, 0] - y, x], -1)
    torch.testing.assert_close(quarter.keypoints_px, wanted, atol=1e-3, rtol=0)


def test_joints_that_leave_the_picture_are_not_taught(batch):
    near = turned_batch(batch, torch.zeros(8), torch.full((8,), 3.0))
    x, y = near.keypoints_px.unbind(-1)
    side = batch.image_size_px[0, 0]
    out = (x < 0) | (y < 0) | (x > side) | (y > side)
    assert out.any()
    assert not near.keypoints_valid[out].any()
    assert torch.equal(near.keypoints_valid[~out], batch.keypoints_valid[~out])
    assert torch.equal(near.valid, batch.valid)


def test_backgrounds_change_behind_people_alone(batch):
    varied = vary(batch, replaced=1.0)
    person = batch.masks.unsqueeze(2).expand_as(batch.images)
    difference = (varied.images - batch.images).abs()
    assert difference[person == 1].max() < 1e-5
    assert difference[person == 0].mean() > 0.05
    colours = vary(batch, colour=VariedConfig().colour)
    assert (colours.images - batch.images).abs().flatten(1).mean(1).min() > 1e-3
    assert colours.images.min() >= 0
    assert colours.images.max() <= 1


def test_of_some_nothing_but_the_mask_is_shown(batch):
    shown = vary(batch, silhouettes=0.5)
    masks = batch.masks.unsqueeze(2).expand_as(batch.images)
    bare = [torch.equal(shown.images[i], masks[i]) for i in range(8)]
    plain = [torch.equal(shown.images[i], batch.images[i]) for i in range(8)]
    assert 0 < sum(bare) < 8
    assert sum(bare) + sum(plain) == 8
    with pytest.raises(ValueError, match="the batch lacks one"):
        silhouettes(replace(batch, masks=None), torch.ones(8, dtype=torch.bool))


def across(batch):
    """How far left joints lie to the right of right ones, pixels."""
    x = batch.keypoints_px[:, 0, :, 0]
    return (x[:, list(batch.skeleton.left)] - x[:, list(batch.skeleton.right)]).sum(1)


def test_silhouettes_are_seen_from_front(batch):
    batch = replace(batch, keypoints_valid=torch.ones_like(batch.keypoints_valid))
    behind = across(batch) < 0
    assert 0 < behind.sum() < 8
    said = seen_from_front(batch, torch.ones(8, dtype=torch.bool))
    mirror, root = list(batch.skeleton.mirror_index), batch.skeleton.root
    for name in ("keypoints_px", "joints_cam", "valid", "keypoints_valid", "confidence"):
        torch.testing.assert_close(getattr(said, name)[~behind], getattr(batch, name)[~behind])
    assert torch.equal(said.keypoints_px[behind], batch.keypoints_px[behind][:, :, mirror])
    seen_px = project(said.joints_cam, said.intrinsics[:, None])
    torch.testing.assert_close(seen_px, said.keypoints_px, atol=0.05, rtol=0)
    before, after = (x.joints_cam[behind][..., 2] for x in (batch, said))
    depth = before[..., [root]]
    torch.testing.assert_close(after - depth, depth - before[:, :, mirror])
    assert (across(said) >= 0).all()
    again = seen_from_front(said, torch.ones(8, dtype=torch.bool))
    assert torch.equal(again.joints_cam, said.joints_cam)
    unknown = batch.joints_cam.clone()
    unknown[:, :, root + 1] = 0
    unknown = replace(batch, joints_cam=unknown)
    assert seen_from_front(unknown, behind).joints_cam.isfinite().all()


def test_pictures_keep_their_sides_beside_silhouettes(batch):
    shown = vary(batch, silhouettes=0.5)
    masks = batch.masks.unsqueeze(2).expand_as(batch.images)
    bare = torch.tensor([torch.equal(shown.images[i], masks[i]) for i in range(8)])
    assert torch.equal(shown.keypoints_px[~bare], batch.keypoints_px[~bare])
    assert (across(shown)[bare] >= 0).all()
    named = vary(replace(batch, keypoints_valid=batch.keypoints_valid & False), silhouettes=1.0)
    assert torch.equal(named.keypoints_px, batch.keypoints_px)
    with pytest.raises(ValueError, match="the same joints in 2D and 3D"):
        vary(replace(batch, joints_cam=None, valid=None), silhouettes=1.0)


def test_nothing_varies_unless_asked_and_seeds_repeat(batch):
    same = vary(batch)
    torch.testing.assert_close(same.images, batch.images, atol=1e-5, rtol=0)
    torch.testing.assert_close(same.joints_cam, batch.joints_cam)
    wild = dict(roll_deg=20.0, zoom=0.1, mirrored=0.5, replaced=0.5)
    assert torch.equal(vary(batch, 3, **wild).images, vary(batch, 3, **wild).images)
    assert not torch.equal(vary(batch, 3, **wild).images, vary(batch, 4, **wild).images)


@pytest.mark.parametrize("mirrored", [0.0, 1.0])
def test_a_batch_of_one(batch, mirrored):
    one = batch.map(lambda x: x[:1])
    varied = vary(one, mirrored=mirrored)
    wanted = one.images.flip(-1) if mirrored else one.images
    torch.testing.assert_close(varied.images, wanted, atol=1e-5, rtol=0)


def test_parts_of_pictures_are_refused(batch):
    part = replace(batch, crops_px=batch.crops_px + 1)
    with pytest.raises(ValueError, match="whole pictures of plain lenses"):
        vary(part)
    with pytest.raises(ValueError, match="intrinsics"):
        vary(replace(batch, intrinsics=None))
