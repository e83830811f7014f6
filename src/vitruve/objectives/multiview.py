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
from vitruve.poses import PoseBatch, Prediction

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
    views meet on average, joints that do not know yet where to go would all end in the middle."""


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
        joints_cam, known = _triangulated(points_px, batch)
        lens = None if batch.distortion is None else batch.distortion[:, None]
        assert batch.intrinsics is not None
        seen_px = project(joints_cam, batch.intrinsics[:, None], lens)
        # What lies behind a camera has no picture there.
        known = known & (joints_cam[..., 2] > MIN_DEPTH_M)
        total = points_px.new_zeros(())
        if self.mask is not None:
            agreed = torch.where(known[..., None], seen_px, points_px)
            total = self.mask.loss(replace(prediction, keypoints_px=agreed.unsqueeze(1)), batch)
        if self.config.reprojection:
            away = (seen_px - points_px).norm(dim=-1) / batch.image_size_px[:, None, None, 0]
            total = total + self.config.reprojection * masked_mean(away, known)
        if self.config.depth:
            total = total + self.config.depth * _depth(prediction, joints_cam.detach(), known)
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


def _triangulated(
    points_px: Float[Tensor, "b t j 2"], batch: PoseBatch
) -> tuple[Float[Tensor, "b t j 3"], Bool[Tensor, "b t j"]]:
    """Joints of each example's scene in its camera's axes, and which of them two views know."""
    for name in ("scene", "T_world_cam", "intrinsics"):
        if getattr(batch, name) is None:
            raise ValueError(f"several views need PoseBatch.{name}; the batch has none")
    assert batch.scene is not None
    assert batch.T_world_cam is not None
    assert batch.intrinsics is not None
    straight = points_px
    if batch.distortion is not None:
        straight = undistort_px(points_px, batch.intrinsics[:, None], batch.distortion[:, None])
    rotation, place = batch.T_world_cam[:, :3, :3], batch.T_world_cam[:, :3, 3:]
    turned = torch.cat([rotation.mT, -rotation.mT @ place], dim=-1)
    projections = batch.intrinsics @ turned
    joints = points_px.new_zeros(*points_px.shape[:-1], 3)
    known = torch.zeros_like(points_px[..., 0], dtype=torch.bool)
    plain = _plain(batch)
    for scene in batch.scene[plain].unique():
        views = ((batch.scene == scene) & plain).nonzero()[:, 0]
        if len(views) < 2:
            continue
        world, valid = triangulate(straight[views], projections[views])
        seen = torch.einsum("vac,tjc->vtja", turned[views, :, :3], world)
        joints = joints.index_put((views,), seen + turned[views, None, None, :, 3])
        known = known.index_put((views,), valid.expand(len(views), *valid.shape))
    return joints, known


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
