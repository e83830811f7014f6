"""Poses must not be told apart from poses that can be.

Yang et al., "X as Supervision", 2024, https://arxiv.org/abs/2411.13026, Eq. (14) and (15): least
squares (Mao et al., ICCV 2017, https://arxiv.org/abs/1611.04076) with one winner among hypotheses.
The poses that can be are ``PoseBatch.prior_cam`` and need no pictures. Both players see poses in
camera axes relative to the root. (The released code keeps the gradient from the detector, centres
poses on the first hypothesis instead of the root and shows its players different axes.)

Axes: b examples, h hypotheses, t frames, j joints, p poses of the prior, n poses.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vitruve.nets.pose_discriminator import DiscriminatorConfig, PoseDiscriminator
from vitruve.objectives.base import Objective
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class AdversarialConfig:
    """Settings of the game."""

    discriminator: DiscriminatorConfig
    """The one that tells them apart."""


class AdversarialObjective(Objective):
    """Least-squares game between the estimator and a discriminator of poses."""

    rounds = True

    def __init__(self, config: AdversarialConfig) -> None:
        super().__init__()
        self.config = config
        self.discriminator = PoseDiscriminator(config.discriminator)

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Half the squared distance of the score from 1, of each frame's best hypothesis.

        Raises:
            ValueError: The estimator's skeleton is not the discriminator's.
        """
        return 0.5 * (self._scores(prediction, batch) - 1).square().amin(0).mean()

    def own_loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Half the squared distance from 1 of the prior's scores and from 0 of the predictions'.

        Raises:
            ValueError: The batch has no prior, or a skeleton is not the discriminator's.
        """
        real = self.discriminator(self.real(prediction, batch))
        made = self._scores(prediction, batch)
        return 0.5 * (real - 1).square().mean() + 0.5 * made.square().amin(0).mean()

    def real(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, "n j 3"]:
        """Poses that can be.

        Raises:
            ValueError: The batch has none, or none of the discriminator's joints.
        """
        del prediction
        if batch.prior_cam is None or batch.skeleton is None:
            raise ValueError(
                "the adversarial objective needs PoseBatch.prior_cam, poses that can be; the batch "
                "has none"
            )
        self._check(batch.skeleton.names)
        return batch.prior_cam.flatten(0, -3)

    def made(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, "h n j 3"]:
        """Poses that were said, of every example and frame."""
        del batch
        return prediction.joints_cam.movedim(-4, 0).flatten(1, -3)

    def _scores(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, "h n"]:
        self._check(prediction.skeleton.names)
        poses = self.made(prediction, batch)
        return self.discriminator(poses.flatten(0, 1)).unflatten(0, poses.shape[:2])

    def _check(self, names: tuple[str, ...]) -> None:
        known = self.config.discriminator.skeleton
        if known.names != names:
            raise ValueError(
                f"the discriminator knows poses of skeleton {known.name!r}, these are of {names}"
            )
