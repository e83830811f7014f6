"""Several cameras at once: joints that the views agree on, drawn in each of them.

Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, Eq. (10): the 2D joints
of all views are triangulated and projected back, and it is those that must fill the masks. A net
that takes left for right in one view then fills none. The views are examples of the batch of one
``PoseBatch.scene``. The triangulated joints also teach depth, where that is asked for.

Axes: b examples, v views, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.geometry.projection import MIN_DEPTH_M, project
from vitruve.objectives.base import Objective, masked_mean
from vitruve.objectives.mask import MaskConfig, MaskObjective
from vitruve.objectives.pictured import keypoints_px
from vitruve.objectives.views import Views, depth_loss, flat
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class MultiviewConfig:
    """Settings of the agreement of views."""

    mask: MaskConfig | None = field(default_factory=MaskConfig)
    """How the joints that were projected back are compared with masks; None leaves that out."""
    reprojection: float = 0.0
    """Factor of the distance of the 2D joints from those projected back, over the image width."""
    depth: float = 0.0
    """Factor of how far off the predicted depths are from the triangulated ones, metres. The latter
    are taken as they are and get no gradient, and x and y are left to the masks: drawn to where the
    views meet on average, joints that do not know yet where to go would all end in the middle. A
    joint has the depth of the limb that it lies on, whatever the side that limb turns out to be."""
    sides: float | None = None
    """Factor of the distance of joints from where the triangulated ones of their name are seen,
    over the image width, the latter taken as they are. Which views take left for right is solved
    for first (`objectives.view_sides`) and names all that is compared. None believes every view."""


class MultiviewObjective(Objective):
    """Losses of triangulated joints; its physique net, if any, learns on them too."""

    def __init__(self, config: MultiviewConfig) -> None:
        super().__init__()
        self.config = config
        self.mask = None if config.mask is None else MaskObjective(config.mask)

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Weighted sum.

        Examples whose joints cannot be triangulated count with the joints they have in masks, and
        not at all in the rest: alone in their scene, warped copies, or views along one line.

        Raises:
            ValueError: The batch lacks scenes or calibrated cameras, or what masks need.
        """
        prediction, batch = flat(prediction, 4), flat(batch, 3)
        points_px = keypoints_px(prediction, batch).mean(1)
        views = Views.of(batch)
        exchanged = torch.zeros_like(points_px[..., 0], dtype=torch.bool)
        if self.config.sides is not None:
            exchanged = views.exchanged(points_px.detach(), prediction.skeleton)
        mirror = list(prediction.skeleton.mirror_index)
        named_px = torch.where(exchanged[..., None], points_px[..., mirror, :], points_px)
        joints_cam, known = views.triangulated(named_px)
        assert batch.intrinsics is not None
        seen_px = project(joints_cam, batch.intrinsics[:, None], views.lens)
        # What lies behind a camera has no picture there.
        known = known & (joints_cam[..., 2] > MIN_DEPTH_M)
        width_px = batch.image_size_px[:, None, None, 0]
        total = points_px.new_zeros(())
        if self.mask is not None:
            agreed = torch.where(known[..., None], seen_px, named_px)
            total = self.mask.loss(replace(prediction, keypoints_px=agreed.unsqueeze(1)), batch)
        if self.config.reprojection:
            away = (seen_px - named_px).norm(dim=-1) / width_px
            total = total + self.config.reprojection * masked_mean(away, known)
        if self.config.depth:
            meant = torch.where(exchanged[..., None], joints_cam[..., mirror, :], joints_cam)
            seen = torch.where(exchanged, known[..., mirror], known)
            root, said = prediction.skeleton.root, prediction.joints_cam
            total = total + self.config.depth * depth_loss(said, meant.detach(), seen, root)
        if self.config.sides:
            away = (points_px - seen_px.detach()).norm(dim=-1) / width_px
            total = total + self.config.sides * masked_mean(away, known)
        return total
