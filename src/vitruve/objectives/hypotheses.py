"""Winner takes all: of several hypotheses only the best of each sample is scored.

Lee et al., "Stochastic Multiple Choice Learning", NeurIPS 2016, https://arxiv.org/abs/1606.07839;
Yang et al., "X as Supervision", 2024, https://arxiv.org/abs/2411.13026, Eq. (7). Its released code
takes one winner for a whole mini-batch in some losses; here each sample has its own.

Axes: *b samples, h hypotheses, t frames, j whatever is scored (joints, limbs).
"""

from typing import Literal, assert_never

from jaxtyping import Bool, Float
from torch import Tensor

Scored = Literal["all", "best"]
"""Every hypothesis, alike; or of each sample the one with the least error."""


def score(
    error: Float[Tensor, "*b h t j"], valid: Bool[Tensor, "*b #h t j"], scored: Scored
) -> tuple[Float[Tensor, "*b hs t j"], Bool[Tensor, "*b hs t j"]]:
    """Errors that count, and which of them are of something known."""
    valid = valid.expand_as(error)
    match scored:
        case "all":
            return error, valid
        case "best":
            of_each = error.detach().where(valid, 0.0).sum((-2, -1), keepdim=True)
            best = of_each.argmin(-3, keepdim=True).expand(*error.shape[:-3], 1, *error.shape[-2:])
            return error.gather(-3, best), valid.gather(-3, best)
        case _:
            assert_never(scored)
