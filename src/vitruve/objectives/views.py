"""The cameras of a batch: which of its examples show one moment, and what these see together.

Axes: b examples, v views, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass
from typing import TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.projection import undistort_px
from vitruve.geometry.triangulation import triangulate
from vitruve.objectives.base import masked_mean
from vitruve.objectives.pictured import is_plain
from vitruve.objectives.view_sides import exchanged_sides
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton

R = TypeVar("R", PoseBatch, Prediction)


@dataclass(frozen=True)
class Views:
    """The cameras of a batch, and which of its examples show the same moments."""

    world_to_cam: Float[Tensor, "b 3 4"]
    intrinsics: Float[Tensor, "b 3 3"]
    lens: Float[Tensor, "b 1 terms"] | None
    groups: tuple[Tensor, ...]
    """Numbers of examples of one scene, two or more, as their cameras took them."""

    @classmethod
    def of(cls, batch: PoseBatch, among: Bool[Tensor, "b"] | None = None) -> "Views":
        """Of the plain pictures of a batch, or of some of them.

        Raises:
            ValueError: The batch lacks scenes or calibrated cameras.
        """
        for name in ("scene", "T_world_cam", "intrinsics"):
            if getattr(batch, name) is None:
                raise ValueError(f"several views need PoseBatch.{name}; the batch has none")
        assert batch.scene is not None
        assert batch.T_world_cam is not None
        assert batch.intrinsics is not None
        rotation, place = batch.T_world_cam[:, :3, :3], batch.T_world_cam[:, :3, 3:]
        plain = plain_pictures(batch)
        if among is not None:
            plain = plain & among
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


def plain_pictures(batch: PoseBatch) -> Bool[Tensor, "b"]:
    """Examples that show a picture as its camera took it."""
    if batch.warp is None:
        assert batch.scene is not None
        return torch.ones_like(batch.scene, dtype=torch.bool)
    return is_plain(batch.warp)


def depth_loss(
    said: Float[Tensor, "b h t j 3"],
    joints_cam: Float[Tensor, "b t j 3"],
    known: Bool[Tensor, "b t j"],
    root: int,
) -> Float[Tensor, ""]:
    """Mean difference of depths behind the root, metres."""
    depth, wanted = (x[..., 2] - x[..., [root], 2] for x in (said, joints_cam))
    away = (depth - wanted.unsqueeze(1)).abs()
    known = known & known[..., [root]]
    return masked_mean(away, known.unsqueeze(1).expand_as(away))


def flat(record: R, own_axes: int) -> R:
    """With a single axis of examples before ``own_axes`` of its joints."""
    joints = record.joints_cam if isinstance(record, Prediction) else record.keypoints_px
    leading = joints.ndim - own_axes
    return record.map(lambda x: x.reshape(-1, *x.shape[leading:]))
