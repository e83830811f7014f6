"""Bodies of which nothing but the outline is shown, and what can be said of them.

Axes: b examples, i pictures of an example, t frames, j joints.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool
from torch import Tensor

from vitruve.geometry.projection import MIN_DEPTH_M
from vitruve.poses import PoseBatch


def silhouettes(batch: PoseBatch, shown: Bool[Tensor, "b"]) -> PoseBatch:
    """Show nothing but the mask, white before black, where ``shown``.

    A rendered body's is like that of anybody, whatever skin, clothes and rooms look like.

    Raises:
        ValueError: It has no pictures or no masks.
    """
    if batch.images is None or batch.masks is None:
        raise ValueError("silhouettes need PoseBatch.images and masks; the batch lacks one")
    flat = batch.masks.unsqueeze(2).expand_as(batch.images)
    return replace(batch, images=torch.where(shown.view(-1, 1, 1, 1, 1), flat, batch.images))


def seen_from_front(batch: PoseBatch, which: Bool[Tensor, "b"]) -> PoseBatch:
    """Labels of ``which`` as of bodies that are seen from the front.

    Two bodies cast one silhouette: one seen from the front, and one from behind, whose sides are
    exchanged and whose depths are mirrored about the root's. Who learns both says their mean, in
    which left and right are one. So the left is, by and large, what is to the right in the picture.
    Depths are mirrored along rays, so that 2D joints stay where they are.

    Raises:
        ValueError: There are no 3D joints, or others than in 2D.
    """
    skeleton, joints, valid = batch.keypoint_skeleton, batch.joints_cam, batch.valid
    if joints is None or valid is None or batch.skeleton != skeleton:
        raise ValueError("silhouettes need the same joints in 2D and 3D; the batch has others")
    left, right, mirror = (list(x) for x in (skeleton.left, skeleton.right, skeleton.mirror_index))
    points, seen = batch.keypoints_px, batch.keypoints_valid
    across = (points[:, :, left, 0] - points[:, :, right, 0]) * (
        seen[:, :, left] & seen[:, :, right]
    )
    behind = (which & (across.sum((1, 2)) < 0)).view(-1, 1, 1)
    depth = joints[..., 2:].clamp(min=MIN_DEPTH_M)
    about_root = joints * (2 * depth[:, :, [skeleton.root]] / depth - 1)
    return replace(
        batch,
        keypoints_px=torch.where(behind[..., None], points[:, :, mirror], points),
        keypoints_valid=torch.where(behind, seen[:, :, mirror], seen),
        confidence=torch.where(behind, batch.confidence[:, :, mirror], batch.confidence),
        joints_cam=torch.where(behind[..., None], about_root[:, :, mirror], joints),
        valid=torch.where(behind, valid[:, :, mirror], valid),
    )
