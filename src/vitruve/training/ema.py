"""Running mean of an estimator's weights, in tensors of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """Exponential moving average: parameters are averaged, buffers are copied.

    Early on the decay is ``(1 + n) / (10 + n)`` after ``n`` updates, so the random start is soon
    forgotten.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state: dict[str, Tensor] = {
            k: v.detach().clone() for k, v in module.state_dict().items()
        }

    @torch.no_grad()
    def update(self, module: nn.Module, num_updates: int) -> None:
        """Move towards the module's weights; ``num_updates`` were made before this one."""
        decay = min(self.decay, (1 + num_updates) / (10 + num_updates))
        parameters = dict(module.named_parameters())
        for name, value in module.state_dict().items():
            if name in parameters and value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)

    @contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """Give the module the mean weights for a while."""
        kept = {k: v.detach().clone() for k, v in module.state_dict().items()}
        module.load_state_dict(self.state)
        try:
            yield
        finally:
            module.load_state_dict(kept)
