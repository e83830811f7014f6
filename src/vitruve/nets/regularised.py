"""What keeps a backbone in bounds while it learns from many datasets at once.

Ghost batch normalisation: Hoffer, Hubara and Soudry, "Train longer, generalize better", NeurIPS
2017, https://arxiv.org/abs/1705.08741. Max-norm: Srivastava et al., "Dropout", JMLR 2014. Both, and
last steps with fixed statistics: Sarandi, Hermans and Leibe, WACV 2023,
https://arxiv.org/abs/2212.14474, appendix.

Axes: n examples, c channels, y x cells.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Norms = Literal["batch", "ghost", "fixed"]
"""Statistics over the batch, over groups of it, or those that were gathered before."""


class GhostBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation whose statistics, in training, are those of ``group`` examples each."""

    def __init__(self, num_features: int, *, group: int, eps: float = 1e-5) -> None:
        """Make one for ``group`` examples.

        Raises:
            ValueError: A group has no example.
        """
        super().__init__(num_features, eps=eps)
        if group < 1:
            raise ValueError(f"group must be 1 or more, got {group}")
        self.group = group

    def forward(self, input: Float[Tensor, "n c y x"]) -> Float[Tensor, "n c y x"]:
        """Normalise; the last group takes the examples that are over."""
        if not self.training:
            return super().forward(input)
        whole = max(0, len(input) // self.group - 1)
        sizes = [self.group] * whole + [len(input) - whole * self.group]
        normalise = super().forward
        return torch.cat([normalise(part) for part in input.split(sizes)])


def to_ghost_norms(module: nn.Module, group: int = 8) -> None:
    """Turn every batch normalisation into one over groups, in place; state dicts stay the same."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            ghost = GhostBatchNorm2d(child.num_features, group=group, eps=child.eps)
            ghost.load_state_dict(child.state_dict())
            setattr(module, name, ghost)
        else:
            to_ghost_norms(child, group)


def fix_norms(module: nn.Module) -> None:
    """Put every batch normalisation into evaluation mode, which ``train()`` undoes."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eval()


@torch.no_grad()
def limit_norms(module: nn.Module, most: float) -> None:
    """Shrink convolution kernels whose norm, for one output channel, is above ``most``."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            flat = part.weight.flatten(1)
            flat.mul_(most / flat.norm(dim=1, keepdim=True).clamp(min=most))
