"""Motion, keypoints and pictures for training and scoring: readers, stores, cameras, Studio."""

from collections.abc import Callable, Iterator

from vitruve.data.cameras.virtual import (
    RandomCameras,
    RandomCamerasConfig,
    RigCameras,
    RigCamerasConfig,
    h36m_rigs,
)
from vitruve.data.datasets.crops import CropMixture, CropStore
from vitruve.data.lifting.augment import BodyConfig
from vitruve.data.lifting.batches import LiftingBatches, LiftingConfig
from vitruve.data.lifting.corrupt import DetectorConfig
from vitruve.data.mixture import Mixture, MixtureConfig
from vitruve.data.motion import (
    bvh_folder,
    cmu,
    cmu_archive,
    h3wb,
    human36m,
    human36m_motionbert,
    keypoint_files,
    mpi_inf_3dhp,
    threedpw,
)
from vitruve.data.sequences.clip import MotionSequence
from vitruve.data.sequences.store import SequenceStore
from vitruve.data.sequences.store_write import write_store
from vitruve.data.sequences.windows import MotionFrames
from vitruve.data.shards.file import write_shard
from vitruve.data.shards.folder import ShardReader, write_index
from vitruve.data.studio.config import StudioConfig
from vitruve.data.studio.reader import Studio

READERS: dict[str, Callable[..., Iterator[MotionSequence]]] = {
    "bvh": bvh_folder.read,
    "cmu": cmu.read,
    "cmu_archive": cmu_archive.read,
    "h3wb": h3wb.read,
    "human36m": human36m.read,
    "human36m_motionbert": human36m_motionbert.read,
    "keypoints": keypoint_files.read,
    "mpi_inf_3dhp": mpi_inf_3dhp.read,
    "threedpw": threedpw.read,
}
"""What turns one kind of dataset into sequences: ``read(root, split=None)``."""

__all__ = [
    "READERS",
    "BodyConfig",
    "CropMixture",
    "CropStore",
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
    "ShardReader",
    "Studio",
    "StudioConfig",
    "h36m_rigs",
    "write_index",
    "write_shard",
    "write_store",
]
