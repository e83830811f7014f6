"""What is known without learning: joints lie on the rays they are seen on, limbs are symmetric.

Ours; the energy of ``nets.energy_geometry`` as an objective, which needs no labels.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vitruve.nets import GeometryEnergy, GeometryEnergyConfig
from vitruve.nets.pose_evidence import evidence_of
from vitruve.objectives.base import Objective
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class GeometryConfig:
    """Settings of the geometry."""

    rays: float = 1.0
    """Factor of the squared distances from the rays; they need the camera's intrinsics."""
    symmetry: float = 3.0
    """Factor of the squared differences of left and right limbs."""


class GeometryObjective(Objective):
    """Mean over poses of squared distances, summed over joints and limbs, square metres."""

    def __init__(self, config: GeometryConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean over all predicted frames, labelled or not."""
        joints, skeleton = prediction.joints_cam, prediction.skeleton
        energy = GeometryEnergy(
            GeometryEnergyConfig(skeleton, self.config.rays, self.config.symmetry)
        )
        evidence = evidence_of(batch, skeleton).of_each(joints).flat()
        return energy(joints.flatten(end_dim=-3), evidence).mean()
