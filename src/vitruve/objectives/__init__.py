"""Training signals that fit any estimator: they read only the two records."""

from vitruve.objectives.base import Objective, Term, frozen
from vitruve.objectives.consistency import ConsistencyConfig, ConsistencyObjective
from vitruve.objectives.energy import EnergyConfig, EnergyObjective
from vitruve.objectives.geometry import GeometryConfig, GeometryObjective
from vitruve.objectives.keypoints import KeypointsConfig, KeypointsObjective
from vitruve.objectives.limb_lengths import LimbLengthsConfig, LimbLengthsObjective
from vitruve.objectives.mutual_information import (
    MutualInformationConfig,
    MutualInformationObjective,
)
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.objectives.smoothness import SmoothnessConfig, SmoothnessObjective
from vitruve.objectives.task_position import TaskPositionConfig, TaskPositionObjective

OBJECTIVES = {
    "consistency": (ConsistencyObjective, ConsistencyConfig),
    "energy": (EnergyObjective, EnergyConfig),
    "geometry": (GeometryObjective, GeometryConfig),
    "keypoints": (KeypointsObjective, KeypointsConfig),
    "limb_lengths": (LimbLengthsObjective, LimbLengthsConfig),
    "mutual_information": (MutualInformationObjective, MutualInformationConfig),
    "position": (PositionObjective, PositionConfig),
    "smoothness": (SmoothnessObjective, SmoothnessConfig),
    "task_position": (TaskPositionObjective, TaskPositionConfig),
}
"""Every objective by the name that recipes and checkpoints carry."""

__all__ = ["OBJECTIVES", "Objective", "Term", "frozen"]
