"""What runs without labels on Studio are compared with: labels, and what needs no learning.

``supervised`` has all labels; ``two_d_only`` has 2D labels and says that everything lies in one
plane, so it shows what perfect 2D is worth; ``mean_pose`` says one pose, the best one there is.
"""

from dataclasses import replace

from vitruve.data.training_crops import VariedConfig
from vitruve.estimators import ConstantPoseConfig
from vitruve.objectives.keypoints import KeypointsConfig
from vitruve.objectives.position import PositionConfig
from vitruve.recipes.detectors import (
    CPU_TRAIN,
    H36M_18,
    LONG_TRAIN,
    METRIC_DETECTOR,
    SMALL_DETECTOR,
    in_minutes,
)
from vitruve.recipes.run import Run, TermConfig
from vitruve.recipes.sources.studio import StudioSourceConfig
from vitruve.recipes.subjects import DOG, of_subject

_KEYPOINTS = {"keypoints": TermConfig("keypoints", KeypointsConfig())}
_POSITION = {"position": TermConfig("position", PositionConfig())}


def _named(run: Run, name: str, subject: str = "detector") -> dict[str, Run]:
    whole = f"baseline.studio.{subject}.{name}"
    return {whole: replace(run, train=replace(run.train, out=f"runs/{whole}"))}


_SUPERVISED = Run(
    estimator="heatmap_detector",
    estimator_config=METRIC_DETECTOR,
    source="studio",
    source_config=StudioSourceConfig(labels="joints", varied=VariedConfig()),
    terms=_KEYPOINTS | _POSITION,
    train=CPU_TRAIN,
    summary="A detector on Studio with all 2D and 3D labels.",
)
_FLAT = replace(SMALL_DETECTOR, head=replace(SMALL_DETECTOR.head, depth_cells=1))
_TWO_D_ONLY = replace(
    _SUPERVISED,
    estimator_config=_FLAT,
    source_config=StudioSourceConfig(labels="keypoints", varied=VariedConfig()),
    terms=_KEYPOINTS,
    summary="A detector on Studio with 2D labels, whose joints all lie in one plane.",
)
_MEAN_POSE = replace(
    _SUPERVISED,
    estimator="constant_pose",
    estimator_config=ConstantPoseConfig(H36M_18),
    source_config=StudioSourceConfig(labels="joints"),
    terms=_POSITION,
    train=replace(CPU_TRAIN, steps=1000, learning_rate=1e-2, schedule="cosine", weight_decay=0.0),
    summary="One pose for every picture of Studio, the best there is by its 3D labels.",
)
_LONGER = {
    name: one
    for kind, run in (("supervised", _SUPERVISED), ("two_d_only", _TWO_D_ONLY))
    for name, one in _named(replace(run, train=LONG_TRAIN), f"{kind}_longer").items()
}
"""As long as ``unsupervised.studio.detector.views``."""
_DETECTORS = _named(_SUPERVISED, "supervised") | _named(_TWO_D_ONLY, "two_d_only")
_DOGS = _named(
    replace(_SUPERVISED, estimator_config=of_subject(METRIC_DETECTOR, DOG)), "supervised", "dog"
) | _named(replace(_MEAN_POSE, estimator_config=ConstantPoseConfig(DOG)), "mean_pose", "dog")
STUDIO_BASELINES = (
    _DETECTORS | in_minutes(_DETECTORS) | _LONGER | _named(_MEAN_POSE, "mean_pose") | _DOGS
)
"""Every run by name."""
