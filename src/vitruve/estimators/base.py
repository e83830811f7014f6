"""An estimator maps what we were given to what we say: net, normalisation and decoding."""

from abc import ABC, abstractmethod
from typing import Any

from torch import nn

from vitruve.estimators.precision import Precision
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons.skeleton import Skeleton


class Estimator(nn.Module, ABC):
    """Anything that predicts 3D joints from a batch."""

    config: Any
    """The frozen dataclass it was built from."""
    skeleton: Skeleton
    """Joint set of the prediction."""
    keypoint_skeleton: Skeleton
    """Joint set it expects as input."""
    receptive_field: int
    """Frames that one predicted frame looks at."""
    native_fps: float | None = None
    """Frame rate it was trained around; None when it does not matter."""
    needs: tuple[str, ...] = ("keypoints_px",)
    """PoseBatch fields that must be present."""
    precision: Precision = "auto"
    """In which numbers its net computes when it predicts."""
    says_joints: bool = True
    """Whether it predicts 3D; one that only pre-trains a net does not and is not scored."""
    trains_on_labels: bool = False
    """``training_forward`` looks at the labels, so that only ``forward`` can be evaluated."""

    @abstractmethod
    def forward(self, batch: PoseBatch) -> Prediction:
        """Predict every frame of ``batch``."""

    def training_forward(self, batch: PoseBatch) -> Prediction:
        """Predict for the objectives; may cover only the central frames."""
        return self(batch)

    def load_pretrained(self) -> None:
        """Get the weights of parts that others trained; none by default.

        ``make_estimator`` does so for a new one. A saved one holds all its weights.
        """

    def check(self, batch: PoseBatch) -> None:
        """Refuse a batch this estimator cannot read.

        Raises:
            ValueError: A needed field is missing, or the keypoints are of another skeleton.
        """
        if missing := [name for name in self.needs if getattr(batch, name) is None]:
            raise ValueError(
                f"{type(self).__name__} needs PoseBatch.{missing[0]}; this batch has none"
            )
        given, wanted = batch.keypoint_skeleton, self.keypoint_skeleton
        if given.names == wanted.names:
            return
        if set(given.names) == set(wanted.names):
            kind = "the same keypoints in another order"
        else:
            kind = "other keypoints"
        raise ValueError(
            f"the estimator reads keypoints {wanted.name!r} {wanted.names}, but the batch holds "
            f"{given.name!r} {given.names}: {kind}; convert them first"
        )
