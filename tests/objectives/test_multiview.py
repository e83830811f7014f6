"""Several cameras: what they agree on, and what gives a confused one away."""

from dataclasses import replace

import pytest
import torch

from energy_samples import intrinsics, pose_batch
from picture_samples import H36M_18, says_keypoints, with_pictures
from vitruve.geometry.projection import project
from vitruve.nets.skeleton_mask import pixel_grid, skeleton_mask
from vitruve.objectives.mask import MaskConfig, MaskObjective
from vitruve.objectives.multiview import MultiviewConfig, MultiviewObjective
from vitruve.objectives.pictured import picture_points
from vitruve.poses import Prediction, mirror_batch, mirror_prediction
from vitruve.skeletons.line_forms import line_form

VIEWS, SIDE = 4, 24


def standing_around(scenes=2):
    """Cameras around people; examples are scene after scene, view after view."""
    people = pose_batch(H36M_18, b=scenes, t=1)
    world = people.joints_cam - people.joints_cam.mean(dim=(1, 2), keepdim=True)
    yaw = torch.arange(VIEWS) * 2 * torch.pi / VIEWS
    cos, sin, zero, one = yaw.cos(), yaw.sin(), torch.zeros(VIEWS), torch.ones(VIEWS)
    rows = [cos, zero, sin, zero, one, zero, -sin, zero, cos]
    rotation = torch.stack(rows, dim=-1).view(VIEWS, 3, 3)
    places = torch.eye(4).repeat(VIEWS, 1, 1)
    places[:, :3, :3] = rotation
    places[:, :3, 3] = -4.0 * rotation[:, :, 2]
    joints_cam = torch.einsum(
        "vca,svtjc->svtja", rotation, world[:, None] - places[:, None, None, :3, 3]
    )
    joints_cam = joints_cam.flatten(0, 1)
    K = intrinsics(len(joints_cam))
    seen = torch.ones(joints_cam.shape[:-1], dtype=torch.bool)
    batch = replace(
        people,
        keypoints_px=project(joints_cam, K[:, None]),
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=people.image_size_px[:1].expand(len(K), 2),
        intrinsics=K,
        joints_cam=joints_cam,
        valid=seen,
    )
    batch = replace(
        with_pictures(batch, SIDE),
        scene=torch.arange(scenes).repeat_interleave(VIEWS),
        T_world_cam=places.repeat(scenes, 1, 1),
        crops_px=torch.tensor([100.0, 0.0, 900.0, 800.0]).expand(len(K), 1, 4),
    )
    points, _ = picture_points(says_keypoints(batch, batch.keypoints_px), batch)
    grid = pixel_grid(SIDE, SIDE, like=points)
    masks = skeleton_mask(points[:, 0], line_form(H36M_18), grid)
    return replace(batch, masks=masks.unsqueeze(1))


def loss(keypoints_px, batch, **config):
    config = {"mask": None, **config}
    return MultiviewObjective(MultiviewConfig(**config)).loss(
        says_keypoints(batch, keypoints_px), batch
    )


def confused(batch, view=1):
    """True joints, but one view of the first scene takes left for right."""
    keypoints_px = batch.keypoints_px.clone()
    keypoints_px[view] = keypoints_px[view][:, list(H36M_18.mirror_index)]
    return keypoints_px


def test_true_joints_agree():
    batch = standing_around()
    assert loss(batch.keypoints_px, batch, reprojection=1.0).item() < 1e-5
    assert loss(batch.keypoints_px, batch, mask=MaskConfig()).item() < 1e-6


def test_exchanged_sides_of_one_view_show_in_masks_of_all_but_not_in_its_own():
    batch = standing_around()
    said = confused(batch)
    alone = MaskObjective(MaskConfig()).loss(says_keypoints(batch, said), batch)
    assert alone.item() < 1e-6
    assert loss(said, batch, mask=MaskConfig()).item() > 1e-3


def test_descent_brings_the_views_together():
    batch = standing_around(1)
    said = (batch.keypoints_px + 20 * torch.randn_like(batch.keypoints_px)).requires_grad_()
    optimizer = torch.optim.Adam([said], lr=2.0)
    for _ in range(60):
        optimizer.zero_grad()
        total = loss(said, batch, reprojection=1.0)
        total.backward()
        optimizer.step()
    assert total.item() < 2e-3


def test_triangulated_joints_teach_depth():
    batch = standing_around()
    relative = batch.joints_cam - batch.joints_cam[..., :1, :]
    config = MultiviewConfig(mask=None, depth=1.0)
    said = Prediction(H36M_18, relative.unsqueeze(1), keypoints_px=batch.keypoints_px.unsqueeze(1))
    assert MultiviewObjective(config).loss(said, batch).item() < 1e-3
    flat = replace(said, joints_cam=said.joints_cam * torch.tensor([1.0, 1.0, 0.0]))
    assert MultiviewObjective(config).loss(flat, batch).item() > 0.05
    aside = replace(said, joints_cam=said.joints_cam + torch.tensor([0.3, -0.2, 0.0]))
    assert MultiviewObjective(config).loss(aside, batch).item() < 1e-3, "x and y are the masks'"


def test_a_view_alone_keeps_its_joints_in_masks_and_is_left_out_of_the_rest():
    batch = standing_around(1)
    alone = replace(batch, scene=torch.arange(VIEWS))
    said = batch.keypoints_px + 7.0
    assert loss(said, alone, reprojection=1.0).item() == 0
    expected = MaskObjective(MaskConfig()).loss(says_keypoints(alone, said), alone)
    assert loss(said, alone, mask=MaskConfig()).item() == pytest.approx(expected.item())


def test_warped_copies_are_no_views():
    batch = standing_around(1)
    warp = batch.warp.clone()
    warp[1, 0, 2] = 0.2
    said = confused(batch)
    assert loss(said, replace(batch, warp=warp), reprojection=1.0).item() < 1e-5


def test_scenes_keep_to_themselves():
    batch = standing_around(2)
    said = confused(batch)
    both = loss(said, batch, reprojection=1.0).item()
    first = loss(said[:VIEWS], batch.map(lambda x: x[:VIEWS]), reprojection=1.0).item()
    assert both == pytest.approx(first / 2, rel=1e-4)


def test_a_mirrored_batch_shows_a_mirrored_world():
    batch = standing_around()
    said = says_keypoints(batch, confused(batch))
    objective = MultiviewObjective(MultiviewConfig(reprojection=1.0))
    plain = objective.loss(said, batch)
    mirrored = objective.loss(mirror_prediction(said, batch), mirror_batch(batch))
    torch.testing.assert_close(plain, mirrored, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["scene", "T_world_cam", "intrinsics"])
def test_what_is_lacking_is_named(name):
    batch = standing_around(1)
    with pytest.raises(ValueError, match=rf"several views need PoseBatch\.{name}; the batch has"):
        loss(batch.keypoints_px, replace(batch, **{name: None}), reprojection=1.0)
