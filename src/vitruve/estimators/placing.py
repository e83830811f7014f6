"""Where a lifted pose stands before the camera, by the keypoints it was lifted from.

Axes: *b examples, h hypotheses, t frames, k keypoints, j joints.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.geometry.placement import place_root
from vitruve.geometry.projection import normalise_points
from vitruve.poses import PoseBatch
from vitruve.skeletons import Skeleton, places_of


def keypoint_joints(keypoints: Skeleton, joints: Skeleton) -> tuple[int, ...]:
    """For each keypoint, which joint of a skeleton it is; one of many formats may hold it.

    Raises:
        ValueError: A keypoint is none of its joints.
    """
    found = places_of(keypoints, joints)
    if None in found:
        raise ValueError(
            f"a lifter places its pose by its keypoints, but {joints.name!r} has no joint "
            f"{keypoints.names[found.index(None)]!r} of {keypoints.name!r}"
        )
    return tuple(j for j in found if j is not None)


def place_by_keypoints(
    joints_rel: Float[Tensor, "*b h t j 3"], which: tuple[int, ...], batch: PoseBatch
) -> Float[Tensor, "*b h t 3"]:
    """The root in the camera frame, metres; differentiable.

    Args:
        joints_rel: Relative to the root, camera axes, metres.
        which: Joint of each keypoint, as `keypoint_joints` says.
        batch: With intrinsics; a shorter answer covers its central frames.
    """
    assert batch.intrinsics is not None
    total, shape = batch.keypoints_px.shape[-3], joints_rel.shape[:-2]
    start = (total - shape[-1]) // 2
    frames = slice(start, start + shape[-1])
    lens = None if batch.distortion is None else batch.distortion[..., None, :]
    image = normalise_points(batch.keypoints_px, batch.intrinsics[..., None, :, :], lens)
    weights = (batch.confidence * batch.keypoints_valid)[..., frames, :]
    weights = weights.unsqueeze(-3).expand(*shape, -1)
    image = image[..., frames, :, :].unsqueeze(-4).expand(*shape, -1, 2)
    eye = torch.eye(3, dtype=image.dtype, device=image.device)
    return place_root(joints_rel[..., list(which), :], image, eye, weights)
