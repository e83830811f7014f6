"""Which answer is scored, by what the choice may know. Say with the number which one it was.

Hypotheses: ``first`` and ``confidence`` know nothing but what the estimator said; ``sample-best``
and ``joint-best`` know the truth, and bound what a perfect choice could reach. Sides: ``none``
takes left and right as they were said; ``sample`` and ``joint`` exchange them where the truth says
that this is nearer. Published numbers of unsupervised estimators may be ``joint-best``
with sides by ``joint`` and not say so: released code of Yang et al., "X as Supervision", 2024.

Axes: *b samples, h hypotheses, t frames, j joints, c coordinates.
"""

from collections.abc import Sequence
from typing import Literal, assert_never

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.metrics.hypotheses import first, joint_best, pick_hypothesis, sample_best

HypothesisMode = Literal["first", "confidence", "sample-best", "joint-best"]
SideMode = Literal["none", "sample", "joint"]


def choose_hypothesis(
    predicted: Float[Tensor, "*b h t j 3"],
    target: Float[Tensor, "*b t j 3"],
    mode: HypothesisMode,
    *,
    valid: Bool[Tensor, "*b t j"] | None = None,
    confidence: Float[Tensor, "*b h t j"] | None = None,
) -> Float[Tensor, "*b t j 3"]:
    """One pose out of several.

    Args:
        predicted: The hypotheses, metres.
        target: The truth, for the modes that know it.
        mode: How to choose. ``confidence``: of each sample the hypothesis with the most of it.
        valid: Joints that ``sample-best`` compares.
        confidence: What ``confidence`` goes by.

    Raises:
        ValueError: The mode is ``confidence`` and there is none.
    """
    match mode:
        case "first":
            return first(predicted)
        case "confidence":
            if confidence is None:
                raise ValueError(
                    "mode 'confidence' needs an estimator that says Prediction.confidence"
                )
            return pick_hypothesis(predicted, confidence.sum((-2, -1), keepdim=True).argmax(-3))
        case "sample-best":
            return sample_best(predicted, target, valid)
        case "joint-best":
            return joint_best(predicted, target)
        case _:
            assert_never(mode)


def exchange_sides(
    predicted: Float[Tensor, "*b t j c"],
    target: Float[Tensor, "*b t j c"],
    mirror_index: Sequence[int],
    mode: SideMode,
) -> Float[Tensor, "*b t j c"]:
    """The prediction with left and right exchanged where ``mode`` lets the truth say so.

    Args:
        predicted: 2D or 3D joints.
        target: The truth.
        mirror_index: Each joint's twin on the other side.
        mode: ``sample`` exchanges all pairs of joints of a frame or none; ``joint`` each pair.
    """
    twin = list(mirror_index)
    swapped = predicted[..., twin, :]
    kept_error, swapped_error = (
        torch.linalg.vector_norm(points - target, dim=-1) for points in (predicted, swapped)
    )
    match mode:
        case "none":
            return predicted
        case "sample":
            exchange = swapped_error.sum(-1, keepdim=True) < kept_error.sum(-1, keepdim=True)
        case "joint":
            # Both joints of a pair go together: one alone would be given out twice.
            both = [error + error[..., twin] for error in (swapped_error, kept_error)]
            exchange = both[0] < both[1]
        case _:
            assert_never(mode)
    return torch.where(exchange.unsqueeze(-1), swapped, predicted)
