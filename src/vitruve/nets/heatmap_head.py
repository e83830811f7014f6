"""From features of a picture to one volume of heat per joint.

Xiao, Wu and Wei, "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018,
https://arxiv.org/abs/1804.06208, with a depth axis as in Sun et al., "Integral Human Pose
Regression", ECCV 2018, https://arxiv.org/abs/1711.08229. Group normalisation instead of batch
normalisation, as Mask as Supervision asks for.

Axes: n pictures, c channels, j joints, d y x cells.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from vitruve.nets.group_norm import group_norm


@dataclass(frozen=True)
class HeatmapHeadConfig:
    """Size of the head; the defaults go on a ResNet-50 and pictures of 256 pixels."""

    deconvolutions: int = 3
    """Layers that double the resolution."""
    width: int = 256
    """Their channels."""
    depth_cells: int = 64
    """Cells of the depth axis."""


class HeatmapHead(nn.Module):
    """Features to logits."""

    def __init__(self, config: HeatmapHeadConfig, in_channels: int, num_joints: int) -> None:
        super().__init__()
        self.config = config
        self.num_joints = num_joints
        layers: list[nn.Module] = []
        for number in range(config.deconvolutions):
            coming = config.width if number else in_channels
            layers += [
                nn.ConvTranspose2d(coming, config.width, 4, 2, 1, bias=False),
                group_norm(config.width),
                nn.ReLU(inplace=True),
            ]
        self.upsample = nn.Sequential(*layers)
        coming = config.width if config.deconvolutions else in_channels
        self.heat = nn.Conv2d(coming, num_joints * config.depth_cells, 1)

    def forward(self, features: Float[Tensor, "n c _y _x"]) -> Float[Tensor, "n j d y x"]:
        """Logits of every cell."""
        heat = self.heat(self.upsample(features))
        return heat.unflatten(1, (self.num_joints, self.config.depth_cells))
