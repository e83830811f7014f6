"""Labels that several views make of a moment: joints of copies of its pictures, triangulated.

Ours. Silhouettes say well where joints are, and not which side is left; pictures show sides, and a
net that knows rendered ones reads them badly. So the joints said of the warped copies of a moment's
pictures are named such that views agree and bodies bend as bodies do (`objectives.view_sides`),
triangulated, and then are what the pictures should have said. The labels get no gradient.

Axes: b examples, h hypotheses, t frames, i pictures of an example,
j joints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.projection import MIN_DEPTH_M, project
from vitruve.objectives.base import Objective, masked_mean
from vitruve.objectives.equivariance import unwarp
from vitruve.objectives.pictured import (
    at_pictures,
    crop_reach,
    from_crop,
    keypoints_px,
    to_crop,
)
from vitruve.objectives.views import Views, depth_loss, flat, plain_pictures
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class ViewLabelsConfig:
    """Settings of the labels."""

    points: float = 1.0
    """Factor of the distance of 2D joints, over the image width."""
    depth: float = 1.0
    """Factor of the difference of depths behind the root, metres."""


class ViewLabelsObjective(Objective):
    """How far a picture's joints are from those that its moment's copies agree on."""

    def __init__(self, config: ViewLabelsConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Weighted sum over pictures that have a copy, as another view of their moment has.

        Raises:
            ValueError: The batch lacks scenes, calibrated cameras, copies or their pictures, or
                there are no 2D joints to be had.
        """
        prediction, batch = flat(prediction, 4), flat(batch, 3)
        copied_px, has = joints_of_copies(prediction, batch)
        views, mirror = Views.of(batch, has), list(prediction.skeleton.mirror_index)
        exchanged = views.exchanged(copied_px, prediction.skeleton)
        named_px = torch.where(exchanged[..., None], copied_px[..., mirror, :], copied_px)
        joints_cam, known = views.triangulated(named_px)
        assert batch.intrinsics is not None
        labels_px = project(joints_cam, batch.intrinsics[:, None], views.lens)
        # What lies behind a camera has no picture there.
        known = known & (joints_cam[..., 2] > MIN_DEPTH_M)
        points_px, shown = at_pictures(keypoints_px(prediction, batch), batch)
        known = known & shown[..., None]
        away = (points_px.mean(1) - labels_px).norm(dim=-1) / batch.image_size_px[:, None, None, 0]
        said, _ = at_pictures(prediction.joints_cam, batch)
        depth = depth_loss(said, joints_cam, known, prediction.skeleton.root)
        return self.config.points * masked_mean(away, known) + self.config.depth * depth


def joints_of_copies(
    prediction: Prediction, batch: PoseBatch
) -> tuple[Float[Tensor, "b i j 2"], Bool[Tensor, "b"]]:
    """Of plain examples, where the joints of their copy lie in their pictures.

    Returns:
        Pixels, any where there is no copy; and whether there is one.

    Raises:
        ValueError: The batch names no pictures or warps, or there are no 2D joints to be had.
    """
    if batch.picture is None or batch.warp is None:
        raise ValueError("view_labels need PoseBatch.picture and warp; the batch lacks one")
    reach, plain = crop_reach(batch), plain_pictures(batch)
    assert batch.crops_px is not None
    points_px, _ = at_pictures(keypoints_px(prediction, batch).detach(), batch)
    points = unwarp(to_crop(points_px.mean(1), batch.crops_px, reach), batch.warp)
    same = (batch.picture[:, None] == batch.picture) & plain[:, None] & ~plain
    copy = same.int().argmax(1)
    return from_crop(points[copy], batch.crops_px, reach), same.any(1)
