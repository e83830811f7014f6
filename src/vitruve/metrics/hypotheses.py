"""Which of several hypotheses to score. Say with the number which one it was.

``sample_best`` and ``joint_best`` choose with the truth: they bound what a perfect selection could
reach and are no estimates. They are the P-Best and J-Best of D3DP (Shan et al., ICCV 2023,
https://arxiv.org/abs/2303.11579), except that its code chooses one hypothesis for all clips of a
mini-batch, so that its P-Best grows with the batch size; here each sample has its own. Published
errors after alignment align every hypothesis first and choose then.

Axes: *b samples, h hypotheses, t frames, j joints.
"""

import torch
from jaxtyping import Bool, Float, Int64
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
    return pick_hypothesis(predicted, error.argmin(-3))


def joint_best(
    predicted: Float[Tensor, "*b h t j 3"], target: Float[Tensor, "*b t j 3"]
) -> Float[Tensor, "*b t j 3"]:
    """Take, for each joint of each frame, the hypothesis nearest to the truth."""
    return pick_hypothesis(predicted, _errors(predicted, target, None).argmin(-3))


def pick_hypothesis(
    predicted: Float[Tensor, "*b h t j 3"], index: Int64[Tensor, "*b #t #j"]
) -> Float[Tensor, "*b t j 3"]:
    """Take the hypothesis of each sample, frame and joint that ``index`` names."""
    shape = (*predicted.shape[:-4], 1, *predicted.shape[-3:])
    return predicted.gather(-4, index[..., None, :, :, None].expand(shape)).squeeze(-4)


def _errors(
    predicted: Float[Tensor, "*b h t j 3"],
    target: Float[Tensor, "*b t j 3"],
    valid: Bool[Tensor, "*b t j"] | None,
) -> Float[Tensor, "*b h t j"]:
    error = joint_error_mm(predicted, target.unsqueeze(-4).expand_as(predicted))
    return error if valid is None else torch.where(valid.unsqueeze(-3), error, 0)
