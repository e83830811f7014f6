"""Studio with labels behind the estimator: supervised post-processing, as the names say.

Axes: n pictures, j joints.
"""

from pathlib import Path

from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.benchmarks.post_processing import Fitted, ridge, two_layer
from vitruve.benchmarks.studio import StudioPictures, labels
from vitruve.data.studio.reader import Studio
from vitruve.estimators import Estimator
from vitruve.metrics import root_centred

_PICTURES = 8192
"""Labelled pictures that are learnt from, at most; evenly spread over the training split."""


class StudioRidge(StudioPictures):
    """The first hypothesis and the 2D joints behind a linear map that labels taught.

    Sides, places and scales that an estimator gets wrong in the same way everywhere are right
    after it. The labels are those of the training split.
    """

    name = "studio_ridge"
    title = "Studio, labels behind the estimator: a linear map"
    data_name = "studio ridge"

    def __init__(self, data: str | Path) -> None:
        """Open the shards; as `StudioPictures`.

        Raises:
            FileNotFoundError: There are none.
            ValueError: They are damaged, hold other joints, or none of the test or training split.
        """
        super().__init__(data)
        self._taught = Studio(self._shards, "train")
        if not len(self._taught):
            raise ValueError(f"{data} has no training pictures to learn from; make more scenes")

    def answers(self, estimator: Estimator) -> dict[str, Tensor]:
        """Root-relative joints, one hypothesis, and 2D joints if the estimator says them."""
        step = -(-len(self._taught) // _PICTURES)
        numbers = range(0, len(self._taught), step)
        asked, learnt = (
            super().answers(estimator),
            self.answers_to(estimator, self._taught, numbers),
        )
        truth = labels(self._taught, numbers)
        assert truth.joints_cam is not None
        assert truth.valid is not None
        valid, root = truth.valid[:, 0], self.skeleton.root
        said, new = (root_centred(x["joints_cam"], root) for x in (learnt, asked))
        joints = self._mapped(said, root_centred(truth.joints_cam[:, 0], root), valid, new)
        arrays = {"joints_cam": joints, "hypotheses": joints.unsqueeze(1)}
        if "keypoints_px" in asked:
            said, new = learnt["keypoints_px"], asked["keypoints_px"]
            arrays["keypoints_px"] = self._mapped(said, truth.keypoints_px[:, 0], valid, new)
        return arrays

    def fit(self, said: Float[Tensor, "n k"], true: Float[Tensor, "n m"]) -> Fitted:
        """What labels teach."""
        return ridge(said, true)

    def _mapped(
        self,
        said: Float[Tensor, "n j c"],
        true: Float[Tensor, "n j c"],
        valid: Bool[Tensor, "n j"],
        new: Float[Tensor, "m j c"],
    ) -> Float[Tensor, "m j c"]:
        """What is said of new pictures, mapped as pictures with all labels teach."""
        whole = valid.all(-1)
        fitted = self.fit(said[whole].flatten(1), true[whole].flatten(1))
        return fitted(new.flatten(1)).unflatten(1, new.shape[1:])


class StudioTwoLayer(StudioRidge):
    """The same with a net of two hidden layers."""

    name = "studio_two_layer"
    title = "Studio, labels behind the estimator: two hidden layers"
    data_name = "studio two-layer"

    def fit(self, said: Float[Tensor, "n k"], true: Float[Tensor, "n m"]) -> Fitted:
        """What labels teach."""
        return two_layer(said, true)
