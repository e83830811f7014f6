"""A later answer teaches the first: what one head has learnt where the other has no labels.

The teacher term of the hybrid variant in Sárándi et al., WACV 2023,
https://arxiv.org/abs/2212.14474, section 3.4: joints by latent points follow the joints that the
same net says directly, which are taken as they are.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vitruve.objectives.base import Objective
from vitruve.poses import PoseBatch, Prediction


@dataclass(frozen=True)
class TeacherConfig:
    """Nothing to set."""


class TeacherObjective(Objective):
    """Mean absolute difference of the first hypothesis from the last, about the mean joint."""

    def __init__(self, config: TeacherConfig) -> None:
        super().__init__()
        self.config = config

    def loss(self, prediction: Prediction, batch: PoseBatch) -> Float[Tensor, ""]:
        """Mean over all coordinates, metres; labels are not looked at.

        Raises:
            ValueError: There is one hypothesis only.
        """
        del batch
        joints = prediction.joints_cam
        if joints.shape[-4] < 2:
            raise ValueError("the teacher objective needs two hypotheses; the estimator says one")
        centred = joints - joints.mean(-2, keepdim=True)
        teacher = centred[..., -1:, :, :, :].detach()
        return (centred[..., :1, :, :, :] - teacher).abs().mean()
