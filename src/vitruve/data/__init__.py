"""Motion and keypoints for training and scoring: readers, one store, windows, virtual cameras."""

from collections.abc import Callable, Iterator

from vitruve.data import bvh_folder, cmu, cmu_archive, human36m, keypoint_files
from vitruve.data.augment import BodyConfig
from vitruve.data.cameras import (
    RandomCameras,
    RandomCamerasConfig,
    RigCameras,
    RigCamerasConfig,
    h36m_rigs,
)
from vitruve.data.corrupt import DetectorConfig
from vitruve.data.lifting import LiftingBatches, LiftingConfig
from vitruve.data.mixture import Mixture, MixtureConfig
from vitruve.data.sequences import MotionSequence
from vitruve.data.store import SequenceStore
from vitruve.data.store_write import write_store
from vitruve.data.windows import MotionFrames

READERS: dict[str, Callable[..., Iterator[MotionSequence]]] = {
    "bvh": bvh_folder.read,
    "cmu": cmu.read,
    "cmu_archive": cmu_archive.read,
    "human36m": human36m.read,
    "keypoints": keypoint_files.read,
}
"""What turns one kind of dataset into sequences: ``read(root, split=None)``."""

__all__ = [
    "READERS",
    "BodyConfig",
    "DetectorConfig",
    "LiftingBatches",
    "LiftingConfig",
    "Mixture",
    "MixtureConfig",
    "MotionFrames",
    "MotionSequence",
    "RandomCameras",
    "RandomCamerasConfig",
    "RigCameras",
    "RigCamerasConfig",
    "SequenceStore",
    "h36m_rigs",
    "write_store",
]
