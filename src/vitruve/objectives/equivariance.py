"""The same joints in a picture and in a warped copy of it.

Eq. (13) of Yang et al., "Mask as Supervision", 2023, https://arxiv.org/abs/2312.07051, after
Siarohin et al., "First Order Motion Model for Image Animation", NeurIPS 2019,
https://arxiv.org/abs/2003.00196. The copies are examples of the batch (``PoseBatch.picture`` and
``warp``), so the estimator is asked once for all. Both sides get the gradient, unless copies are to
teach. Warps are affine; the first order model also bends pictures.

Axes: *b examples, n pictures, i pictures of an example, h hypotheses, j joints.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective, masked_mean
from vitruve.objectives.pictured import is_plain, picture_points
from vitruve.poses import PoseBatch, Prediction

CLEARLY = 0.5
"""How near the other of two bodies that cast one outline must be, squared and relative, to count: a
picture that tells neither learns what is said of the outline, which is seen from the front."""


@dataclass(frozen=True)
class EquivarianceConfig:
    """Settings of the equivariance."""

    taught: Literal["both", "plain"] = "both"
    """Who gets the gradient: both sides as published, or plain pictures alone, which learn from
    copies that are better understood, such as silhouettes; otherwise both would agree on a mean."""
    either_side: bool = False
    """Compare a copy with its plain picture as it is, or with sides exchanged if that is clearly
    nearer: silhouettes do not tell these apart."""


class EquivarianceObjective(Objective):
    """Mean squared distance of a joint between two copies of a picture, summed over joints."""

    def __init__(self, config: EquivarianceConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """In crop coordinates of the plain crop; 0 where no picture has a copy.

        Raises:
            ValueError: The batch names no pictures or warps, or there are no 2D joints to be had.
        """
        if batch.picture is None or batch.warp is None:
            lacking = "picture" if batch.picture is None else "warp"
            raise ValueError(f"equivariance needs PoseBatch.{lacking}; the batch has none")
        points, shown = picture_points(prediction, batch)
        warp = _per_picture(batch.warp, points)
        joints = unwarp(points, warp)
        plain, groups = is_plain(warp), _groups(batch.picture, len(points))
        if self.config.taught == "plain":
            joints = joints.where(plain[:, None, None, None], joints.detach())
        if self.config.either_side:
            joints = _nearer(joints, groups * plain, prediction.skeleton.mirror_index)
        size = groups.sum(1)
        mean = torch.einsum("mn,nhjc->mhjc", groups / size[:, None], joints)
        away = (joints - mean).square().sum((-2, -1)).mean(-1)
        # Of n points, the mean over pairs is 2 n / (n - 1) times the mean from their centre.
        return masked_mean(2 * away * size / (size - 1).clamp(min=1), shown & (size > 1))


def unwarp(
    points: Float[Tensor, "n h j 2"], warp: Float[Tensor, "n 2 3"]
) -> Float[Tensor, "n h j 2"]:
    """Where points of a warped crop lie in the plain one."""
    back = torch.linalg.inv(warp[:, :, :2])
    return torch.einsum("nac,nhjc->nhja", back, points - warp[:, None, None, :, 2])


def _nearer(
    points: Float[Tensor, "n h j 2"], plain_of: Float[Tensor, "n n"], mirror: tuple[int, ...]
) -> Float[Tensor, "n h j 2"]:
    """Each picture's joints, with sides exchanged if those of its plain picture are clearly so."""
    share = plain_of / plain_of.sum(1, keepdim=True).clamp(min=1)
    wanted = torch.einsum("mn,nhjc->mhjc", share, points.detach())
    exchanged = points[:, :, list(mirror)]
    away = [(x - wanted).square().sum((1, 2, 3)) for x in (points, exchanged)]
    return torch.where((away[1] < CLEARLY * away[0])[:, None, None, None], exchanged, points)


def _per_picture(of_examples: Tensor, points: Float[Tensor, "n h j 2"]) -> Tensor:
    """Repeat an example's warp for each of its pictures."""
    examples = of_examples.flatten(0, -3)
    return examples.repeat_interleave(len(points) // len(examples), dim=0)


def _groups(picture: Tensor, num_pictures: int) -> Float[Tensor, "n n"]:
    """1 where two pictures are copies of each other, or one and the same."""
    number = picture.flatten()
    i = num_pictures // len(number)
    frame = torch.arange(i, device=number.device).repeat(len(number))
    number = number.repeat_interleave(i)
    same = (number[:, None] == number) & (frame[:, None] == frame)
    return same.float()
