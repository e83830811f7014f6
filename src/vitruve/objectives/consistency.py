"""Skeletons of one estimator agree: all of them survive the way through the latents unchanged.

Section 3.4, "output regularization", of Sárándi et al., "Learning 3D human pose estimation from
dozens of datasets using a geometry-aware autoencoder to bridge between skeleton formats", WACV
2023, https://arxiv.org/abs/2212.14474. For estimators that say several formats at once, whose
skeleton is `vitruve.skeletons.merge` of the formats that the bridge was fitted to, in any order.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vitruve.nets.bridge_file import read_bridge
from vitruve.objectives.base import Objective
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons import Skeleton


@dataclass(frozen=True)
class ConsistencyConfig:
    """Settings of the consistency."""

    bridge: str = "default"
    """File of a fitted bridge, or ``default`` for the one that comes with the package."""


class ConsistencyObjective(Objective):
    """Mean absolute difference of the joints from what the frozen autoencoder makes of them."""

    def __init__(self, config: ConsistencyConfig) -> None:
        """Read the bridge.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is damaged, or no bridge.
        """
        super().__init__()
        self.config = config
        bridge = read_bridge(config.bridge)
        self.skeleton = bridge.fitted
        self.register_buffer("encoder", bridge.encoder, persistent=False)
        self.register_buffer("decoder", bridge.decoder[: bridge.encoder.shape[1]], persistent=False)
        self.encoder: Tensor
        self.decoder: Tensor

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean over all coordinates, metres; labels are not looked at.

        Raises:
            ValueError: The estimator does not say all joints of the bridge.
        """
        del batch
        joints = prediction.joints_cam[..., self._order(prediction.skeleton), :]
        # Eq. (6), as a mean.
        return (joints - self.decoder @ (self.encoder @ joints)).abs().mean()

    def _order(self, skeleton: Skeleton) -> list[int]:
        """Where the bridge's joints are in the estimator's skeleton."""
        place = {name: j for j, name in enumerate(skeleton.names)}
        absent = [name for name in self.skeleton.names if name not in place]
        if absent:
            raise ValueError(
                f"consistency needs an estimator that says every format of the bridge; "
                f"{skeleton.name!r} has no joint {absent[0]!r}: merge the bridge's formats into "
                "its skeleton, or fit a bridge over the formats it says"
            )
        return [place[name] for name in self.skeleton.names]
