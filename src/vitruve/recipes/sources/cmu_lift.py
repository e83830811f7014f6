"""Training data of CMU-Lift: its training clips in the rigs of Human3.6M's training subjects.

Axes: b batch, h hypotheses, t frames, j joints.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from vitruve.benchmarks.cmu_clips import Clip, clips, read_clips
from vitruve.data.cameras.virtual import RigCameras, RigCamerasConfig
from vitruve.data.lifting.augment import flip
from vitruve.data.lifting.batches import LiftingBatches, LiftingConfig, step_generator
from vitruve.data.lifting.corrupt import DetectorConfig
from vitruve.data.sequences.windows import MotionFrames
from vitruve.estimators import Estimator
from vitruve.metrics import mpjpe_mm, root_centred
from vitruve.poses import PoseBatch
from vitruve.training import TrainConfig

_FPS = 60.0
_VALIDATION_STEPS = 4
"""Batches of validation windows that one evaluation looks at."""
_FLIP_STREAM = 1
"""Tells the generator of flips from the one of windows."""

_FREE_SEED = 1_000_003
"""Added to the seed of windows without labels, which are to be others."""


@dataclass(frozen=True)
class CmuLiftSourceConfig:
    """What a lifter sees in training for CMU-Lift."""

    window: int = 27
    """Frames of one window, at 60 per second."""
    cameras: RigCamerasConfig = field(default_factory=RigCamerasConfig)
    """Rigs of the training; the benchmark's are those of S9 and S11."""
    flip: float = 0.5
    """Probability that a window is mirrored."""
    detector: DetectorConfig | None = None
    """Errors of the 2D; None for exact keypoints."""
    labelled: float = 1.0
    """Share of the training clips whose 3D is known, at least one; smaller shares are part of
    larger ones."""
    unlabelled: float = 0.0
    """Share of each batch that shows only the 2D of all training clips."""

    def __post_init__(self) -> None:
        """Refuse shares that are none.

        Raises:
            ValueError: One is out of range.
        """
        if not 0 < self.labelled <= 1:
            raise ValueError(f"labelled must be above 0 and at most 1, got {self.labelled:g}")
        if not 0 <= self.unlabelled < 1:
            raise ValueError(f"unlabelled must be 0 or more and below 1, got {self.unlabelled:g}")


class CmuLiftSource:
    """Windows of CMU-Lift's training clips; its validation subject steers."""

    has_validation = True
    """Whether `evaluate` looks at people that no test looks at."""

    def __init__(self, config: CmuLiftSourceConfig, train: TrainConfig, data: Path | None) -> None:
        """Read the clips into memory.

        Raises:
            FileNotFoundError: There is no motion archive at ``data``.
            ValueError: It cannot be read or lacks a clip.
        """
        if data is None:
            raise FileNotFoundError(
                "this recipe trains on the clips of CMU-Lift: give --data PATH or set "
                "VITRUVE_MOTION to the CMU motion archive (.npz) made of the files of "
                "mocap.cs.cmu.edu; docs/benchmarks.md says how"
            )
        if not data.exists():
            raise FileNotFoundError(
                f"no motion at {data}: give the CMU motion archive (.npz), made of the files of "
                "mocap.cs.cmu.edu"
            )
        self.config, self.seed = config, train.seed
        every = clips("train")
        free = round(config.unlabelled * train.batch_size)
        labelled = replace(train, batch_size=train.batch_size - free)
        self._train = _batches(config, labelled, data, _some(every, config.labelled))
        self._free = None
        if free:
            self._free = _batches(
                config, replace(train, batch_size=free, seed=train.seed + _FREE_SEED), data, every
            )
        self._validation = _batches(config, train, data, clips("validation"))

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step."""
        batch = self._train.batch_at(step, rank, world_size)
        if self._free is not None:
            batch = PoseBatch.join(
                [batch, _without_labels(self._free.batch_at(step, rank, world_size))]
            )
        generator = step_generator(self.seed, step, rank, world_size, _FLIP_STREAM)
        draw = torch.rand(len(batch.keypoints_px), generator=generator)
        return flip(batch, draw < self.config.flip)

    def evaluate(self, estimator: Estimator) -> dict[str, float]:
        """Root-relative MPJPE of the middle frames of fixed windows of the validation subject.

        A figure to steer by; the numbers to quote come from the benchmark.
        """
        device = next(estimator.parameters()).device
        # Cheaper where only the middle frame is of interest.
        predict = estimator if estimator.trains_on_labels else estimator.training_forward
        errors = []
        for step in range(_VALIDATION_STEPS):
            batch = self._validation.batch_at(step).to(device)
            assert batch.joints_cam is not None
            assert batch.valid is not None
            middle = batch.joints_cam.shape[-3] // 2
            target = root_centred(batch.joints_cam[:, middle], estimator.skeleton.root)
            predicted = predict(batch).joints_cam.mean(dim=1)
            predicted = predicted[:, predicted.shape[1] // 2]
            errors.append(mpjpe_mm(predicted, target, batch.valid[:, middle]))
        return {"mpjpe_mm": torch.stack(errors).mean().item()}


def _some(every: Sequence[Clip], share: float) -> list[Clip]:
    """The first clips in an order that has nothing to do with their content."""
    shuffled = sorted(every, key=lambda clip: zlib.crc32(clip.name.encode()))
    return shuffled[: max(1, round(share * len(every)))]


def _without_labels(batch: PoseBatch) -> PoseBatch:
    assert batch.valid is not None
    return replace(batch, valid=torch.zeros_like(batch.valid))


def _batches(
    config: CmuLiftSourceConfig, train: TrainConfig, data: Path, wanted: Sequence[Clip]
) -> LiftingBatches:
    settings = LiftingConfig(
        train.batch_size, config.window, (_FPS, _FPS), None, config.detector, train.seed
    )
    motion = MotionFrames(read_clips(data, wanted).values())
    return LiftingBatches(motion, RigCameras(config.cameras), settings)
