"""Mask as supervision: the joints, drawn as a body, must fill the person's outline.

Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, Eq. (5) to (9). The
joints are drawn as lines (skeleton mask), and a small net makes an outline of those (physique
mask); both are compared with the mask of the picture. The weight of a pixel multiplies its squared
error; Eq. (9) would square the weight too.

Axes: n pictures, h hypotheses, j joints, y x pixels.
"""

from dataclasses import dataclass, field
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from vitruve.nets.physique import PhysiqueConfig, PhysiqueNet
from vitruve.nets.skeleton_mask import WIDTH_SQUARED, pixel_grid, skeleton_mask
from vitruve.objectives.base import Objective, masked_mean
from vitruve.objectives.geodesic import GeodesicConfig, GeodesicWeights
from vitruve.objectives.pictured import picture_masks, picture_points
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.line_forms import line_form


@dataclass(frozen=True)
class MaskConfig:
    """Settings of the comparison with masks."""

    form: str = "tree"
    """Which lines stand for the body; ``skeletons.line_forms`` has them."""
    width_squared: float = WIDTH_SQUARED
    """Of a line, in crop coordinates, where the crop's longer side is 2."""
    skeleton: float = 1.0
    """Factor of the error of the drawn lines."""
    physique: float = 0.0
    """Factor of the error of the net's outline; 0 leaves the net out."""
    physique_net: PhysiqueConfig = field(default_factory=PhysiqueConfig)
    """Size of that net."""
    geodesic: GeodesicConfig | None = None
    """Weigh pixels by their way from the middle; None weighs all alike."""
    side_px: int | None = None
    """Compare at this many pixels along the longer side; None takes masks as they come."""


class MaskObjective(Objective):
    """Mean squared difference of masks; the physique net learns on the same."""

    rounds = True

    def __init__(self, config: MaskConfig) -> None:
        super().__init__()
        self.config = config
        self.physique = PhysiqueNet(config.physique_net) if config.physique else None
        self.weights = None if config.geodesic is None else GeodesicWeights(config.geodesic)

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Weighted sum of both errors, mean over pictures and hypotheses.

        Raises:
            KeyError: The estimator's skeleton has no lines of that form.
            ValueError: The batch has no masks, or there are no 2D joints to be had.
        """
        points, shown = picture_points(prediction, batch)
        masks = self._sized(picture_masks(batch))
        weights = torch.ones_like(masks) if self.weights is None else self.weights(masks)
        form = line_form(prediction.skeleton, self.config.form)
        grid = pixel_grid(masks.shape[-2], masks.shape[-1], like=masks)
        n, h = points.shape[:2]
        lines = skeleton_mask(points.flatten(0, 1), form, grid, self.config.width_squared)

        def error(drawn: Float[Tensor, "nh y x"]) -> Float[Tensor, ""]:
            squared = (drawn.unflatten(0, (n, h)) - masks[:, None]).square() * weights[:, None]
            return masked_mean(squared.mean((-3, -2, -1)), shown)

        total = self.config.skeleton * error(lines)
        if self.physique is not None:
            total = total + self.config.physique * error(self.physique(lines))
        return total

    def _sized(self, masks: Float[Tensor, "n y x"]) -> Float[Tensor, "n _ _"]:
        longer = max(masks.shape[-2:])
        if self.config.side_px is None or longer == self.config.side_px:
            return masks
        size = [max(1, round(side * self.config.side_px / longer)) for side in masks.shape[-2:]]
        return functional.adaptive_avg_pool2d(masks, cast(tuple[int, int], tuple(size)))
