"""The pairwise temporal loss: segments of a clip that move alike have alike energies.

"SCoTL-pose", section 3.2.3. The hinge ``kappa`` and where the loss is put are those of the authors'
public code; the paper's text has neither. Ours: one draw of two segments serves all clips of a
batch.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.objectives.base import masked_mean


@dataclass(frozen=True)
class PairConfig:
    """Settings of the pairwise temporal loss."""

    frames: int = 3
    """Length of a segment (K)."""
    weight: float = 1e-3
    """Its factor (Lambda)."""
    kappa: float = 1.0
    """Energies of segments may differ by so much for each metre between their mean true poses; at 0
    they may not differ, as in the paper's text, and no labels are needed."""
    on: Literal["loss_net", "estimator"] = "loss_net"
    """Whom it trains: the loss-net as in the authors' runs, or the estimator."""

    def __post_init__(self) -> None:
        """Refuse segments without frames.

        Raises:
            ValueError: ``frames`` is less than 1.
        """
        if self.frames < 1:
            raise ValueError(f"a segment has 1 frame or more, got frames={self.frames}")


def window_difference(
    energy: Float[Tensor, "*b h t"],
    truth: tuple[Float[Tensor, "*b 1 t j 3"], Bool[Tensor, "*b 1 t j"]] | None,
    config: PairConfig,
) -> Float[Tensor, ""]:
    """Weighted mean over sequences of how much two random segments' energies differ too much.

    0 where a clip is too short for two segments.

    Args:
        energy: Of each frame.
        truth: True poses and which joints of them are known; None if the energies of any two
            segments should be equal.
        config: Its ``kappa`` only counts if the truth is given.
    """
    starts = energy.shape[-1] - config.frames + 1
    if starts < 2:
        return energy.sum() * 0.0
    first = int(torch.randint(starts, ()))
    second = (first + 1 + int(torch.randint(starts - 1, ()))) % starts
    spans = [slice(s, s + config.frames) for s in (first, second)]
    one, other = (energy[..., span].mean(-1) for span in spans)
    difference, known = (one - other).abs(), torch.ones_like(one, dtype=torch.bool)
    if truth is not None:
        target, valid = truth
        poses = [target[..., span, :, :].mean(-3) for span in spans]
        apart = torch.linalg.vector_norm(poses[0] - poses[1], dim=-1).mean(-1)
        difference = (difference - config.kappa * apart).relu()
        both = [valid[..., span, :].all(-1).all(-1) for span in spans]
        known = (both[0] & both[1]).expand_as(difference)
    return config.weight * masked_mean(difference, known)
