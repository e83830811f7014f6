"""Poses in the picture must not be told apart from 2D poses of other people in other pictures.

The unpaired 2D poses of Kundu et al., "Self-supervised 3D human pose estimation via part guided
novel image synthesis", CVPR 2020, https://arxiv.org/abs/2004.04400, and Sosa and Hogg,
"Self-supervised 3D human pose estimation from a single image", 2023,
https://arxiv.org/abs/2304.02349, in the game of `objectives.adversarial`. Neither where a body is
nor how large it is tells anything: players see joints relative to the root, over their mean
distance from it. Ours: half of the poses are mirrored, and they are turned as pictures are.

Axes: n pictures or poses, h hypotheses, j joints.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.own.poses_2d import read_poses_2d
from vitruve.objectives.adversarial import AdversarialConfig, AdversarialObjective
from vitruve.objectives.pictured import picture_points
from vitruve.poses import PoseBatch, Prediction

_SMALLEST = 1e-6


@dataclass(frozen=True)
class Adversarial2dConfig(AdversarialConfig):
    """Settings of the game."""

    poses: str = ""
    """File of the poses that can be, as `data.own.poses_2d` writes it."""
    roll_deg: float = 0.0
    """Standard deviation of the turns of pictures, which these poses are turned by too."""


class Adversarial2dObjective(AdversarialObjective):
    """Least-squares game of 2D joints; the estimator's own get the gradient."""

    _poses: Float[Tensor, "n j 2"]

    def __init__(self, config: Adversarial2dConfig) -> None:
        """Read the poses.

        Raises:
            FileNotFoundError: There is no file of poses.
            FileError: It is damaged, or holds no poses of the discriminator's joints.
        """
        super().__init__(config)
        self.roll_deg = config.roll_deg
        poses = read_poses_2d(Path(config.poses), config.discriminator.skeleton)
        self.register_buffer("_poses", poses, persistent=False)

    def real(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, "n j 3"]:
        """As many of the poses as there are pictures, drawn by chance."""
        count, poses = self.made(prediction, batch).shape[1], self._poses
        drawn = poses[torch.randint(len(poses), (count,), device=poses.device)]
        twin = list(prediction.skeleton.mirror_index)
        mirrored = drawn[:, twin] * drawn.new_tensor([-1.0, 1.0])
        drawn = torch.where(torch.rand(count, 1, 1, device=poses.device) < 0.5, mirrored, drawn)
        angle = (self.roll_deg * torch.randn(count, device=poses.device)).deg2rad()
        turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1)
        drawn = drawn @ turn.view(-1, 2, 2).mT
        return self._alike(drawn, prediction.skeleton.root)

    def made(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, "h n j 3"]:
        """2D joints of every picture.

        Raises:
            ValueError: The batch has no pictures, or there are no 2D joints to be had.
        """
        points, shown = picture_points(prediction, batch)
        return self._alike(points[shown].transpose(0, 1), prediction.skeleton.root)

    @staticmethod
    def _alike(points: Float[Tensor, "*n j 2"], root: int) -> Float[Tensor, "*n j 3"]:
        """In one place, of one size, and of no depth."""
        centred = points - points[..., [root], :]
        size = centred.norm(dim=-1).mean(-1).clamp(min=_SMALLEST)
        return torch.nn.functional.pad(centred / size[..., None, None], (0, 1))
