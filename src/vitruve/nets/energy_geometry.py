"""An energy that needs no training: joints lie on the rays they are seen on, limbs are symmetric.

Ours. What a loss-net learns has to be worth more than this.

Axes: b poses, j joints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.pose_evidence import PoseEvidence, off_ray
from vitruve.skeletons import Skeleton


@dataclass(frozen=True)
class GeometryEnergyConfig:
    """What counts, and how much."""

    skeleton: Skeleton
    """Joint set of the poses; `Skeleton.limbs` are compared."""
    rays: float = 1.0
    """Factor of the squared distances from the rays; they need the camera's intrinsics."""
    symmetry: float = 3.0
    """Factor of the squared differences of left and right limbs."""


class GeometryEnergy(nn.Module):
    """Weighted sum over joints and limbs, square metres."""

    def __init__(self, config: GeometryEnergyConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, joints: Float[Tensor, "b j 3"], evidence: PoseEvidence) -> Float[Tensor, "b"]:
        """Energy of each pose: camera axes, metres, relative to the root."""
        # A graph reaches the joints even where nothing is seen and there is no limb.
        total = 0.0 * joints.sum((-2, -1))
        if self.config.rays:
            missed = off_ray(joints, evidence).square().sum((-2, -1))
            total = total + self.config.rays * missed
        for (a, b), (c, d) in self.config.skeleton.limbs:
            left, right = joints[:, a] - joints[:, b], joints[:, c] - joints[:, d]
            difference = _length(left) - _length(right)
            total = total + self.config.symmetry * difference.square()
        return total


def _length(segment: Float[Tensor, "b 3"]) -> Float[Tensor, "b"]:
    return torch.linalg.vector_norm(segment, dim=-1)
