"""People and dogs: how much of the world a detector's crop takes in."""

from dataclasses import replace

from vitruve.estimators import HeatmapDetectorConfig
from vitruve.skeletons import Skeleton, skeleton

DOG = skeleton("stanfordextra_24")
BOX_M = {"h36m_18": (2.0, 0.96), DOG.name: (1.2, 1.2)}
"""By joints: what a crop is taken to span, and half the depth axis, metres. From its tail, where a
dog's axis begins, to its nose, a dog is as deep as it is long."""


def of_subject(detector: HeatmapDetectorConfig, joints: Skeleton) -> HeatmapDetectorConfig:
    """The detector for these joints, of people or of dogs."""
    box_m, depth_m = BOX_M[joints.name]
    return replace(detector, skeleton=joints, box_m=box_m, depth_m=depth_m)
