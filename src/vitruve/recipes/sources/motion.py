"""Motion capture seen by virtual cameras, as a run's source of batches.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from vitruve.data.cameras.virtual import (
    RandomCameras,
    RandomCamerasConfig,
    RigCameras,
    RigCamerasConfig,
)
from vitruve.data.lifting.augment import BodyConfig
from vitruve.data.lifting.batches import LiftingBatches, LiftingConfig
from vitruve.data.lifting.corrupt import DetectorConfig
from vitruve.data.motion import cmu_archive
from vitruve.data.sequences.clip import MotionSequence
from vitruve.data.sequences.store import SequenceStore
from vitruve.data.sequences.windows import MotionFrames
from vitruve.estimators import Estimator
from vitruve.metrics import mpjpe_mm
from vitruve.poses import PoseBatch
from vitruve.training import TrainConfig

_TEST_STEPS = 4
"""Batches of the test split that one evaluation looks at."""


@dataclass(frozen=True)
class MotionSourceConfig:
    """What the lifter sees."""

    window: int = 27
    """Frames of one window."""
    fps: tuple[float, float] = (50.0, 50.0)
    """Range of frame rates; each window has its own."""
    cameras: RigCamerasConfig | RandomCamerasConfig = field(default_factory=RigCamerasConfig)
    """Whose cameras: the published Human3.6M rigs, or random ones."""
    test_cameras: RigCamerasConfig | RandomCamerasConfig = field(
        default_factory=lambda: RigCamerasConfig(("S9", "S11"))
    )
    """Cameras of the evaluation."""
    bodies: BodyConfig | None = None
    """Variations of bodies and poses; None for the motion as recorded."""
    detector: DetectorConfig | None = None
    """Errors of the 2D, in training and evaluation; None for exact keypoints."""


class MotionSource:
    """Batches from a motion archive or a sequence store: its train split, scored on its test."""

    has_validation = False
    """Whether `evaluate` looks at people that no test looks at."""

    def __init__(self, config: MotionSourceConfig, train: TrainConfig, data: Path | None) -> None:
        """Read all motion into memory.

        Raises:
            FileNotFoundError: There is no motion at ``data``.
            ValueError: It cannot be read, or a split is empty.
        """
        sequences = read_motion(data)
        settings = LiftingConfig(
            train.batch_size, config.window, config.fps, config.bodies, config.detector, train.seed
        )
        self._train = _batches(sequences, "train", config.cameras, settings)
        plain = LiftingConfig(
            train.batch_size, config.window, config.fps, None, config.detector, train.seed
        )
        self._test = _batches(sequences, "test", config.test_cameras, plain)

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step."""
        return self._train.batch_at(step, rank, world_size)

    def evaluate(self, estimator: Estimator) -> dict[str, float]:
        """Root-relative MPJPE of the middle frames of fixed windows of the test split.

        A figure to steer by; the numbers to quote come from the benchmark.
        """
        return {"mpjpe_mm": middle_mpjpe_mm(estimator, self._test)}


def middle_mpjpe_mm(estimator: Estimator, batches: LiftingBatches) -> float:
    """Root-relative MPJPE of the middle frames of the first few batches."""
    device = next(estimator.parameters()).device
    errors = []
    for step in range(_TEST_STEPS):
        batch = batches.batch_at(step).to(device)
        assert batch.joints_cam is not None
        assert batch.valid is not None
        middle, root = batch.joints_cam.shape[-3] // 2, estimator.skeleton.root
        target = batch.joints_cam[:, middle]
        target = target - target[:, root : root + 1]
        predicted = estimator(batch).joints_cam.mean(dim=1)[:, middle]
        errors.append(mpjpe_mm(predicted, target, batch.valid[:, middle]))
    return torch.stack(errors).mean().item()


def read_motion(data: Path | None) -> list[MotionSequence]:
    """Every sequence of a sequence store, a CMU archive, or a folder that holds one.

    Raises:
        FileNotFoundError: Nothing was given, or nothing is there.
    """
    advice = (
        "give --data PATH or set VITRUVE_MOTION to a CMU motion archive (.npz) or a sequence store "
        "made of the files of mocap.cs.cmu.edu; docs/training.md says how"
    )
    if data is None:
        raise FileNotFoundError(f"this recipe trains on motion capture: {advice}")
    if not data.exists():
        raise FileNotFoundError(f"no motion at {data}: {advice}")
    if (data / "index.json").is_file():
        return list(SequenceStore.open(data))
    return list(cmu_archive.read(data))


def _batches(
    sequences: list[MotionSequence],
    split: str,
    cameras: RigCamerasConfig | RandomCamerasConfig,
    settings: LiftingConfig,
) -> LiftingBatches:
    chosen = [s for s in sequences if s.split == split]
    if not chosen:
        found = sorted({s.split for s in sequences})
        raise ValueError(f"the motion has no sequence of split {split!r}; its splits are {found}")
    if isinstance(cameras, RigCamerasConfig):
        return LiftingBatches(MotionFrames(chosen), RigCameras(cameras), settings)
    return LiftingBatches(MotionFrames(chosen), RandomCameras(cameras), settings)
