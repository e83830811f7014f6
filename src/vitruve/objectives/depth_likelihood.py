"""Depths that could be, as probable as they are: the likelihood of a joint's depth.

Ours, for detectors that read several hypotheses out of the depth axis of their heat (Yang et al.,
"X as Supervision", 2024, https://arxiv.org/abs/2411.13026). Its loss scores the mean depth around a
peak, which says how a peak is shaped but hardly where it is, and nothing of how high it should be.
Under the likelihood, peaks stand where depths are and are as high as those are frequent.

Axes: *b samples, t frames, j joints, d cells.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective, labels, masked_mean
from vitruve.objectives.position import root_relative
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class DepthLikelihoodConfig:
    """Settings of the likelihood."""

    spread_m: float = 0.06
    """Standard deviation of the Gaussian that the true depth is made, over the cells, metres."""


class DepthLikelihoodObjective(Objective):
    """Cross-entropy of the cells and the true depth, relative to the root."""

    def __init__(self, config: DepthLikelihoodConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean over labelled joints, nats.

        Raises:
            ValueError: No 3D labels, another skeleton, or an estimator that says no depth cells.
        """
        if prediction.depth_cells is None:
            raise ValueError(
                "the depth likelihood needs an estimator that says depth_cells in training, such "
                "as heatmap_detector"
            )
        depth_m, log_probability = prediction.depth_cells.unbind(-1)
        target, valid = labels(prediction, batch, depth_m.shape[-3])
        target, valid = root_relative(target, valid, prediction.skeleton)
        away = (depth_m - target.squeeze(-4)[..., 2:]) / self.config.spread_m
        wanted = (-away.square() / 2).softmax(-1)
        return masked_mean(-(wanted * log_probability).sum(-1), valid.squeeze(-3))
