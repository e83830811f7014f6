"""From heatmaps to coordinates: expectations, and several answers out of one depth marginal.

Sun et al., "Integral Human Pose Regression", ECCV 2018, https://arxiv.org/abs/1711.08229; several
depths: Yang et al., "X as Supervision", 2024, https://arxiv.org/abs/2411.13026, Eq. (2) to (6).

Axes: *b any leading axes (pictures, joints), d y x cells, h hypotheses. Coordinates run from -1 to
1 over all cells of an axis.
"""

from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from vitruve.nets.precision import unrounded

Grid = Literal["centres", "edges"]
"""Where cell i of n lies: at its middle, (2 i + 1) / n - 1; or, as the released code of X as
Supervision has it, at its first edge, 2 i / n - 1."""
EPSILON = 1e-12
"""Probability under which a window counts as empty."""


def cell_positions(
    num_cells: int, grid: Grid = "centres", *, like: Float[Tensor, "..."]
) -> Float[Tensor, "cells"]:
    """Coordinates of an axis' cells."""
    at = torch.arange(num_cells, dtype=like.dtype, device=like.device)
    match grid:
        case "centres":
            return (2 * at + 1) / num_cells - 1
        case "edges":
            return 2 * at / num_cells - 1
        case _:
            assert_never(grid)


def marginals(
    logits: Float[Tensor, "*b d y x"],
) -> tuple[Float[Tensor, "*b x"], Float[Tensor, "*b y"], Float[Tensor, "*b d"]]:
    """Probabilities along each axis, of a softmax over all cells. Eq. (3). In float32 at least."""
    exact = torch.promote_types(logits.dtype, torch.float32)
    heat = logits.flatten(-3).softmax(-1, dtype=exact).view_as(logits)
    plane = heat.sum(-3)
    return plane.sum(-2), plane.sum(-1), heat.sum((-2, -1))


def expectation(marginal: Float[Tensor, "*b cells"], grid: Grid = "centres") -> Float[Tensor, "*b"]:
    """Mean coordinate. Eq. (2)."""
    with unrounded(marginal.device):
        return marginal @ cell_positions(marginal.shape[-1], grid, like=marginal)


def depth_hypotheses(
    marginal: Float[Tensor, "*b d"],
    count: int,
    window: int = 15,
    grid: Grid = "centres",
    least: float = 0.0,
) -> tuple[Float[Tensor, "*b h"], Float[Tensor, "*b h"]]:
    """Depths around the highest peaks of a marginal, highest first. Eq. (4) to (6).

    The mean depth of the cells in a window around each peak; differentiable by the probabilities,
    not by which peaks there are. Where there are fewer peaks than asked for, the highest repeats,
    and where there is none between the first and the last cell, the largest probability is one. The
    released code instead takes the first cell for a peak that is not there.

    Args:
        marginal: Probabilities of the cells.
        count: Depths wanted.
        window: Cells of a window, odd; the paper's text says twice as many as its code has.
        grid: Where cells lie.
        least: Share of the highest peak's probability under which others are ripples, not peaks;
            ours, the paper counts every peak.

    Returns:
        Depths, and the probability at each peak: 0 for one that repeats another.

    Raises:
        ValueError: ``count`` is not 1 or more, or ``window`` is not odd.
    """
    if count < 1 or window < 1 or window % 2 == 0:
        raise ValueError(f"count must be 1 or more and window odd, got {count} and {window}")
    height, at, real = _highest_peaks(marginal.detach(), min(count, marginal.shape[-1]))
    real = real & (height >= least * height[..., :1])
    missing = count - at.shape[-1]
    at = torch.where(real, at, at[..., :1])
    height = torch.where(real, height, 0.0)
    depth = _windowed_mean(marginal, window, grid).gather(-1, at)
    if missing > 0:
        depth = torch.cat([depth, depth[..., :1].expand(*depth.shape[:-1], missing)], -1)
        height = functional.pad(height, (0, missing))
    return depth, height


def _highest_peaks(
    marginal: Float[Tensor, "*b d"], count: int
) -> tuple[Float[Tensor, "*b h"], Tensor, Tensor]:
    """Probability, cell and reality of the highest peaks; the first one is always real."""
    inner = marginal[..., 1:-1]
    peak = (inner >= marginal[..., :-2]) & (inner >= marginal[..., 2:])
    peak = functional.pad(peak, (1, 1))[..., : marginal.shape[-1]]
    whole = functional.one_hot(marginal.argmax(-1), marginal.shape[-1]).bool()
    peak = torch.where(peak.any(-1, keepdim=True), peak, whole)
    height, at = marginal.where(peak, -1.0).topk(count, dim=-1)
    return height, at, height >= 0


def _windowed_mean(
    marginal: Float[Tensor, "*b d"], window: int, grid: Grid
) -> Float[Tensor, "*b d"]:
    """Mean depth of the window around every cell; windows end at the first and the last cell."""
    at = cell_positions(marginal.shape[-1], grid, like=marginal)
    cells = torch.arange(len(at), device=at.device)
    near = ((cells[:, None] - cells).abs() <= window // 2).to(marginal)
    with unrounded(marginal.device):
        return (marginal * at) @ near / (marginal @ near).clamp(min=EPSILON)
