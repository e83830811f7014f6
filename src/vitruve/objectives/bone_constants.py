"""Bones of given lengths in the picture: a rough first skeleton.

Eq. (12) of Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, whose
lengths are not printed. Ours are an adult's who fills a crop of two metres. It only starts a
training: in the picture bones look shorter the more they point at the camera. As a bound
(``at_most``, ours) it can stay.

Axes: n pictures, h hypotheses, j joints, s bones.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.anchors import named_points
from vitruve.objectives.base import Objective, masked_mean
from vitruve.objectives.pictured import picture_points
from vitruve.poses import PoseBatch, Prediction

EPSILON = 1e-8
"""Under the root of squared lengths: a bone of no length has a gradient."""


@dataclass(frozen=True)
class BoneConstantsConfig:
    """Settings of the bones."""

    bones: tuple[tuple[str, str, float], ...] = (
        ("pelvis", "spine", 0.26),
        ("spine", "mid_shoulder", 0.26),
        ("mid_shoulder", "thorax", 0.08),
        ("thorax", "neck_base_or_nose", 0.15),
        ("neck_base_or_nose", "head_top", 0.12),
    )
    """Both ends and the length, in crop coordinates, where a crop's longer side is 2."""
    at_most: bool = False
    """Only what is longer counts, as pointing at the camera makes no bone longer."""


class BoneConstantsObjective(Objective):
    """Squared error of the lengths, summed over bones."""

    def __init__(self, config: BoneConstantsConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean over pictures and hypotheses.

        Raises:
            ValueError: The skeleton lacks a joint, or there are no 2D joints to be had.
        """
        points, shown = picture_points(prediction, batch)
        starts, ends, lengths = zip(*self.config.bones, strict=True)
        start, end = named_points(points, prediction.skeleton, starts, ends)
        length = torch.sqrt((end - start).square().sum(-1) + EPSILON)
        error = length - length.new_tensor(lengths)
        if self.config.at_most:
            error = error.relu()
        error = error.square().sum(-1)
        return masked_mean(error.mean(-1), shown)
