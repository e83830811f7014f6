"""Where a placed pose lands in the picture, against where its labels do.

MeTRAbs' second loss (Sarandi et al., T-BIOM 2021, https://arxiv.org/abs/2007.07227). Pixels count
as metres of the box that the picture spans, so that its sum with ``mean_relative`` has one unit. A
joint counts while the prediction is in the picture and the label not far outside of it.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective, labels, masked_mean
from vitruve.poses import PoseBatch, Prediction

MIN_DEPTH_M = 0.3
"""Labels nearer than this have no sound projection."""


@dataclass(frozen=True)
class ProjectionConfig:
    """Settings of the error in the picture."""

    box_m: float = 2.2
    """Metres that the width of the picture stands for."""
    margin: float = 2.5
    """Labels may lie this many picture widths outside of it."""

    def __post_init__(self) -> None:
        """Refuse a picture without size.

        Raises:
            ValueError: ``box_m`` is not positive or ``margin`` is negative.
        """
        if self.box_m <= 0 or self.margin < 0:
            raise ValueError(
                f"box_m must be above 0 and margin 0 or more, got {self.box_m}, {self.margin}"
            )


class ProjectionObjective(Objective):
    """Mean over joints in view of |x| and |y| of the error, metres of the box."""

    def __init__(self, config: ProjectionConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean error.

        Raises:
            ValueError: No 3D labels, another skeleton, no intrinsics, or an estimator that does not
                place.
        """
        if prediction.root_cam is None or batch.intrinsics is None:
            missing = "PoseBatch.intrinsics" if batch.intrinsics is None else "root_cam"
            raise ValueError(f"the projection objective needs {missing}; there is none")
        target, valid = labels(prediction, batch)
        predicted = prediction.joints_cam + prediction.root_cam.unsqueeze(-2)
        size = batch.image_size_px[..., None, None, None, :]
        ahead = target[..., 2] > MIN_DEPTH_M
        given = _project(target.where(ahead[..., None], 1.0), batch)
        shown = _project(predicted, batch)
        outside = torch.maximum(-given, given - size).amax(-1) / size[..., 0]
        inside = ((shown >= 0) & (shown <= size)).all(-1) & (predicted[..., 2] > MIN_DEPTH_M)
        counted = inside & (valid & ahead & (outside < self.config.margin))
        metres = self.config.box_m / size[..., :1]
        error = ((shown - given) * metres).abs().mean(-1)
        return masked_mean(error, counted)


def _project(joints: Float[Tensor, "*b h t j 3"], batch: PoseBatch) -> Float[Tensor, "*b h t j 2"]:
    """Pixels; the depth is kept off 0, whose joints are not counted."""
    assert batch.intrinsics is not None
    flat = joints / joints[..., 2:].clamp(min=MIN_DEPTH_M)
    return (flat @ batch.intrinsics[..., None, None, :, :].mT)[..., :2]
