"""Training signals that fit any estimator: they read only the two records."""

from vitruve.objectives.absolute import AbsoluteConfig, AbsoluteObjective
from vitruve.objectives.adversarial import AdversarialConfig, AdversarialObjective
from vitruve.objectives.adversarial_2d import Adversarial2dConfig, Adversarial2dObjective
from vitruve.objectives.anchors import AnchorsConfig, AnchorsObjective
from vitruve.objectives.base import Objective, Term, frozen
from vitruve.objectives.bone_constants import BoneConstantsConfig, BoneConstantsObjective
from vitruve.objectives.consistency import ConsistencyConfig, ConsistencyObjective
from vitruve.objectives.depth_likelihood import DepthLikelihoodConfig, DepthLikelihoodObjective
from vitruve.objectives.energy import EnergyConfig, EnergyObjective
from vitruve.objectives.equivariance import EquivarianceConfig, EquivarianceObjective
from vitruve.objectives.flatness import FlatnessConfig, FlatnessObjective
from vitruve.objectives.geometry import GeometryConfig, GeometryObjective
from vitruve.objectives.keypoints import KeypointsConfig, KeypointsObjective
from vitruve.objectives.limb_lengths import LimbLengthsConfig, LimbLengthsObjective
from vitruve.objectives.mask import MaskConfig, MaskObjective
from vitruve.objectives.mean_relative import MeanRelativeConfig, MeanRelativeObjective
from vitruve.objectives.multiview import MultiviewConfig, MultiviewObjective
from vitruve.objectives.mutual_information import (
    MutualInformationConfig,
    MutualInformationObjective,
)
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.objectives.projection import ProjectionConfig, ProjectionObjective
from vitruve.objectives.proportions import ProportionsConfig, ProportionsObjective
from vitruve.objectives.smoothness import SmoothnessConfig, SmoothnessObjective
from vitruve.objectives.symmetry import SymmetryConfig, SymmetryObjective
from vitruve.objectives.task_position import TaskPositionConfig, TaskPositionObjective
from vitruve.objectives.teacher import TeacherConfig, TeacherObjective
from vitruve.objectives.view_labels import ViewLabelsConfig, ViewLabelsObjective

OBJECTIVES = {
    "consistency": (ConsistencyObjective, ConsistencyConfig),
    "absolute": (AbsoluteObjective, AbsoluteConfig),
    "adversarial": (AdversarialObjective, AdversarialConfig),
    "adversarial_2d": (Adversarial2dObjective, Adversarial2dConfig),
    "anchors": (AnchorsObjective, AnchorsConfig),
    "bone_constants": (BoneConstantsObjective, BoneConstantsConfig),
    "depth_likelihood": (DepthLikelihoodObjective, DepthLikelihoodConfig),
    "energy": (EnergyObjective, EnergyConfig),
    "equivariance": (EquivarianceObjective, EquivarianceConfig),
    "flatness": (FlatnessObjective, FlatnessConfig),
    "geometry": (GeometryObjective, GeometryConfig),
    "keypoints": (KeypointsObjective, KeypointsConfig),
    "limb_lengths": (LimbLengthsObjective, LimbLengthsConfig),
    "mask": (MaskObjective, MaskConfig),
    "mean_relative": (MeanRelativeObjective, MeanRelativeConfig),
    "multiview": (MultiviewObjective, MultiviewConfig),
    "mutual_information": (MutualInformationObjective, MutualInformationConfig),
    "position": (PositionObjective, PositionConfig),
    "projection": (ProjectionObjective, ProjectionConfig),
    "proportions": (ProportionsObjective, ProportionsConfig),
    "smoothness": (SmoothnessObjective, SmoothnessConfig),
    "symmetry": (SymmetryObjective, SymmetryConfig),
    "task_position": (TaskPositionObjective, TaskPositionConfig),
    "teacher": (TeacherObjective, TeacherConfig),
    "view_labels": (ViewLabelsObjective, ViewLabelsConfig),
}
"""Every objective by the name that recipes and checkpoints carry."""

__all__ = ["OBJECTIVES", "Objective", "Term", "frozen"]
