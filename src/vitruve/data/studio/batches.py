"""Studio's pictures as batches: one frame each, moments of all cameras together.

Axes: b pictures, t frames, which is one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, Protocol, assert_never, runtime_checkable

import torch
from torch import Tensor

from vitruve.data.studio.reader import StudioPicture
from vitruve.poses import PoseBatch
from vitruve.skeletons import Skeleton

_OF_FRAMES = (
    "keypoints_px",
    "keypoints_valid",
    "confidence",
    "images",
    "crops_px",
    "masks",
    "joints_cam",
    "valid",
    "scale_m_per_px",
)
Told = Literal["none", "keypoints", "joints"]
"""What is told of people: pictures, masks and cameras alone; 2D joints too; or 3D joints too."""


@runtime_checkable
class Pictures(Protocol):
    """Pictures by their numbers: of a folder, or of several."""

    @property
    def skeleton(self) -> Skeleton:
        """Whose joints are known."""
        ...

    def __getitem__(self, number: int) -> StudioPicture:
        """One picture."""
        ...

    def moment_of(self, number: int) -> int:
        """Number of the moment that a picture shows."""
        ...


def studio_batch(studio: Pictures, numbers: Sequence[int]) -> PoseBatch:
    """Pictures by their numbers, with all that is known about them.

    A picture of Studio is a crop already: pixels of the picture are those of the crop. Pictures of
    one moment have one ``scene``. ``scale_m_per_px`` is true at the root's depth, which nobody
    knows who has only the picture.

    Raises:
        IndexError: There are fewer pictures.
        FileError: A shard is damaged.
    """
    pictures = [studio[n] for n in numbers]

    def stacked(name: str) -> Tensor:
        return torch.stack([getattr(picture, name) for picture in pictures])

    images, masks, seen = (stacked(name) for name in ("image", "mask", "valid"))
    joints, intrinsics = stacked("joints_cam").float(), stacked("intrinsics").float()
    size_px = torch.tensor([float(images.shape[-1]), float(images.shape[-2])])
    at, seen = torch.tensor(list(numbers)), seen.unsqueeze(1)
    depth = joints[:, studio.skeleton.root, 2:]
    return PoseBatch(
        keypoint_skeleton=studio.skeleton,
        keypoints_px=stacked("keypoints_px").float().unsqueeze(1),
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=size_px.expand(len(at), 2),
        intrinsics=intrinsics,
        images=images.unsqueeze(1),
        crops_px=torch.cat([torch.zeros(2), size_px]).expand(len(at), 1, 4),
        masks=masks.float().unsqueeze(1),
        picture=at,
        warp=torch.eye(2, 3).repeat(len(at), 1, 1),
        scene=torch.tensor([studio.moment_of(n) for n in numbers]),
        T_world_cam=stacked("T_world_cam").float(),
        skeleton=studio.skeleton,
        joints_cam=joints.unsqueeze(1),
        valid=seen,
        scale_m_per_px=depth / intrinsics[:, 0, :1],
    )


def over_time(times: Sequence[PoseBatch]) -> PoseBatch:
    """Batches of the same cameras, one for each frame, as one whose examples have these frames.

    Later pictures are told in pixels of the first one's crop: both are crops of what one camera
    took, so that intrinsics and place are the first one's.
    """
    first = times[0]
    if len(times) == 1:
        return first
    assert first.intrinsics is not None
    moved = []
    for later in times:
        assert later.intrinsics is not None
        assert later.crops_px is not None
        factor = first.intrinsics[:, :1, 0] / later.intrinsics[:, :1, 0]
        corner = first.intrinsics[:, :2, 2] - factor * later.intrinsics[:, :2, 2]

        def to_first(points: Tensor, factor: Tensor = factor, corner: Tensor = corner) -> Tensor:
            return points * factor[:, None, None] + corner[:, None, None]

        edges = to_first(later.crops_px.unflatten(-1, (2, 2))).flatten(-2)
        moved.append(replace(later, crops_px=edges, keypoints_px=to_first(later.keypoints_px)))
    joined = {name: torch.cat([getattr(at, name) for at in moved], 1) for name in _OF_FRAMES}
    return replace(first, **joined)


def told(batch: PoseBatch, labels: Told) -> PoseBatch:
    """The batch without what is not told: unknown, and nothing there to be looked at."""
    if batch.joints_cam is None or batch.valid is None or labels == "joints":
        return batch
    hidden = replace(
        batch,
        joints_cam=torch.zeros_like(batch.joints_cam),
        valid=torch.zeros_like(batch.valid),
        scale_m_per_px=None,
    )
    match labels:
        case "keypoints":
            return hidden
        case "none":
            return replace(
                hidden,
                keypoints_px=torch.zeros_like(batch.keypoints_px),
                keypoints_valid=torch.zeros_like(batch.keypoints_valid),
                confidence=torch.zeros_like(batch.confidence),
            )
        case _:
            assert_never(labels)
