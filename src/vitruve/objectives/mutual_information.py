"""Mutual information of each task's support features and its label, to be raised.

"PrML: progressive multi-task learning for monocular 3D human pose estimation", anonymous
submission, section 4.4. Its estimator is not stated; ours are in ``information_bounds``. Its
equations 7 and 9 add the information to the loss that is minimised, which would lower it: here the
loss is what the bound lacks, so that minimising it raises the information. The condition on the
task bias (equation 5) drops out, because a bias is the same for every sample.

Axes: b batch, f tasks (2D pose, then depth), t frames, j joints, c channels.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.objectives.base import Objective, labels, masked_mean
from vitruve.objectives.information_bounds import BarberAgakov, Family, InfoNCE
from vitruve.objectives.position import root_relative
from vitruve.poses import PoseBatch, Prediction

_TASKS: tuple[tuple[slice, Family], ...] = (
    (slice(0, 2), "gaussian"),
    (slice(2, 3), "laplace"),
)
"""Of each task: its numbers of a joint, and their density, whose kind matches equation 8's norm."""


@dataclass(frozen=True)
class MutualInformationConfig:
    """Settings of the mutual information."""

    channels: int = 256
    """Channels of the features; twice those of the PrML net."""
    bound: Literal["barber_agakov", "info_nce"] = "barber_agakov"
    """How the information is bounded from below."""
    hidden: int = 128
    """Hidden features of the bound's own nets."""
    weight_2d: float = 1.0
    """Factor of the 2D pose (lambda_2D)."""
    weight_depth: float = 1.0
    """Factor of the depth (lambda_D)."""


class MutualInformationObjective(Objective):
    """What a lower bound of the information lacks, nats; cooperates with the estimator.

    Its own nets learn the same loss, and are dropped after training.
    """

    rounds = True

    def __init__(self, config: MutualInformationConfig) -> None:
        super().__init__()
        self.config = config
        self.bounds = nn.ModuleList(_bound(config, numbers, family) for numbers, family in _TASKS)

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Weighted sum over tasks of the mean over labelled joints but the root.

        Raises:
            ValueError: The estimator gives no features, or others than configured; or there are
                no 3D labels, or labels of another skeleton.
        """
        features = self._checked(prediction)
        target, valid = root_relative(*labels(prediction, batch), prediction.skeleton)
        target, valid = target.flatten(end_dim=-4), valid.flatten(end_dim=-3)
        # The root is always at 0: there is nothing to know about it.
        valid = valid & (torch.arange(valid.shape[-1]) != prediction.skeleton.root).to(valid)
        features = features.flatten(end_dim=-5) if features.ndim > 4 else features[None]
        total = features.new_zeros(())
        weights = (self.config.weight_2d, self.config.weight_depth)
        for task, (numbers, _) in enumerate(_TASKS):
            missing = self.bounds[task](features[:, task], target[..., numbers], valid)
            total = total + weights[task] * masked_mean(missing, valid)  # Eq. (7), sign corrected
        return total

    def _checked(self, prediction: Prediction) -> Float[Tensor, "*b f t j c"]:
        features = prediction.features
        if features is None:
            raise ValueError(
                "mutual information needs Prediction.features, and this estimator gives none: "
                "choose a net with task features, such as prml with its decoder, or drop the term"
            )
        f, c = features.shape[-4], features.shape[-1]
        if (f, c) != (len(_TASKS), self.config.channels):
            raise ValueError(
                f"mutual information is set up for {len(_TASKS)} tasks of {self.config.channels} "
                f"channels, but the estimator gives {f} of {c}; set channels={c}"
            )
        return features


def _bound(config: MutualInformationConfig, numbers: slice, family: Family) -> nn.Module:
    size = numbers.stop - numbers.start
    match config.bound:
        case "barber_agakov":
            return BarberAgakov(config.channels, size, config.hidden, family)
        case "info_nce":
            return InfoNCE(config.channels, size, config.hidden)
        case _:
            assert_never(config.bound)
