"""What the 2D of a batch says about the joints of a skeleton, as loss-nets read it.

Axes: *b any leading axes, t frames, j joints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.geometry.placement import place_root
from vitruve.geometry.projection import normalise_points
from vitruve.poses import PoseBatch, TensorRecord
from vitruve.skeletons import Skeleton, conversion

_NO_EVIDENCE = 1e-6
"""Weight of joints in a pose of which fewer than two are seen, so that it can be solved."""


@dataclass(frozen=True, eq=False)
class PoseEvidence(TensorRecord):
    """Where each joint is seen; zeros where it is not."""

    screen: Float[Tensor, "*b j 2"]
    """Image width to [-1, 1], aspect ratio kept."""
    rays: Float[Tensor, "*b j 2"]
    """Undistorted points on the image plane at distance 1: x / z and y / z."""
    weights: Float[Tensor, "*b j"]
    """1 where the joint is seen and the camera known, otherwise 0."""

    def of_each(self, joints: Float[Tensor, "*b h t j 3"]) -> "PoseEvidence":
        """The evidence of every hypothesis and frame of an answer to the whole of this.

        An answer that is shorter covers the central frames.
        """
        h, t = joints.shape[-4:-2]
        cut = (self.weights.shape[-2] - t) // 2

        def of_answer(x: Tensor) -> Tensor:
            shape = (*x.shape[:-3], h, t, *x.shape[-2:])
            return x[..., cut : cut + t, :, :].unsqueeze(-4).expand(shape)

        weights = of_answer(self.weights.unsqueeze(-1)).squeeze(-1)
        return PoseEvidence(of_answer(self.screen), of_answer(self.rays), weights)

    def flat(self) -> "PoseEvidence":
        """The same with one leading axis."""
        screen, rays = self.screen.flatten(end_dim=-3), self.rays.flatten(end_dim=-3)
        return PoseEvidence(screen, rays, self.weights.flatten(end_dim=-2))


@torch.no_grad()
def evidence_of(batch: PoseBatch, skeleton: Skeleton) -> PoseEvidence:
    """Read a batch's 2D as that of ``skeleton``'s joints.

    Joints that its keypoints do not show are not seen; without intrinsics there are no rays.
    """
    points, valid = batch.keypoints_px, batch.keypoints_valid
    if batch.keypoint_skeleton.names != skeleton.names:
        points, valid = conversion(batch.keypoint_skeleton, skeleton).apply(points, valid)
    size = batch.image_size_px[..., None, None, :]
    # Where a joint is not seen there may be anything, which a lens takes long to undo.
    points = points.where(valid[..., None], size / 2)
    screen = (2 * points - size) / size[..., :1]
    rays, known = torch.zeros_like(screen), torch.zeros_like(valid)
    if batch.intrinsics is not None:
        lens = None if batch.distortion is None else batch.distortion[..., None, :]
        rays = normalise_points(points, batch.intrinsics[..., None, :, :], lens).to(screen.dtype)
        known = valid & rays.isfinite().all(-1)
    return PoseEvidence(
        screen,
        rays.where(known[..., None], 0.0),
        known.to(screen.dtype),
    )


def off_ray(joints: Float[Tensor, "*b j 3"], evidence: PoseEvidence) -> Float[Tensor, "*b j 2"]:
    """How far joints lie from the rays they are seen on, metres in x and y at their own depth.

    The pose is placed where it lies best (``geometry.place_root``); 0 where a joint is not seen.
    """
    identity = torch.eye(3, dtype=joints.dtype, device=joints.device)
    enough = (evidence.weights > 0).sum(-1, keepdim=True) >= 2
    weights = evidence.weights.where(enough, _NO_EVIDENCE)
    root = place_root(joints, evidence.rays, identity, weights)
    placed = joints + root.unsqueeze(-2)
    missed = placed[..., :2] - evidence.rays * placed[..., 2:]
    return missed * (evidence.weights * enough).unsqueeze(-1)
