"""Studies of what lifters answer on the test views of CMU-Lift.

Means are the benchmark's: over the scored frames of an action, then over actions.

Axes: t frames of a view, j joints of h36m_17.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.benchmarks.lift_view import check_joints, lift_view
from vitruve.benchmarks.studies.motion import CmuMotion, StudySet
from vitruve.benchmarks.studies.study import Finding, Material, Model, Study
from vitruve.benchmarks.view import View
from vitruve.estimators import Estimator
from vitruve.metrics import root_centred
from vitruve.skeletons import skeleton

H36M = skeleton("h36m_17")


@dataclass(frozen=True)
class CmuStudyConfig:
    """What is shown to the models."""

    set: StudySet = "subject"
    """Test set: held-out people, held-out clips, or the held-out person on an avatar's body; or the
    validation subject, to choose by."""
    flip: bool = True
    """Average with the prediction of the mirrored keypoints."""


class CmuStudy(Study):
    """A study that measures each model by itself on the benchmark's views."""

    def measure(self, material: Material) -> Iterator[Finding]:
        """Measure model by model.

        Raises:
            ValueError: A model cannot say where the benchmark's joints are.
        """
        assert material.motion is not None
        for model in material.models:
            check_joints(model.estimator, H36M)
        for model in material.models:
            yield self.measure_one(model, material.motion)

    @abstractmethod
    def measure_one(self, model: Model, motion: CmuMotion) -> Finding:
        """Measure one model."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What an estimator said of one view, beside the truth."""

    view: View
    predicted: Float[Tensor, "t j 3"]
    """Camera axes, metres, root at 0."""
    truth: Float[Tensor, "t j 3"]
    """The same of the truth."""
    valid: Bool[Tensor, "t j"]
    """False in frames that are not scored."""

    @property
    def frames(self) -> int:
        """How many frames are scored."""
        return int(self.view.scored.sum())


def answers(estimator: Estimator, views: Iterable[View], *, flip: bool) -> Iterator[Answer]:
    """Lift every view."""
    for view in views:
        assert view.batch.joints_cam is not None
        truth = root_centred(view.batch.joints_cam[0], H36M.root)
        joints = lift_view(estimator, view.batch, H36M, flip=flip)[0]
        valid = view.scored[:, None].expand(truth.shape[:-1])
        yield Answer(view, root_centred(joints, H36M.root), truth, valid)
