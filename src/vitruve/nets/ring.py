"""Memory of nets that take a video frame by frame: the last values of a signal, never moved.

Axes: n any leading axes, m values, c channels.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor


class Ring:
    """The last ``size`` values of a signal; the newest overwrites the oldest."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0
        self._values = torch.empty(0)

    def push(self, value: Float[Tensor, "*n c"]) -> None:
        """Remember one more value."""
        if self.count == 0:
            # Before its first value the signal stood still, as in a clip padded with its first
            # frame.
            self._values = value.unsqueeze(-2).repeat_interleave(self.size, dim=-2)
        self._values[..., self.count % self.size, :] = value
        self.count += 1

    def ago(self, ages: Sequence[int]) -> Float[Tensor, "*n m c"]:
        """The values of so many pushes ago; 0 is the newest, ``size - 1`` the oldest."""
        return self._values[..., [(self.count - 1 - age) % self.size for age in ages], :]

    def seen(self) -> tuple[Float[Tensor, "*n m c"], Int64[Tensor, "m"]]:
        """All values that were pushed and not overwritten, in no order, and their ages."""
        slots = torch.arange(min(self.count, self.size), device=self._values.device)
        ages = (self.count - 1 - slots) % self.size
        return self._values[..., : len(slots), :], ages
