"""What needs no training to refine poses: limbs are as long left as right.

Axes: n poses, j joints.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.metrics.structure import Segment
from vitruve.nets.pose_evidence import PoseEvidence


class SymmetryEnergy(nn.Module):
    """Sum over limbs of the squared difference of left and right length, square metres."""

    def __init__(self, limbs: Sequence[tuple[Segment, Segment]]) -> None:
        """Take left and right segment of each limb, as in ``Skeleton.limbs``."""
        super().__init__()
        self.limbs = limbs

    def forward(self, joints: Float[Tensor, "n j 3"], evidence: PoseEvidence) -> Float[Tensor, "n"]:
        """Energy of each pose; the 2D is not looked at."""
        del evidence
        total = joints.new_zeros(len(joints))
        for (a, b), (c, d) in self.limbs:
            left, right = joints[:, a] - joints[:, b], joints[:, c] - joints[:, d]
            total = total + (_length(left) - _length(right)).square()
        return total


def _length(segment: Float[Tensor, "n 3"]) -> Float[Tensor, "n"]:
    return torch.linalg.vector_norm(segment, dim=-1)
