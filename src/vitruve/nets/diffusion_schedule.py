"""The cosine noise schedule of a diffusion lifter, over a thousand time steps.

Nichol, Dhariwal, "Improved denoising diffusion probabilistic models", ICML 2021,
https://arxiv.org/abs/2102.09672, Section 3.2; in float64, as published checkpoints store it.

Axes: n time steps, from the least noise to the most.
"""

import torch
from jaxtyping import Float64
from torch import Tensor

NUM_STEPS = 1000
"""Time steps; the last, ``NUM_STEPS - 1``, is nothing but noise."""
_OFFSET = 0.008
_LARGEST_BETA = 0.999
_SMALLEST_VARIANCE = 1e-20


def alphas_cumprod() -> Float64[Tensor, "n"]:
    """Share of the signal's variance that is left at each time step."""
    return (1 - _betas()).cumprod(0)


def schedule_tensors() -> dict[str, Float64[Tensor, "n"]]:
    """Everything about the schedule that published checkpoints store beside the weights."""
    betas, left = _betas(), alphas_cumprod()
    before = torch.cat([torch.ones_like(left[:1]), left[:-1]])
    variance = betas * (1 - before) / (1 - left)
    return {
        "betas": betas,
        "alphas_cumprod": left,
        "alphas_cumprod_prev": before,
        "sqrt_alphas_cumprod": left.sqrt(),
        "sqrt_one_minus_alphas_cumprod": (1 - left).sqrt(),
        "log_one_minus_alphas_cumprod": (1 - left).log(),
        "sqrt_recip_alphas_cumprod": left.rsqrt(),
        "sqrt_recipm1_alphas_cumprod": (1 / left - 1).sqrt(),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": variance.clamp(min=_SMALLEST_VARIANCE).log(),
        "posterior_mean_coef1": betas * before.sqrt() / (1 - left),
        "posterior_mean_coef2": (1 - before) * (1 - betas).sqrt() / (1 - left),
    }


def _betas() -> Float64[Tensor, "n"]:
    """Noise added at each time step."""
    x = torch.linspace(0, 1, NUM_STEPS + 1, dtype=torch.float64)
    # Eq. (17)
    left = ((x + _OFFSET) / (1 + _OFFSET) * torch.pi / 2).cos().square()
    return (1 - left[1:] / left[:-1]).clamp(0, _LARGEST_BETA)
