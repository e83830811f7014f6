"""Best affine weights from second moments: least squares whose weights sum to 1.

Axes: m points of a moment matrix, o outputs, i inputs.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def second_moments(points: Float[Tensor, "n m 3"]) -> Float[Tensor, "m m"]:
    """Mean scalar product of every two points over n moments.

    Weights that sum to 1 do not depend on where the origin is; near the points, numbers are small.
    """
    flat = points.double().transpose(0, 1).flatten(1)
    return flat @ flat.T / len(points)


def symmetric(moments: Float[Tensor, "m m"], mirror: Sequence[int]) -> Float[Tensor, "m m"]:
    """The moments of the people and of their mirror images together.

    A reflection leaves scalar products alone, so only names change sides.
    """
    order = torch.tensor(mirror)
    return (moments + moments[order][:, order]) / 2


def affine_weights(
    moments: Float[Tensor, "m m"], inputs: Sequence[int], outputs: Sequence[int], noise_m: float
) -> Float[Tensor, "o i"]:
    """Weights of the inputs, summing to 1, that come nearest the outputs on average.

    Args:
        moments: Of inputs and outputs, square metres.
        inputs: Which points are known.
        outputs: Which are wanted.
        noise_m: Independent error that each input is expected to have when it is used, metres;
            it keeps weights small. Above 0.
    """
    known, count = torch.tensor(inputs), len(inputs)
    system = moments.new_ones(count + 1, count + 1)
    system[:count, :count] = moments[known][:, known] + noise_m**2 * torch.eye(count).to(moments)
    system[count, count] = 0.0
    right = moments.new_ones(count + 1, len(outputs))
    right[:count] = moments[known][:, torch.tensor(outputs)]
    return torch.linalg.solve(system, right)[:count].T


def affine_error(
    moments: Float[Tensor, "m m"],
    inputs: Sequence[int],
    outputs: Sequence[int],
    weights: Float[Tensor, "o i"],
) -> Float[Tensor, "o o"]:
    """Mean scalar product of the outputs' errors, square metres; its diagonal is their square."""
    known, wanted = torch.tensor(inputs), torch.tensor(outputs)
    cross = weights @ moments[known][:, wanted]
    within = weights @ moments[known][:, known] @ weights.T
    return moments[wanted][:, wanted] - cross - cross.T + within
