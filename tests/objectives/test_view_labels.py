"""Labels that several views make: sides of silhouettes named, copies triangulated."""

from dataclasses import replace

import pytest
import torch

from picture_samples import H36M_18
from view_samples import VIEWS, bending, standing_around
from vitruve.objectives.pictured import crop_reach, from_crop, to_crop
from vitruve.objectives.view_labels import ViewLabelsConfig, ViewLabelsObjective, joints_of_copies
from vitruve.poses import PoseBatch, Prediction

MIRROR = list(H36M_18.mirror_index)
WARP = torch.tensor([[0.9, -0.3, 0.1], [0.3, 0.9, -0.05]])


def with_copies(scenes=2):
    """Pictures of all views, each followed, behind all others, by a warped copy."""
    plain = bending(standing_around(scenes))
    count = len(plain.scene)
    warps = torch.eye(2, 3).repeat(count, 1, 1)
    plain = replace(plain, picture=torch.arange(count), warp=warps)
    copies = replace(plain, warp=WARP.expand_as(warps))
    return PoseBatch.join([plain, copies])


def said_of(batch, pictures_px, copies_px):
    """What is said of pictures, and of copies where they lie in the plain picture."""
    reach, crops = crop_reach(batch), batch.crops_px[: len(copies_px)]
    at = to_crop(copies_px, crops, reach) @ WARP[:, :2].T + WARP[:, 2]
    return torch.cat([pictures_px, from_crop(at, crops, reach)])


def predicted(batch, points_px):
    joints = batch.joints_cam - batch.joints_cam[..., :1, :]
    return Prediction(H36M_18, joints.unsqueeze(1), keypoints_px=points_px.unsqueeze(1))


def truth(batch):
    return batch.keypoints_px[: len(batch.scene) // 2]


def loss(batch, pictures_px, copies_px, **config):
    said = predicted(batch, said_of(batch, pictures_px, copies_px))
    return ViewLabelsObjective(ViewLabelsConfig(**config)).loss(said, batch)


@pytest.mark.parametrize("views", [(), (1,), (0, 2), (0, 1, 2, 3)])
def test_pictures_learn_the_true_sides_whatever_copies_call_them(views):
    batch = with_copies()
    true = truth(batch)
    copies = true.clone()
    copies[list(views)] = true[list(views)][:, :, MIRROR]
    assert loss(batch, true, copies).item() < 2e-3
    assert loss(batch, true[:, :, MIRROR], copies, depth=0.0).item() > 0.02
    assert loss(batch, true + 10, copies, depth=0.0).item() == pytest.approx(
        200**0.5 / batch.image_size_px[0, 0].item(), rel=0.02
    )


def test_depths_are_learnt_by_name():
    batch = with_copies()
    true = truth(batch)
    said = predicted(batch, said_of(batch, true, true))
    flat = replace(said, joints_cam=said.joints_cam * torch.tensor([1.0, 1.0, 0.0]))
    objective = ViewLabelsObjective(ViewLabelsConfig(points=0.0))
    assert objective.loss(said, batch).item() < 2e-3
    assert objective.loss(flat, batch).item() > 0.05


def test_pictures_alone_get_the_gradient():
    batch = with_copies()
    points = said_of(batch, truth(batch) + 5, truth(batch)).requires_grad_()
    said = predicted(batch, points)
    ViewLabelsObjective(ViewLabelsConfig()).loss(said, batch).backward()
    pulled = points.grad.abs().sum((1, 2, 3)) > 0
    assert pulled.tolist() == [True] * (2 * VIEWS) + [False] * (2 * VIEWS)


def test_copies_are_read_in_their_plain_picture():
    batch = with_copies(1)
    said = predicted(batch, said_of(batch, truth(batch) + 50, truth(batch)))
    found, has = joints_of_copies(said, batch)
    assert has.tolist() == [True] * VIEWS + [False] * VIEWS
    torch.testing.assert_close(found[:VIEWS], truth(batch), atol=0.05, rtol=0)


def test_without_a_second_view_or_copies_nothing_is_learnt():
    batch = with_copies(1)
    alone = replace(batch, scene=torch.arange(VIEWS).repeat(2))
    assert loss(alone, truth(batch) + 5, truth(batch)).item() == 0
    apart = replace(batch, picture=torch.arange(2 * VIEWS))
    assert loss(apart, truth(batch) + 5, truth(batch)).item() == 0
    with pytest.raises(ValueError, match=r"need PoseBatch\.picture and warp"):
        loss(replace(batch, picture=None), truth(batch), truth(batch))
