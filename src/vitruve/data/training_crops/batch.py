"""Training crops of any formats as one batch, labelled in the joints of one skeleton.

Axes: b examples, t frames (one), j joints.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import torch
from torch import Tensor

from vitruve.data.training_crops.augment import TrainingCrop
from vitruve.poses import PoseBatch
from vitruve.skeletons import Skeleton, places_of


def crops_batch(crops: Sequence[TrainingCrop], skeleton: Skeleton) -> PoseBatch:
    """The crops, each labelled where its own format lies in ``skeleton``; nothing else is valid.

    A crop is the whole picture here: pixels are those of the crop, intrinsics its own.

    Args:
        crops: All of one size.
        skeleton: `vitruve.skeletons.merge` of formats, `merge_alike` of them, or one format.

    Raises:
        ValueError: A crop's format is not in the skeleton.
    """
    size_px = torch.tensor([float(crops[0].image.shape[-1]), float(crops[0].image.shape[-2])])
    b, count = len(crops), skeleton.num_joints
    points, joints = torch.zeros(b, 1, count, 2), torch.zeros(b, 1, count, 3)
    seen, valid = (torch.zeros(b, 1, count, dtype=torch.bool) for _ in range(2))
    for row, crop in enumerate(crops):
        places = _places(crop.skeleton, skeleton)
        points[row, 0, places] = crop.keypoints_px
        seen[row, 0, places] = crop.seen
        valid[row, 0, places] = crop.valid
        if crop.joints_cam is not None:
            joints[row, 0, places] = crop.joints_cam
    return PoseBatch(
        keypoint_skeleton=skeleton,
        keypoints_px=points,
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=size_px.expand(b, 2),
        intrinsics=torch.stack([crop.intrinsics for crop in crops]),
        images=torch.stack([crop.image for crop in crops]).unsqueeze(1),
        crops_px=torch.cat([torch.zeros(2), size_px]).expand(b, 1, 4),
        masks=_masks(crops),
        skeleton=skeleton,
        joints_cam=joints,
        valid=valid,
    )


def pictures_alone(batch: PoseBatch, keypoints: Skeleton) -> PoseBatch:
    """The batch as somebody is shown it who has only pictures and their cameras.

    Args:
        batch: With pictures.
        keypoints: The 2D joints, none of them seen, that the batch is said to have.
    """
    shape = (*batch.keypoints_px.shape[:2], keypoints.num_joints)
    return replace(
        batch,
        keypoint_skeleton=keypoints,
        keypoints_px=torch.zeros(*shape, 2),
        keypoints_valid=torch.zeros(shape, dtype=torch.bool),
        confidence=torch.zeros(shape),
        masks=None,
        skeleton=None,
        joints_cam=None,
        valid=None,
    )


def _masks(crops: Sequence[TrainingCrop]) -> Tensor | None:
    """One for each, or none at all: who lacks one would be said to be nowhere."""
    masks = [crop.mask for crop in crops if crop.mask is not None]
    return torch.stack(masks).float().unsqueeze(1) if len(masks) == len(crops) else None


@lru_cache(maxsize=64)
def _places(one: Skeleton, whole: Skeleton) -> list[int]:
    if one.names == whole.names:
        return list(range(one.num_joints))
    places = places_of(one, whole)
    absent = next((n for n, p in zip(one.names, places, strict=True) if p is None), None)
    if absent is not None:
        raise ValueError(
            f"{whole.name!r} has no joint {absent!r} of {one.name!r}; merge {one.name} into it"
        )
    return [p for p in places if p is not None]
