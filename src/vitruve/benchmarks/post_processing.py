"""Supervised post-processing: labels make joints of what an estimator says.

Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, section 3.3: a linear
map, or a net with two hidden layers, of all keypoints to all joints. Points that mean nothing
become joints by it, and systems that find such points report no other numbers. An estimator whose
answers are measured so has seen labels.

Axes: n pictures, k numbers that were said, m numbers that are true.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

Fitted = Callable[[Float[Tensor, "n k"]], Float[Tensor, "n m"]]
RIDGE = 1e-3
"""Penalty of a coefficient beside the mean squared error, of numbers with variance 1."""
_HIDDEN = 256
_STEPS, _BATCH, _RATE, _DECAY = 1000, 256, 3e-3, 1e-2
_SMALLEST = 1e-6
"""Standard deviation of a number that says nothing, such as the root behind itself."""


@dataclass(frozen=True)
class _Scale:
    """Mean 0 and standard deviation 1, and back."""

    mean: Float[Tensor, "k"]
    spread: Float[Tensor, "k"]

    @classmethod
    def of(cls, numbers: Float[Tensor, "n k"]) -> "_Scale":
        spread = numbers.std(0, correction=0)
        return cls(numbers.mean(0), spread.where(spread > _SMALLEST, 1.0))

    def reduce(self, numbers: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        return (numbers - self.mean) / self.spread

    def restore(self, numbers: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        return numbers * self.spread + self.mean


def ridge(said: Float[Tensor, "n k"], true: Float[Tensor, "n m"]) -> Fitted:
    """The linear map with the least squared error and small coefficients, in closed form.

    Raises:
        ValueError: There are no examples.
    """
    _check(said)
    scale, offset = _Scale.of(said.double()), true.double().mean(0)
    x = scale.reduce(said.double())
    normal = x.mT @ x / len(x) + RIDGE * torch.eye(x.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(normal, x.mT @ (true.double() - offset) / len(x))
    return lambda new: (scale.reduce(new.double()) @ weights + offset).to(new.dtype)


def two_layer(said: Float[Tensor, "n k"], true: Float[Tensor, "n m"]) -> Fitted:
    """A net with two hidden layers, the same for the same examples.

    Raises:
        ValueError: There are no examples.
    """
    _check(said)
    scale, wanted = _Scale.of(said), _Scale.of(true)
    x, y = scale.reduce(said), wanted.reduce(true)
    drawn = torch.Generator().manual_seed(0)
    with torch.random.fork_rng([]), torch.enable_grad():
        torch.manual_seed(0)
        net = nn.Sequential(
            nn.Linear(said.shape[1], _HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, true.shape[1]),
        )
        optimizer = torch.optim.AdamW(net.parameters(), _RATE, weight_decay=_DECAY)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
        for _ in range(_STEPS):
            some = torch.randint(len(x), (_BATCH,), generator=drawn)
            loss = (net(x[some]) - y[some]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            falling.step()
    net.requires_grad_(False)
    return lambda new: wanted.restore(net(scale.reduce(new)))


def _check(said: Float[Tensor, "n k"]) -> None:
    if not len(said):
        raise ValueError("post-processing learns from labelled pictures; there are none")
