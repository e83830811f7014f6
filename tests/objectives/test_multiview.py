"""Several cameras: what they agree on, and what gives a confused one away."""

from dataclasses import replace

import pytest
import torch

from picture_samples import H36M_18, says_keypoints
from view_samples import VIEWS, bending, standing_around
from vitruve.geometry.projection import project
from vitruve.objectives.mask import MaskConfig, MaskObjective
from vitruve.objectives.multiview import MultiviewConfig, MultiviewObjective
from vitruve.objectives.views import Views
from vitruve.poses import Prediction, mirror_batch, mirror_prediction


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


@pytest.mark.parametrize("views", [(), (0,), (1, 3), (0, 1, 2, 3)])
@pytest.mark.parametrize("part", ["body", "legs", "arms"])
def test_sides_are_found_whichever_views_exchange_them(views, part):
    batch = bending(standing_around())
    names = {"legs": ("hip", "knee", "ankle"), "arms": ("shoulder", "elbow", "wrist")}
    wrong = torch.zeros(len(batch.scene), 1, 18, dtype=torch.bool)
    for joint in (*H36M_18.left, *H36M_18.right):
        if part == "body" or any(n in H36M_18.names[joint] for n in names[part]):
            wrong[list(views), :, joint] = True
    mirrored = batch.keypoints_px[:, :, list(H36M_18.mirror_index)]
    said = torch.where(wrong[..., None], mirrored, batch.keypoints_px)
    found = Views.of(batch).exchanged(said, H36M_18)
    assert torch.equal(found, wrong)


def test_descent_on_sides_brings_left_and_right_where_they_belong():
    batch = bending(standing_around())
    said = confused(batch)
    wrong_px = (said - batch.keypoints_px).norm(dim=-1).max()
    view = said[1].clone().requires_grad_()
    optimizer = torch.optim.Adam([view], lr=1.0)
    for _ in range(150):
        optimizer.zero_grad()
        loss(torch.cat([said[:1], view[None], said[2:]]), batch, sides=1.0).backward()
        optimizer.step()
    assert (view - batch.keypoints_px[1]).norm(dim=-1).max() < 0.1 * wrong_px


def test_most_views_are_believed_where_knees_do_not_bend():
    batch = standing_around()
    straight = bending(batch)
    legs = [straight.joints_cam[:, :, H36M_18.index(f"left_{part}")] for part in ("hip", "ankle")]
    assert legs[0].shape == legs[1].shape
    pairs = [(H36M_18.index(f"{s}_hip"), H36M_18.index(f"{s}_knee"), H36M_18.index(f"{s}_ankle"))
             for s in ("left", "right")]  # fmt: skip
    joints = straight.joints_cam.clone()
    for hip, knee, ankle in pairs:
        joints[:, :, knee] = (joints[:, :, hip] + joints[:, :, ankle]) / 2
    keypoints_px = project(joints[:, 0], straight.intrinsics)[:, None]
    straight = replace(straight, joints_cam=joints, keypoints_px=keypoints_px)
    found = Views.of(straight).exchanged(confused(straight), H36M_18)
    assert found[1, 0, list(H36M_18.left)].all()
    assert found.sum() == len(H36M_18.left) * 2


def test_depth_is_of_the_limb_that_a_joint_lies_on_whatever_its_name():
    batch = bending(standing_around())
    relative = (batch.joints_cam - batch.joints_cam[..., :1, :]).clone()
    relative[1] = relative[1][..., list(H36M_18.mirror_index), :]
    said = Prediction(H36M_18, relative.unsqueeze(1), keypoints_px=confused(batch).unsqueeze(1))
    objective = MultiviewObjective(MultiviewConfig(mask=None, depth=1.0, sides=0.0))
    assert objective.loss(said, batch).item() < 1e-3
    by_name = replace(said, joints_cam=(batch.joints_cam - batch.joints_cam[..., :1, :])[:, None])
    assert objective.loss(by_name, batch).item() > 0.01
