"""MLP loss-net: a residual MLP from 2D and 3D joints of a frame to its energy.

"SCoTL-pose", appendix A.2.2: SimpleBaseline (Martinez et al., ICCV 2017) with 2048 features and
two residual stages, without normalisation and dropout; 16.96 million parameters for 17 joints.

Axes: b poses, j joints.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.joint_features import JointFeatures
from vitruve.nets.pose_evidence import PoseEvidence
from vitruve.nets.precision import exactly
from vitruve.skeletons import Skeleton


@dataclass(frozen=True)
class MlpEnergyConfig:
    """Settings of the MLP loss-net; the defaults are the published ones."""

    skeleton: Skeleton
    """Joint set of the poses."""
    width: int = 2048
    """Features of every hidden layer."""
    num_stages: int = 2
    """Residual stages of two layers each."""
    structure: bool = False
    """Also read bone vectors, lengths, angles and distances from the camera's rays."""


class MlpEnergy(nn.Module):
    """Low where the pose is plausible for its 2D; only differences mean anything."""

    def __init__(self, config: MlpEnergyConfig) -> None:
        super().__init__()
        self.config = config
        self.features = JointFeatures(config.skeleton, config.structure)
        given = config.skeleton.num_joints * self.features.num_features
        self.embed = nn.Sequential(nn.Linear(given, config.width), nn.ReLU())
        self.stages = nn.ModuleList(_stage(config.width) for _ in range(config.num_stages))
        self.head = nn.Linear(config.width, 1)

    def forward(self, joints: Float[Tensor, "b j 3"], evidence: PoseEvidence) -> Float[Tensor, "b"]:
        """Energy of each pose: camera axes, metres, relative to the root."""
        x = self.embed(self.features(joints, evidence).flatten(-2))
        for stage in self.stages:
            x = x + stage(x)
        return exactly(self.head, x).squeeze(-1)


def _stage(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
