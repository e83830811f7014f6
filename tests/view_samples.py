"""Cameras around people."""

from dataclasses import replace

import torch

from energy_samples import intrinsics, pose_batch
from picture_samples import H36M_18, says_keypoints, with_pictures
from vitruve.geometry.projection import project
from vitruve.nets.skeleton_mask import pixel_grid, skeleton_mask
from vitruve.objectives.pictured import picture_points
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


def bending(batch):
    """The same cameras around people who crouch a little, facing one way or another."""
    names = H36M_18.names
    body = {
        "pelvis": (0, 0, 0), "spine": (0, 0, 0.25), "thorax": (0, 0, 0.55),
        "mid_shoulder": (0, 0, 0.5), "neck_base_or_nose": (0, 0.1, 0.65), "head_top": (0, 0, 0.8),
        "hip": (0.1, 0, -0.05), "knee": (0.13, 0.2, -0.4), "ankle": (0.12, 0, -0.75),
        "shoulder": (0.18, 0, 0.5), "elbow": (0.3, -0.05, 0.25), "wrist": (0.25, 0.15, 0.1),
    }  # fmt: skip
    rows = []
    for name in names:
        side, _, part = name.partition("_")
        x, y, z = body[part if side in ("left", "right") else name]
        rows.append((-x if side == "left" else x, y, z))
    standing, world = torch.tensor(rows), []
    for yaw in torch.tensor([0.3, 2.1])[: len(batch.scene.unique())]:
        cos, sin = yaw.cos(), yaw.sin()
        turn = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        # Cameras stand around the y axis and call down y.
        world.append((standing @ turn.T)[:, [0, 2, 1]] * torch.tensor([1.0, -1.0, 1.0]))
    place = batch.T_world_cam
    world = torch.stack(world).repeat_interleave(VIEWS, 0)
    joints = torch.einsum("bca,bjc->bja", place[:, :3, :3], world - place[:, None, :3, 3])
    keypoints_px = project(joints, batch.intrinsics)[:, None]
    return replace(batch, joints_cam=joints[:, None], keypoints_px=keypoints_px)
