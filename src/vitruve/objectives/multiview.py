"""Several cameras at once: joints that the views agree on, drawn in each of them.

Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, Eq. (10): the 2D joints
of all views are triangulated and projected back, and it is those that must fill the masks. A net
that takes left for right in one view then fills none. The views are examples of the batch of one
``PoseBatch.scene``. The triangulated joints also teach depth, where that is asked for.

Axes: b examples, v views, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass, field, replace
from typing import TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.projection import MIN_DEPTH_M, project, undistort_px
from vitruve.geometry.triangulation import triangulate
from vitruve.objectives.base import Objective, masked_mean
from vitruve.objectives.mask import MaskConfig, MaskObjective
from vitruve.objectives.pictured import keypoints_px
from vitruve.objectives.view_sides import exchanged_sides
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

R = TypeVar("R", PoseBatch, Prediction)
MAX_WARP = 1e-6
"""Entries of a warp that is none."""


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
        prediction, batch = _flat(prediction, 4), _flat(batch, 3)
        points_px = keypoints_px(prediction, batch).mean(1)
        views = _Views.of(batch)
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
            total = total + self.config.depth * _depth(prediction, meant.detach(), seen)
        if self.config.sides:
            away = (points_px - seen_px.detach()).norm(dim=-1) / width_px
            total = total + self.config.sides * masked_mean(away, known)
        return total


def _depth(
    prediction: Prediction,
    joints_cam: Float[Tensor, "b t j 3"],
    known: Bool[Tensor, "b t j"],
) -> Float[Tensor, ""]:
    """Mean difference of depths relative to the root's."""
    root = prediction.skeleton.root
    relative = (joints_cam - joints_cam[..., root : root + 1, :])[..., 2]
    away = (prediction.joints_cam[..., 2] - relative.unsqueeze(1)).abs()
    known = known & known[..., root : root + 1]
    return masked_mean(away, known.unsqueeze(1).expand_as(away))


@dataclass(frozen=True)
class _Views:
    """The cameras of a batch, and which of its examples show the same moments."""

    world_to_cam: Float[Tensor, "b 3 4"]
    intrinsics: Float[Tensor, "b 3 3"]
    lens: Float[Tensor, "b 1 terms"] | None
    groups: tuple[Tensor, ...]
    """Numbers of examples of one scene, two or more, as their cameras took them."""

    @classmethod
    def of(cls, batch: PoseBatch) -> "_Views":
        for name in ("scene", "T_world_cam", "intrinsics"):
            if getattr(batch, name) is None:
                raise ValueError(f"several views need PoseBatch.{name}; the batch has none")
        assert batch.scene is not None
        assert batch.T_world_cam is not None
        assert batch.intrinsics is not None
        rotation, place = batch.T_world_cam[:, :3, :3], batch.T_world_cam[:, :3, 3:]
        plain = _plain(batch)
        scenes = batch.scene[plain].unique()
        groups = [((batch.scene == scene) & plain).nonzero()[:, 0] for scene in scenes]
        return cls(
            torch.cat([rotation.mT, -rotation.mT @ place], dim=-1),
            batch.intrinsics,
            None if batch.distortion is None else batch.distortion[:, None],
            tuple(group for group in groups if len(group) > 1),
        )

    def exchanged(
        self, points_px: Float[Tensor, "b t j 2"], skeleton: Skeleton
    ) -> Bool[Tensor, "b t j"]:
        """Joints that should bear the name of the other side."""
        straight, found = self._straight(points_px), torch.zeros_like(points_px[..., 0]).bool()
        for group in self.groups:
            found[group] = exchanged_sides(straight[group], self._projections(group), skeleton)
        return found

    def triangulated(
        self, points_px: Float[Tensor, "b t j 2"]
    ) -> tuple[Float[Tensor, "b t j 3"], Bool[Tensor, "b t j"]]:
        """Joints of each example's scene in its camera's axes, and which two views know."""
        straight = self._straight(points_px)
        joints = points_px.new_zeros(*points_px.shape[:-1], 3)
        known = torch.zeros_like(points_px[..., 0], dtype=torch.bool)
        for group in self.groups:
            world, valid = triangulate(straight[group], self._projections(group))
            turn, shift = self.world_to_cam[group].split([3, 1], dim=-1)
            seen = torch.einsum("vac,tjc->vtja", turn, world) + shift[:, None, None, :, 0]
            joints = joints.index_put((group,), seen)
            known = known.index_put((group,), valid.expand(len(group), *valid.shape))
        return joints, known

    def _projections(self, group: Tensor) -> Float[Tensor, "v 3 4"]:
        return self.intrinsics[group] @ self.world_to_cam[group]

    def _straight(self, points_px: Float[Tensor, "b t j 2"]) -> Float[Tensor, "b t j 2"]:
        if self.lens is None:
            return points_px
        return undistort_px(points_px, self.intrinsics[:, None], self.lens)


def _plain(batch: PoseBatch) -> Bool[Tensor, "b"]:
    """Examples that show a picture as its camera took it."""
    if batch.warp is None:
        assert batch.scene is not None
        return torch.ones_like(batch.scene, dtype=torch.bool)
    none = torch.eye(2, 3, dtype=batch.warp.dtype, device=batch.warp.device)
    return ((batch.warp - none).abs() < MAX_WARP).all(-1).all(-1)


def _flat(record: R, own_axes: int) -> R:
    """With a single axis of examples before ``own_axes`` of its joints."""
    joints = record.joints_cam if isinstance(record, Prediction) else record.keypoints_px
    leading = joints.ndim - own_axes
    return record.map(lambda x: x.reshape(-1, *x.shape[leading:]))
