"""Training signals that fit any estimator: they read only the two records."""

from vitruve.objectives.base import Objective, Term, frozen
from vitruve.objectives.position import PositionConfig, PositionObjective
from vitruve.objectives.smoothness import SmoothnessConfig, SmoothnessObjective

OBJECTIVES = {
    "position": (PositionObjective, PositionConfig),
    "smoothness": (SmoothnessObjective, SmoothnessConfig),
}
"""Every objective by the name that recipes and checkpoints carry."""

__all__ = ["OBJECTIVES", "Objective", "Term", "frozen"]
