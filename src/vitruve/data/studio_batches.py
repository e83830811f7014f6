"""Studio's pictures as batches: one frame each, moments of all cameras together.

Axes: b pictures, j joints, y x pixels.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.studio import CAMERAS
from vitruve.data.studio_reader import Studio, StudioPicture
from vitruve.poses import PoseBatch


def studio_batch(studio: Studio, numbers: Sequence[int]) -> PoseBatch:
    """Pictures by their numbers, with all that is known about them.

    A picture of Studio is a crop already: pixels of the picture are those of the crop. Pictures of
    one moment have one ``scene``. ``scale_m_per_px`` is true at the root's depth, which nobody
    knows who has only the picture.

    Raises:
        IndexError: There are fewer pictures.
        FileError: A shard is damaged.
    """
    pictures = StudioPicture.collate([studio[n] for n in numbers])
    b, _, height, width = pictures.image.shape
    size_px = torch.tensor([float(width), float(height)])
    joints = pictures.joints_cam.float().unsqueeze(1)
    seen = pictures.valid.unsqueeze(1)
    at = torch.tensor(list(numbers))
    return PoseBatch(
        keypoint_skeleton=studio.skeleton,
        keypoints_px=pictures.keypoints_px.float().unsqueeze(1),
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=size_px.expand(b, 2),
        intrinsics=pictures.intrinsics.float(),
        images=pictures.image.unsqueeze(1),
        crops_px=torch.cat([torch.zeros(2), size_px]).expand(b, 1, 4),
        masks=pictures.mask.float().unsqueeze(1),
        picture=at,
        warp=torch.eye(2, 3).repeat(b, 1, 1),
        scene=at // CAMERAS,
        T_world_cam=pictures.T_world_cam.float(),
        skeleton=studio.skeleton,
        joints_cam=joints,
        valid=seen,
        scale_m_per_px=_scale(joints[:, :, studio.skeleton.root], pictures.intrinsics.float()),
    )


def _scale(
    root_cam: Float[Tensor, "b t 3"], intrinsics: Float[Tensor, "b 3 3"]
) -> Float[Tensor, "b t"]:
    return root_cam[..., 2] / intrinsics[:, None, 0, 0]
