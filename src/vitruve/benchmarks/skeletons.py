"""Skeletons: one estimator's answers in many formats, where the truth of every one is known.

Data: a parallel corpus (docs/bridge.md) of people that nobody learnt from; of its formats those
count that ``one_format_each.FORMATS`` names and the estimator says. Every moment is seen by
a virtual camera of its own, drawn from its number. Errors are relative to each format's own root
and averaged over the joints of a format, then over formats. ``cross_skeleton_mm`` is the distance
between the answers in two formats to one question: joints of different formats whose truth is the
same point of the body in every moment.

Axes: n moments, t frames of a view (one), j joints of all formats.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from vitruve.benchmarks.base import Benchmark
from vitruve.benchmarks.lift_view import own_answer
from vitruve.benchmarks.predictions import read_predictions
from vitruve.benchmarks.view import RecordedClip, View
from vitruve.data.corpora.one_format_each import FORMATS, Moments
from vitruve.data.corpora.parallel import ParallelCorpus, read_corpus
from vitruve.data.lifting.batches import step_generator
from vitruve.estimators import Estimator
from vitruve.metrics import mpjpe_mm, p_mpjpe_mm
from vitruve.skeletons import Skeleton, places_in
from vitruve.skeletons.merge import ALIKE

SAME_POINT_M = 1e-3
"""Two joints that are never further apart than this are one point of the body."""
_SEED = 20_000
_LOOKED_AT = 256
"""Moments in which joints are compared."""


class Skeletons(Benchmark):
    """The benchmark over one parallel corpus."""

    name = "skeletons"
    title = "Skeletons"
    data_name = "skeletons"
    average = "frames"
    columns = ("mpjpe_mm", "p_mpjpe_mm", "cross_skeleton_mm")
    fps = 30.0
    keypoints = ("coco_17",)

    def __init__(self, data: str | Path) -> None:
        """Read the corpus.

        Raises:
            FileNotFoundError: There is no corpus at ``data``.
            KeyError: It has no coco_17, which is what is shown.
            ValueError: It is damaged, not in the world frame, or no two of its joints are one.
        """
        self._whole = read_corpus(data)
        if self._whole.frame != "world":
            raise ValueError(f"{data} is in the camera frame; virtual cameras need the world's")
        self._whole.part(self.keypoints[0])
        count = len(self._whole.joints)
        self.clips = [RecordedClip(f"{i:06d}", "test", "all", 1) for i in range(count)]
        self._scored = [one for one in self._whole.formats if one.name in FORMATS]
        self._keep([one.name for one in self._scored])

    def check(self, estimator: Estimator) -> None:
        """Keep the formats that the estimator says.

        Raises:
            ValueError: It says none, or only ones that have no joint in common.
        """
        self._keep([f.name for f in self._scored if _says(estimator.skeleton, f)])

    def score(self, file: str | Path) -> dict[str, Any]:
        """Score a file of predictions in the formats that it holds.

        Raises:
            ValueError: As `Benchmark.score`.
            OSError: It does not exist or may not be read.
        """
        self._keep(read_predictions(file).meta["skeleton"].split("+"))
        return super().score(file)

    def _keep(self, names: Sequence[str]) -> None:
        known = {one.name for one in self._whole.formats}
        kept = tuple(name for name in names if name in known)
        if not kept:
            raise ValueError(f"the corpus has none of the formats that are said: {sorted(known)}")
        self._corpus = self._whole.only(kept)
        self.skeleton = self._corpus.skeleton
        self.pairs = same_points(self._corpus)
        if not len(self.pairs):
            raise ValueError(f"no two of {', '.join(kept)} have a joint in common here")

    def views(self, keypoints: str) -> Iterator[View]:
        """Every moment through its own camera."""
        moments = Moments(self._whole, keypoints)
        kept = [
            j
            for one in self._corpus.formats
            for j in range(*self._whole.part(one.name).indices(self._whole.joints.shape[1]))
        ]
        for number, clip in enumerate(self.clips):
            batch = moments.see(torch.tensor([number]), step_generator(_SEED, number))
            assert batch.joints_cam is not None
            assert batch.valid is not None
            joints, valid = batch.joints_cam[..., kept, :], batch.valid[..., kept]
            batch = replace(batch, skeleton=self.skeleton, joints_cam=joints, valid=valid)
            yield View(clip, 0, batch, torch.ones(1, dtype=torch.bool))

    def lift(self, estimator: Estimator, view: View, *, flip: bool) -> Float[Tensor, "t j 3"]:
        """The answer in every format, in one frame.

        Raises:
            ValueError: The estimator does not say every joint of the corpus.
        """
        places = list(places_in(self.skeleton, estimator.skeleton))
        return own_answer(estimator, view.batch, flip=flip)[1][0][:, places]

    def errors(self, view: View, joints: Float[Tensor, "t j 3"]) -> dict[str, float]:
        """Errors in every format, and how far the formats disagree."""
        assert view.batch.joints_cam is not None
        assert view.batch.valid is not None
        truth, valid = view.batch.joints_cam[0], view.batch.valid[0]
        by_format = [
            self._errors_in(number, joints, truth, valid)
            for number in range(len(self._corpus.formats))
        ]
        found = torch.tensor(by_format).nanmean(0)
        a, b = self.pairs.unbind(-1)
        apart = torch.linalg.vector_norm(joints[:, a] - joints[:, b], dim=-1)
        both = valid[:, a] & valid[:, b]
        cross = 1000 * apart[both].mean()
        names = ("mpjpe_mm", "p_mpjpe_mm")
        return dict(zip(names, found.tolist(), strict=True)) | {"cross_skeleton_mm": cross.item()}

    def _errors_in(
        self,
        number: int,
        joints: Float[Tensor, "t j 3"],
        truth: Float[Tensor, "t j 3"],
        valid: Bool[Tensor, "t j"],
    ) -> tuple[float, float]:
        """Of one format; NaN where its root is not known."""
        one = self._corpus.formats[number]
        part, root = self._corpus.part(one.name), one.root
        if not bool(valid[:, part][:, root].all()):
            return float("nan"), float("nan")
        said, true = (x[:, part] - x[:, part][:, root : root + 1] for x in (joints, truth))
        known = valid[:, part]
        return mpjpe_mm(said, true, known).item(), p_mpjpe_mm(said, true, known).item()


def _says(whole: Skeleton, one: Skeleton) -> bool:
    return all({f"{one.name}/{n}", f"{ALIKE}/{n}"} & set(whole.names) for n in one.names)


def same_points(corpus: ParallelCorpus) -> Int64[Tensor, "pairs 2"]:
    """Joints of different formats that are the same point of the body in every moment."""
    step = max(1, len(corpus.joints) // _LOOKED_AT)
    joints, valid = corpus.joints[::step], corpus.valid[::step]
    pairs = []
    for j in range(joints.shape[1]):
        apart = torch.linalg.vector_norm(joints[:, j + 1 :] - joints[:, j : j + 1], dim=-1)
        both = valid[:, j + 1 :] & valid[:, j : j + 1]
        same = both.any(0) & (apart.where(both, 0.0).amax(0) < SAME_POINT_M)
        pairs += [(j, j + 1 + k) for k in same.nonzero()[:, 0].tolist()]
    own = [corpus.part(one.name) for one in corpus.formats]
    number = torch.cat([torch.full((p.stop - p.start,), i) for i, p in enumerate(own)])
    found = torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)
    return found[number[found[:, 0]] != number[found[:, 1]]]
