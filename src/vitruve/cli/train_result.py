"""How a training ended: in words, and as an exit code."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vitruve.training import TrainResult


def said(result: "TrainResult") -> int:
    """Print how a training ended.

    Returns:
        0 when finished, 130 when interrupted.
    """
    figures = "".join(f", {k} {v:.1f}" for k, v in result.figures.items())
    if result.finished:
        message = f"trained {result.step} steps{figures}: {result.weights}"
    else:
        message = f"stopped at step {result.step}; the same command goes on from there"
    if result.rank == 0:
        print(message)
    return 0 if result.finished else 130
