"""A benchmark: predict to a file, then score the file; any system's file is scored the same way.

Axes: b examples (here 1), t frames of a clip, k keypoints, j joints.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.lift_view import check_joints, lift_view
from vitruve.benchmarks.predictions import (
    Predictions,
    read_predictions,
    write_arrays,
    write_predictions,
)
from vitruve.benchmarks.provenance import commit
from vitruve.benchmarks.score_table import Average, ScoreTable
from vitruve.benchmarks.view import AnyClip, View
from vitruve.estimators import Estimator
from vitruve.metrics import (
    bsle,
    lle,
    lse,
    mpjpe_mm,
    mpjve_mm,
    n_mpjpe_mm,
    p_mpjpe_mm,
    root_centred,
)
from vitruve.skeletons import Skeleton


class Benchmark(ABC):
    """One protocol over one data set: what is shown, what is scored, and how it is averaged."""

    name: ClassVar[str]
    """In ``BENCHMARKS`` and in files of predictions."""
    title: ClassVar[str]
    """For people."""
    data_name: ClassVar[str]
    """Of the data, in rows of results."""
    table: ClassVar[str] = ""
    """File of results, without its suffix; ``lifters_`` and the data's name if empty."""
    main_set: ClassVar[str] = "test"
    """The test set whose rows of results need no further name."""
    average: ClassVar[Average] = "actions"
    """What the headline is a mean over."""
    columns: ClassVar[tuple[str, ...]] = ("mpjpe_mm", "p_mpjpe_mm", "n_mpjpe_mm", "mpjve_mm")
    """Metrics worth a column on a terminal; the result holds all."""
    data_variable: ClassVar[str] = ""
    """Environment variable that stands in for the path of the data."""
    fps: ClassVar[float]
    skeleton: Skeleton
    """Joints that are predicted and scored."""
    clips: Sequence[AnyClip]
    """Test clips, in the benchmark's order."""
    keypoints: tuple[str, ...]
    """Kinds of 2D there are to predict from."""
    scored_joints: Sequence[int] | None = None
    """Joints whose errors count, after the root was subtracted; all of them if None."""
    num_cameras: int = 1
    """Cameras of every clip."""
    facts: Mapping[str, str] = {}
    """What else a result must say, such as which annotation is scored."""

    @abstractmethod
    def __init__(self, data: str | Path) -> None:
        """Read the test data.

        Raises:
            FileNotFoundError: They are not at ``data``.
            ValueError: They are damaged or not the benchmark's.
        """

    @abstractmethod
    def views(self, keypoints: str) -> Iterator[View]:
        """Every view of every test clip, in the benchmark's order."""

    def predict(
        self,
        estimator: Estimator,
        out: str | Path,
        keypoints: str | None = None,
        *,
        model: str = "",
        flip: bool = True,
    ) -> Path:
        """Predict every frame of every view and write the file.

        Args:
            estimator: Of any skeleton that converts to and from the benchmark's.
            out: The file, ``*.npz``.
            keypoints: Which 2D it is shown; the first of ``keypoints`` if unset.
            model: Name of the estimator, kept in the file.
            flip: Average with the prediction of the mirrored keypoints.

        Raises:
            ValueError: The estimator's joints do not give those of the benchmark, or there is no
                such 2D.
            OSError: The file cannot be written.
        """
        kind = self._kind(keypoints)
        self.check(estimator)
        answers = (self.lift(estimator, view, flip=flip) for view in self.views(kind))
        joints = np.concatenate([a.numpy() for a in answers])
        meta = {
            "benchmark": self.name,
            "keypoints": kind,
            "skeleton": self.skeleton.name,
            "model": model,
            "commit": commit(),
            **self.facts,
        }
        return write_predictions(Predictions(*self._rows(), joints, meta), out)

    def check(self, estimator: Estimator) -> None:
        """Refuse an estimator that cannot be scored.

        Raises:
            ValueError: Some joints cannot be derived from its own.
        """
        check_joints(estimator, self.skeleton)

    def lift(self, estimator: Estimator, view: View, *, flip: bool) -> Float[Tensor, "t j 3"]:
        """The estimator's answer to a view, root-relative metres."""
        return lift_view(estimator, view.batch, self.skeleton, flip=flip)[0]

    def score(self, file: str | Path) -> dict[str, Any]:
        """Score a file of predictions against the truth.

        Returns:
            ``benchmark``, ``keypoints``, ``model``, ``commit``, ``average``, ``facts`` and
            ``sets``: for each test set that the file covers, ``metrics`` (the headline: means over
            what ``average`` says), ``frame_metrics`` (means over frames), ``actions`` (metrics by
            action) and ``frames`` (scored).

        Raises:
            ValueError: Another benchmark's file, or it does not hold every frame of a set.
            OSError: It does not exist or may not be read.
        """
        predictions = read_predictions(file)
        self._check_meta(predictions, file)
        rows = predictions.by_view()
        covered = self._covered(rows, file)
        tables = {name: ScoreTable(self.average) for name in covered}
        for view in self.views(self.keypoints[0]):
            if view.clip.set in tables:
                its_rows = rows[view.clip.name, view.camera]
                self._check_frames(view, predictions.frame[its_rows], file)
                joints = torch.from_numpy(predictions.joints_cam[its_rows])
                frames = int(view.scored.sum())
                tables[view.clip.set].add(self.errors(view, joints), frames, view.clip.action)
        about = {name: predictions.meta[name] for name in ("keypoints", "model", "commit")}
        about |= {"average": self.average, "facts": dict(self.facts)}
        sets = {name: table.result() for name, table in tables.items()}
        return {"benchmark": self.name, **about, "sets": sets}

    def errors(self, view: View, joints: Float[Tensor, "t j 3"]) -> dict[str, float]:
        """Every metric of one view, over its scored frames; here root-relative ones."""
        assert view.batch.joints_cam is not None
        counted = list(self.scored_joints or range(self.skeleton.num_joints))
        predicted = root_centred(joints, self.skeleton.root)[:, counted]
        truth = root_centred(view.batch.joints_cam[0], self.skeleton.root)[:, counted]
        valid = view.scored[:, None].expand(truth.shape[:-1])
        values = {
            "mpjpe_mm": mpjpe_mm(predicted, truth, valid),
            "p_mpjpe_mm": p_mpjpe_mm(predicted, truth, valid),
            "n_mpjpe_mm": n_mpjpe_mm(predicted, truth, valid),
            "mpjve_mm": mpjve_mm(predicted, truth, valid),
        }
        return {name: value.item() for name, value in values.items()}

    def length_errors(
        self, view: View, joints: Float[Tensor, "t j 3"], parents: Sequence[int] | None = None
    ) -> dict[str, float]:
        """How well limbs and bones keep their lengths, over the scored frames, percent.

        ``true_lse`` is the asymmetry of the truth itself, that an ``lse`` is to be read beside.

        Args:
            view: What was shown.
            joints: What was answered.
            parents: Whose bones count for ``bsle``; the skeleton's if unset.
        """
        assert view.batch.joints_cam is not None
        truth, limbs = view.batch.joints_cam[0], self.skeleton.limbs
        valid = view.scored[:, None].expand(truth.shape[:-1])
        values = {
            "lse": lse(joints, limbs, valid),
            "lle": lle(joints, truth, limbs, valid),
            "bsle": bsle(joints, truth, parents or self.skeleton.parents, valid),
            "true_lse": lse(truth, limbs, valid),
        }
        return {name: value.item() for name, value in values.items()}

    def export(self, out: str | Path, keypoints: str | None = None) -> Path:
        """Write the 2D that a system of another house is to lift; rows as in predictions.

        Raises:
            ValueError: There is no such 2D.
            OSError: The file cannot be written.
        """
        kind = self._kind(keypoints)
        seen = list(self.views(kind))
        clip, camera, frame = self._rows()
        fields = {
            name: np.concatenate([getattr(v.batch, name)[0].numpy() for v in seen])
            for name in ("keypoints_px", "keypoints_valid", "confidence")
        }
        lens = {
            name: np.stack([getattr(v.batch, name)[0].numpy() for v in seen])
            for name in ("intrinsics", "distortion", "image_size_px")
            if getattr(seen[0].batch, name) is not None
        }
        shown = seen[0].batch.keypoint_skeleton.name
        meta = {"benchmark": self.name, "keypoints": kind, "skeleton": shown, "fps": self.fps}
        write_arrays(out, meta, clip=clip, camera=camera, frame=frame, **fields, **lens)
        return Path(out)

    def _kind(self, keypoints: str | None) -> str:
        if keypoints is None:
            return self.keypoints[0]
        if keypoints not in self.keypoints:
            raise ValueError(
                f"{self.title} has no keypoints {keypoints!r} here; there are "
                f"{', '.join(self.keypoints)}"
            )
        return keypoints

    def _rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        each = [(c.name, n, c.frames) for c in self.clips for n in range(self.num_cameras)]
        lengths = [length for _, _, length in each]
        return (
            np.repeat(np.array([name for name, _, _ in each]), lengths),
            np.repeat(np.array([n for _, n, _ in each], dtype=np.int64), lengths),
            np.concatenate([np.arange(length, dtype=np.int64) for length in lengths]),
        )

    def _covered(self, rows: Mapping[tuple[str, int], Any], file: str | Path) -> list[str]:
        """Test sets of which the file holds every view, in the benchmark's order."""
        known = {(c.name, n): c.set for c in self.clips for n in range(self.num_cameras)}
        if strange := [view for view in rows if view not in known]:
            raise ValueError(f"{file}: {strange[0]} is no (clip, camera) of {self.title}")
        covered = {known[view] for view in rows}
        for view, name in known.items():
            if name in covered and view not in rows:
                raise ValueError(
                    f"{file} holds a part of the set {name!r} only: clip {view[0]!r}, camera "
                    f"{view[1]} is missing"
                )
        if not covered:
            raise ValueError(f"{file} holds no predictions")
        return [name for name in dict.fromkeys(known.values()) if name in covered]

    def _check_meta(self, predictions: Predictions, file: str | Path) -> None:
        wanted = {"benchmark": self.name, "skeleton": self.skeleton.name}
        for name, value in wanted.items():
            if predictions.meta[name] != value:
                found = predictions.meta[name]
                raise ValueError(f"{file}: {name} is {found!r}, expected {value!r}")
        if (found := predictions.joints_cam.shape[1]) != self.skeleton.num_joints:
            raise ValueError(
                f"{file}: {found} joints, {self.skeleton.name} has {self.skeleton.num_joints}"
            )

    def _check_frames(self, view: View, frames: np.ndarray, file: str | Path) -> None:
        clip, wanted = view.clip, np.arange(view.clip.frames)
        if not np.array_equal(frames, wanted):
            lost = np.setdiff1d(wanted, frames)
            what = f"frame {lost[0]} is missing" if len(lost) else "frames repeat or are too many"
            raise ValueError(
                f"{file}: clip {clip.name!r}, camera {view.camera}: {what}; every frame from 0 to "
                f"{clip.frames - 1} is predicted once"
            )
