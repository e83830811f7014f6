"""What needs no training to refine poses: limbs are as long left as right.

Axes: n poses, j joints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.pose_evidence import PoseEvidence
from vitruve.skeletons import Skeleton


@dataclass(frozen=True)
class SymmetryEnergyConfig:
    """Whose limbs; called as those of ``nets.ENERGIES`` are."""

    skeleton: Skeleton
    """Joint set of the poses; `Skeleton.limbs` are compared."""


class SymmetryEnergy(nn.Module):
    """Sum over limbs of the squared difference of left and right length, square metres."""

    def __init__(self, config: SymmetryEnergyConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, joints: Float[Tensor, "n j 3"], evidence: PoseEvidence) -> Float[Tensor, "n"]:
        """Energy of each pose; the 2D is not looked at."""
        del evidence
        # A graph reaches the joints even where there is no limb.
        total = 0.0 * joints.sum((-2, -1))
        for (a, b), (c, d) in self.config.skeleton.limbs:
            left, right = joints[:, a] - joints[:, b], joints[:, c] - joints[:, d]
            total = total + (_length(left) - _length(right)).square()
        return total


def _length(segment: Float[Tensor, "n 3"]) -> Float[Tensor, "n"]:
    return torch.linalg.vector_norm(segment, dim=-1)
