"""Which of several hypotheses to score. Say with the number which one it was.

``sample_best`` and ``joint_best`` choose with the truth: they bound what a perfect selection could
reach and are no estimates.

Axes: *b samples, h hypotheses, t frames, j joints.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.metrics.position import joint_error_mm


def first(predicted: Float[Tensor, "*b h t j 3"]) -> Float[Tensor, "*b t j 3"]:
    """Take the first hypothesis: the estimator's own answer."""
    return predicted.select(-4, 0)


def sample_best(
    predicted: Float[Tensor, "*b h t j 3"],
    target: Float[Tensor, "*b t j 3"],
    valid: Bool[Tensor, "*b t j"] | None = None,
) -> Float[Tensor, "*b t j 3"]:
    """Take, for each sample, the hypothesis with the least MPJPE over its valid joints."""
    error = _errors(predicted, target, valid).sum((-2, -1), keepdim=True)
    return _pick(predicted, error.argmin(-3, keepdim=True))


def joint_best(
    predicted: Float[Tensor, "*b h t j 3"], target: Float[Tensor, "*b t j 3"]
) -> Float[Tensor, "*b t j 3"]:
    """Take, for each joint of each frame, the hypothesis nearest to the truth."""
    return _pick(predicted, _errors(predicted, target, None).argmin(-3, keepdim=True))


def _errors(
    predicted: Float[Tensor, "*b h t j 3"],
    target: Float[Tensor, "*b t j 3"],
    valid: Bool[Tensor, "*b t j"] | None,
) -> Float[Tensor, "*b h t j"]:
    error = joint_error_mm(predicted, target.unsqueeze(-4).expand_as(predicted))
    return error if valid is None else torch.where(valid.unsqueeze(-3), error, 0)


def _pick(predicted: Float[Tensor, "*b h t j 3"], index: Tensor) -> Float[Tensor, "*b t j 3"]:
    shape = (*predicted.shape[:-4], 1, *predicted.shape[-3:])
    return predicted.gather(-4, index[..., None].expand(shape)).squeeze(-4)
