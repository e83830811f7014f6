"""A toy run on motion made up in code: needs no data, takes a second, touches every part.

Axes: b batch, t frames, j joints.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.estimators import Estimator
from vitruve.poses import PoseBatch
from vitruve.skeletons.skeleton import Skeleton
from vitruve.training import TrainConfig

TOY = Skeleton(
    name="toy_5",
    names=("pelvis", "left_hip", "left_knee", "right_hip", "right_knee"),
    parents=(-1, 0, 1, 0, 3),
)
"""A pelvis with two legs."""
_REST_M = ((0.0, 0.0, 0.0), (0.1, 0.0, 0.0), (0.1, 0.45, 0.0), (-0.1, 0.0, 0.0), (-0.1, 0.45, 0.0))
_SIZE_PX, _FOCAL_PX = (640.0, 480.0), 600.0


@dataclass(frozen=True)
class ToySourceConfig:
    """Swinging legs before a fixed camera."""

    window: int = 9
    """Frames of one window."""
    noise_px: float = 1.0
    """Standard deviation of the keypoint noise."""


class ToySource:
    """Batches of swinging legs."""

    has_validation = True
    """Whether `evaluate` looks at people that no test looks at."""

    def __init__(self, config: ToySourceConfig, train: TrainConfig, data: Path | None) -> None:
        del data
        self.config = config
        self.batch_size = train.batch_size
        self.seed = train.seed

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step."""
        seed = (self.seed * 1_000_003 + step) * world_size + rank
        return self._batch(torch.Generator().manual_seed(seed), self.batch_size // world_size)

    def evaluate(self, estimator: Estimator) -> dict[str, float]:
        """Mean joint error on windows that training never sees, millimetres."""
        batch = self._batch(torch.Generator().manual_seed(-1 - self.seed), self.batch_size)
        batch = batch.to(next(estimator.parameters()).device)
        assert batch.joints_cam is not None
        target = batch.joints_cam - batch.joints_cam[..., :1, :]
        error = (estimator(batch).joints_cam[:, 0] - target).norm(dim=-1)
        return {"mpjpe_mm": 1000 * error.mean().item()}

    def _batch(self, generator: torch.Generator, size: int) -> PoseBatch:
        joints = self._joints(generator, size)
        keypoints = joints[..., :2] / joints[..., 2:] * _FOCAL_PX + torch.tensor(_SIZE_PX) / 2
        noise = torch.randn(keypoints.shape, generator=generator) * self.config.noise_px
        seen = torch.ones(joints.shape[:-1], dtype=torch.bool)
        return PoseBatch(
            keypoint_skeleton=TOY,
            keypoints_px=keypoints + noise,
            keypoints_valid=seen,
            confidence=seen.float(),
            image_size_px=torch.tensor(_SIZE_PX).expand(size, 2),
            skeleton=TOY,
            joints_cam=joints,
            valid=seen,
        )

    def _joints(self, generator: torch.Generator, b: int) -> Float[Tensor, "b t j 3"]:
        """Each leg swings by up to 45 degrees about the hip, 3 to 5 metres away."""
        t = self.config.window
        rest = torch.tensor(_REST_M)
        draws = torch.rand(b, 1, 5, generator=generator)
        phase = torch.arange(t)[None, :, None] / t + draws[..., :2]
        angle = torch.pi / 4 * torch.sin(2 * torch.pi * phase)
        joints = rest.expand(b, t, -1, -1).clone()
        for leg, (hip, knee) in enumerate([(1, 2), (3, 4)]):
            length = (rest[knee] - rest[hip]).norm()
            joints[:, :, knee, 1] = joints[:, :, hip, 1] + length * angle[..., leg].cos()
            joints[:, :, knee, 2] = joints[:, :, hip, 2] + length * angle[..., leg].sin()
        offset = draws[..., None, 2:] * torch.tensor([1.0, 1.0, 2.0])
        return joints + offset + torch.tensor([-0.5, -0.5, 3.0])
