"""Joints that lie between others, such as those of a trunk: how far along.

Ours. A drawn body fills a mask as well with a pelvis in the thighs or shoulders in the neck; what
holds them are a body's proportions, which look alike from everywhere while the trunk is straight.

Axes: n pictures, h hypotheses, j joints, m joints between others.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.anchors import named_points
from vitruve.objectives.base import Objective, masked_mean
from vitruve.objectives.pictured import picture_points
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class ProportionsConfig:
    """Settings of the proportions."""

    joints: tuple[tuple[str, str, str, float], ...] = (
        ("spine", "pelvis", "mid_shoulder", 0.52),
        ("mid_shoulder", "spine", "thorax", 0.8),
        ("thorax", "mid_shoulder", "neck_base_or_nose", 0.26),
        ("neck_base_or_nose", "thorax", "head_top", 0.51),
    )
    """Joint, the two it lies between, and its share of the way; those of our body at rest."""


class ProportionsObjective(Objective):
    """Squared distance of the joints from where they should lie, in crop coordinates."""

    def __init__(self, config: ProportionsConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean over pictures, hypotheses and those joints.

        Raises:
            ValueError: The skeleton lacks a joint, or there are no 2D joints to be had.
        """
        points, shown = picture_points(prediction, batch)
        *named, shares = zip(*self.config.joints, strict=True)
        middle, start, end = named_points(points, prediction.skeleton, *named)
        share = points.new_tensor(shares).unsqueeze(-1)
        away = (middle - start - share * (end - start)).square().sum(-1)
        return masked_mean(away.mean((-2, -1)), shown)
