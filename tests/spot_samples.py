"""Three spots of colour before a camera, and an estimator that finds them."""

from dataclasses import dataclass

import numpy as np
import torch

from vitruve.data.processing.view import Aim
from vitruve.estimators.base import Estimator
from vitruve.geometry.camera import Camera
from vitruve.poses import Prediction
from vitruve.skeletons.skeleton import Skeleton

THREE = Skeleton("three", ("pelvis", "left_hand", "right_hand"), (-1, 0, 0))
AIMS = (Aim(), Aim(mirrored=True), Aim(25.0, 1.2, (0.1, -0.05)))
K = torch.tensor([[300.0, 0, 160], [0, 300, 120], [0, 0, 1]])
LENS = torch.tensor([-0.1, 0.02, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class SeesConfig:
    side_px: int = 96
    expand: float = 1.3


class Sees(Estimator):
    """Finds the middles of red, green and blue in a view, at a depth that it is told.

    Green is the hand on the left of the person, whichever side that is in the picture.
    """

    def __init__(self, depth, aims=AIMS):
        super().__init__()
        self.aims = aims
        self.config, self.skeleton, self.keypoint_skeleton = SeesConfig(), THREE, THREE
        self.receptive_field, self.needs, self.depth = 1, ("images", "intrinsics"), depth
        self.unused = torch.nn.Parameter(torch.zeros(()))

    def forward(self, batch):
        weights = batch.images[:, 0].clamp(min=0.02) - 0.02
        n = weights.shape[-1]
        ticks = torch.arange(n) + 0.5
        total = weights.sum((-2, -1))
        x = (weights.sum(-2) @ ticks) / total
        y = (weights.sum(-1) @ ticks) / total
        rays = torch.stack([x, y, torch.ones_like(x)], -1)
        rays = torch.linalg.solve(batch.intrinsics, rays.mT).mT
        joints = rays / rays.norm(dim=-1, keepdim=True) * self.depth
        # In a mirrored view green shows the hand whose name is that of the other side.
        mirrored = self.is_mirrored(batch)
        joints = torch.where(mirrored[:, None, None], joints[:, [0, 2, 1]], joints)
        joints = joints[:, None, None]
        return Prediction(THREE, joints - joints[..., :1, :], joints[..., 0, :])

    def is_mirrored(self, batch):
        return torch.tensor([a.mirrored for a in self.aims] * (len(batch.images) // len(self.aims)))


def picture(lens=None):
    """Three spots at equal distance from the camera, beside the middle."""
    rays = torch.tensor([[0.2, 0.1, 1.0], [0.3, 0.0, 1.0], [0.1, 0.02, 1.0]])
    joints = 4 * rays / rays.norm(dim=-1, keepdim=True)
    camera = Camera(K, (320, 240), lens)
    image = np.zeros((240, 320, 3), np.uint8)
    yy, xx = np.mgrid[:240, :320] + 0.5
    points = camera.project(joints)
    for channel, (x, y) in enumerate(points.tolist()):
        image[(xx - x) ** 2 + (yy - y) ** 2 < 4**2, channel] = 255
    box = torch.cat([points.amin(0) - 8, points.amax(0) + 8])
    return image, camera, box, joints
