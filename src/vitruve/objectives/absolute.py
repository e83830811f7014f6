"""Error of where a pose stands in front of the camera.

MeTRAbs' third loss (Sarandi et al., T-BIOM 2021, https://arxiv.org/abs/2007.07227). Depth is known
by size alone, so that its error grows with distance: beyond ten metres it counts in proportion.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective, labels, masked_mean
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class AbsoluteConfig:
    """Settings of the absolute error."""

    far_m: float = 10.0
    """Depth from which on an error in depth counts for less."""

    def __post_init__(self) -> None:
        """Refuse a depth behind the camera.

        Raises:
            ValueError: ``far_m`` is not positive.
        """
        if self.far_m <= 0:
            raise ValueError(f"far_m must be above 0, got {self.far_m}")


class AbsoluteObjective(Objective):
    """Mean over labelled joints of |x|, |y| and |z| of the error, metres."""

    def __init__(self, config: AbsoluteConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean error.

        Raises:
            ValueError: No 3D labels, another skeleton, or an estimator that does not place.
        """
        if prediction.root_cam is None:
            raise ValueError("the absolute objective needs an estimator that says root_cam")
        target, valid = labels(prediction, batch)
        error = (prediction.joints_cam + prediction.root_cam.unsqueeze(-2) - target).abs()
        near = self.config.far_m / target[..., 2].clamp(min=self.config.far_m)
        total = (error[..., 0] + error[..., 1] + error[..., 2] * near) / 3
        return masked_mean(total, valid.expand(total.shape))
