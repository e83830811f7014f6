"""What a lifting net says beside its joints, for training and for studies of its inside.

A net that has more to say offers ``detailed(x) -> Detail``; its ``forward`` returns the joints of
it alone, so that evaluation never pays for what only training needs.

Axes: b batch, f tasks, t frames, j joints, c channels.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Detail:
    """A forward pass with its by-products."""

    joints: Float[Tensor, "b tout j 3"]
    features: Float[Tensor, "b f t j c"] | None = None
    """Features by task (2D pose, then depth), as PrML's mutual information reads them."""
    coarse: Float[Tensor, "b tcoarse j 3"] | None = None
    """A first, coarser answer that training also supervises, as P-STMO's encoder gives."""
    coarse_step: int = 1
    """Frames of the input from one frame of the coarse answer to the next."""
