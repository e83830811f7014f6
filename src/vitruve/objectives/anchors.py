"""A start for joints that nothing else tells apart: the trunk is where the mask has its middle.

First stage of Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, appendix
A.3: for some hundred steps the pelvis is drawn to the mask's centroid and the thorax to a point at
a fixed distance from it; how far is not said, and is ours.

Axes: n pictures, h hypotheses, j joints, a anchors, y x pixels.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.nets.skeleton_mask import pixel_grid
from vitruve.objectives.base import Objective, masked_mean
from vitruve.objectives.pictured import picture_masks, picture_points
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True)
class AnchorsConfig:
    """Settings of the anchors."""

    joints: tuple[tuple[str, float, float], ...] = (
        ("pelvis", 0.0, 0.0),
        ("mid_shoulder", 0.0, -0.45),
    )
    """Joint, and where it is drawn to: x to the right and y down from the mask's centroid, in crop
    coordinates, where a crop's longer side is 2."""


class AnchorsObjective(Objective):
    """Squared distance of named joints from points of the mask."""

    def __init__(self, config: AnchorsConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean over pictures with somebody in them.

        Raises:
            ValueError: The skeleton lacks a joint, the batch has no masks, or there are no 2D
                joints to be had.
        """
        points, shown = picture_points(prediction, batch)
        masks = picture_masks(batch)
        grid = pixel_grid(masks.shape[-2], masks.shape[-1], like=masks)
        area = masks.sum((-2, -1))
        centre = torch.einsum("nyx,yxc->nc", masks, grid) / area.clamp(min=1e-6)[:, None]
        names, offsets = zip(*((a, (x, y)) for a, x, y in self.config.joints), strict=True)
        wanted = centre[:, None, None] + centre.new_tensor(offsets)
        (found,) = named_points(points, prediction.skeleton, names)
        away = (found - wanted).square().sum(-1)
        return masked_mean(away.mean((-2, -1)), shown & (area > 0))


def named_points(
    points: Float[Tensor, "n h j 2"], skeleton: Skeleton, *columns: tuple[str, ...]
) -> tuple[Float[Tensor, "n h _ 2"], ...]:
    """2D joints by their names, one tensor for each column of names.

    Raises:
        ValueError: The skeleton lacks one.
    """
    return tuple(
        points[:, :, joint_numbers(skeleton.name, skeleton.names, names)] for names in columns
    )


def joint_numbers(skeleton: str, names: tuple[str, ...], wanted: tuple[str, ...]) -> list[int]:
    """Numbers of named joints.

    Raises:
        ValueError: The skeleton lacks one.
    """
    if lacking := [name for name in wanted if name not in names]:
        raise ValueError(
            f"skeleton {skeleton!r} has no joint {lacking[0]!r}; name some of {', '.join(names)}"
        )
    return [names.index(name) for name in wanted]
