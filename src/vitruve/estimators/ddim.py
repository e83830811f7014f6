"""Sampling clean joints from noise in a few steps of a diffusion over a thousand.

Song, Meng, Ermon, "Denoising diffusion implicit models", ICLR 2021,
https://arxiv.org/abs/2010.02502, with eta = 1 and a net that guesses the clean joints, as published
with D3DP (Shan et al., ICCV 2023, https://arxiv.org/abs/2303.11579).

Axes: s steps, b batch, h hypotheses, t frames, j joints.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.nets.diffusion_schedule import NUM_STEPS, alphas_cumprod

BOUND = 1.1
"""Largest coordinate the net is shown or may answer, times the scale: no joint can be answered
more than 1.1 metres from the root along an axis, as published."""


def sample_times(num_steps: int) -> list[int]:
    """Time steps from pure noise to -1, which stands for no noise at all."""
    times = torch.linspace(-1, NUM_STEPS - 1, num_steps + 1).int()
    return times.flip(0).tolist()


def sample(
    denoise: Callable[[Float[Tensor, "b h t j 3"], int], Float[Tensor, "b h t j 3"]],
    noise: Float[Tensor, "s b h t j 3"],
    scale: float = 1.0,
) -> Float[Tensor, "b s h t j 3"]:
    """Guess the clean joints in as many steps as there is noise.

    Args:
        denoise: Clean joints from noisy ones and their time step.
        noise: Standard normal; the first is where sampling starts, the next ones are added after
            each step but the last.
        scale: Of the joints while they are noisy; more of it is less noise beside them.

    Returns:
        The guess of every step, times the scale as published; the last is the answer.
    """
    left = alphas_cumprod()
    guesses, x = [], noise[0]
    for i, (now, then) in enumerate(pairwise(sample_times(len(noise)))):
        clean = (denoise(bounded(x, scale), now) * scale).clamp(-BOUND * scale, BOUND * scale)
        guesses.append(clean)
        if then < 0:
            break
        a, b = left[now].item(), left[then].item()
        # In float64, and of x without its bound, as published: 1 / a reaches 4e8.
        added = ((x.double() / a**0.5 - clean) / (1 / a - 1) ** 0.5).to(x.dtype)
        # Eq. (16), then Eq. (12)
        sigma = ((1 - a / b) * (1 - b) / (1 - a)) ** 0.5
        x = b**0.5 * clean + (1 - b - sigma**2) ** 0.5 * added + sigma * noise[i + 1]
    return torch.stack(guesses, dim=1)


def add_noise(
    clean: Float[Tensor, "b h t j 3"],
    noise: Float[Tensor, "b h t j 3"],
    time: Int64[Tensor, "b"],
    scale: float = 1.0,
) -> Float[Tensor, "b h t j 3"]:
    """Noisy joints of a time step, as the net is shown them: divided by the scale and bounded."""
    left = alphas_cumprod().to(clean)[time][:, None, None, None, None]
    return bounded(left.sqrt() * scale * clean + (1 - left).sqrt() * noise, scale)


def bounded(x: Float[Tensor, "b h t j 3"], scale: float) -> Float[Tensor, "b h t j 3"]:
    """Noisy joints as the net is shown them: bounded, and without the scale."""
    return x.clamp(-BOUND * scale, BOUND * scale) / scale
