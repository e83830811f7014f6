"""Motion, keypoints and pictures for training and scoring: readers, stores, cameras, Studio."""

from collections.abc import Callable, Iterator

from vitruve.data import (
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
from vitruve.data.augment import BodyConfig
from vitruve.data.cameras import (
    RandomCameras,
    RandomCamerasConfig,
    RigCameras,
    RigCamerasConfig,
    h36m_rigs,
)
from vitruve.data.corrupt import DetectorConfig
from vitruve.data.crop_store import CropMixture, CropStore
from vitruve.data.lifting import LiftingBatches, LiftingConfig
from vitruve.data.mixture import Mixture, MixtureConfig
from vitruve.data.sequences import MotionSequence
from vitruve.data.shard_file import write_shard
from vitruve.data.shards import ShardReader, write_index
from vitruve.data.store import SequenceStore
from vitruve.data.store_write import write_store
from vitruve.data.studio import StudioConfig
from vitruve.data.studio_reader import Studio
from vitruve.data.windows import MotionFrames

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
