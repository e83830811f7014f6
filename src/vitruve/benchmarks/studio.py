"""Studio: one picture to 3D joints, with and without labels; docs/unsupervised.md is its protocol.

Axes: n pictures, h hypotheses, j joints.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from vitruve.benchmarks.base import Benchmark
from vitruve.benchmarks.lift_view import check_joints
from vitruve.benchmarks.predictions import Predictions, read_predictions, write_arrays
from vitruve.benchmarks.provenance import commit
from vitruve.benchmarks.unlabelled_scores import (
    likeness_scores,
    picture_scores,
    pose_scores,
    triangulated_scores,
)
from vitruve.benchmarks.view import RecordedClip, View
from vitruve.data.studio.batches import studio_batch, told
from vitruve.data.studio.config import CAMERAS
from vitruve.data.studio.reader import Studio
from vitruve.estimators import Estimator
from vitruve.io.archive import load_npz
from vitruve.io.errors import FileError
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons import conversion, skeleton

_AT_ONCE = 64


class StudioPictures(Benchmark):
    """Test pictures of a folder that ``vitruve data studio`` made.

    A clip is one moment. The estimator is shown pictures and cameras, no keypoints and no scale.
    Predictions also hold every hypothesis, its confidence and the 2D joints, if it says them; files
    of other systems may leave these out.
    """

    name = "studio"
    title = "Studio"
    data_name = "studio"
    table = "unsupervised_studio"
    average = "frames"
    columns = ("mpjpe_mm", "n_mpjpe_mm", "p_mpjpe_mm")
    fps = 1.0
    skeleton = skeleton("h36m_18")
    keypoints = ("pictures",)
    num_cameras = CAMERAS
    folder = "people"
    """Where the shards are if not in the given folder itself."""

    def __init__(self, data: str | Path) -> None:
        """Open the shards: the folder itself, or the benchmark's ``folder`` in it.

        Raises:
            FileNotFoundError: There are none.
            ValueError: They are damaged, hold other joints, or none of the test split.
        """
        inside = Path(data) / self.folder
        self._shards = inside if inside.is_dir() else Path(data)
        self._studio = Studio(self._shards, "test")
        if self._studio.skeleton.names != self.skeleton.names:
            raise ValueError(
                f"{data} holds joints {self._studio.skeleton.name!r}, not {self.skeleton.name!r}; "
                "people are measured by the benchmark studio, dogs by studio_dogs"
            )
        if not len(self._studio):
            raise ValueError(f"{data} has no test pictures; make more scenes")
        keys = [str(self._studio.example(n)["key"]) for n in range(0, len(self._studio), CAMERAS)]
        # A key is scene, frame and camera.
        self.clips = tuple(RecordedClip(key.rpartition("-")[0], "test", "all", 1) for key in keys)

    def views(self, keypoints: str) -> Iterator[View]:
        """Every picture."""
        self._kind(keypoints)
        everything = torch.ones(1, dtype=torch.bool)
        for number, clip in enumerate(self.clips):
            batch = studio_batch(self._studio, self._studio.views(number * CAMERAS))
            for camera in range(CAMERAS):
                yield View(clip, camera, batch.map(lambda x, c=camera: x[c : c + 1]), everything)

    def predict(
        self,
        estimator: Estimator,
        out: str | Path,
        keypoints: str | None = None,
        *,
        model: str = "",
        flip: bool = True,
    ) -> Path:
        """Predict every picture, as it is, and write the file.

        Args:
            estimator: One that looks at pictures.
            out: The file, ``*.npz``.
            keypoints: ``pictures``, the only kind there is.
            model: Name of the estimator, kept in the file.
            flip: No matter: hypotheses of two answers cannot be averaged.

        Raises:
            ValueError: The estimator's joints do not give those of the benchmark.
            OSError: The file cannot be written.
        """
        del flip
        kind = self._kind(keypoints)
        check_joints(estimator, self.skeleton)
        arrays = {name: array.numpy() for name, array in self.answers(estimator).items()}
        clip, camera, frame = self._rows()
        meta = {
            "benchmark": self.name,
            "keypoints": kind,
            "skeleton": self.skeleton.name,
            "model": model,
            "commit": commit(),
        }
        write_arrays(out, meta, clip=clip, camera=camera, frame=frame, **arrays)
        return Path(out)

    def score(self, file: str | Path) -> dict[str, Any]:
        """Score a file of predictions; as `Benchmark.score`.

        Raises:
            ValueError: Another benchmark's file, or it does not hold every picture once.
            OSError: It does not exist or may not be read.
        """
        predictions = read_predictions(file)
        self._check_meta(predictions, file)
        rows = self._all_rows(predictions, file)
        said = self._said(load_npz(Path(file)), predictions.joints_cam, rows, file)
        truth = labels(self._studio, range(len(self._studio)))
        metrics = studio_scores(truth, said)
        about = {name: predictions.meta[name] for name in ("keypoints", "model", "commit")}
        about |= {"average": self.average, "facts": dict(self.facts)}
        scored = {"metrics": metrics, "frame_metrics": metrics, "actions": {}, "frames": len(rows)}
        return {"benchmark": self.name, **about, "sets": {"test": scored}}

    def export(self, out: str | Path, keypoints: str | None = None) -> Path:
        """There is nothing but the shards themselves.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"{self.title} shows pictures: read them from its shards, no export of 2D")

    def answers(self, estimator: Estimator) -> dict[str, Tensor]:
        """What is said of the test pictures, in the order of the shards.

        Returns:
            ``joints_cam`` (n, j, 3) and ``hypotheses`` (n, h, j, 3), metres; of estimators of the
            benchmark's own joints also ``keypoints_px`` (n, j, 2) and ``confidence`` (n, h, j), if
            they say these.
        """
        return self.answers_to(estimator, self._studio, range(len(self._studio)))

    def answers_to(
        self, estimator: Estimator, studio: Studio, numbers: Sequence[int]
    ) -> dict[str, Tensor]:
        """The same of other pictures."""
        parts = [
            self._answer(estimator, told(studio_batch(studio, some), "none"))
            for some in _portions(numbers)
        ]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    @torch.no_grad()
    def _answer(self, estimator: Estimator, batch: PoseBatch) -> dict[str, Tensor]:
        estimator.eval()
        answer = estimator(batch.to(next(estimator.parameters()).device))
        answer = answer.map(lambda x: x.float().cpu())
        between = conversion(estimator.skeleton, self.skeleton)
        seen = torch.ones(answer.joints_cam.shape[:-1], dtype=torch.bool)
        joints = between.apply(answer.joints_cam, seen)[0][:, :, 0]
        arrays = {"joints_cam": joints[:, 0], "hypotheses": joints}
        if estimator.skeleton.names == self.skeleton.names:
            arrays |= _extras(answer)
        return arrays

    def _all_rows(self, predictions: Predictions, file: str | Path) -> Int64[np.ndarray, "n"]:
        """Rows of the file in the benchmark's order."""
        rows = predictions.by_view()
        self._covered(rows, file)
        for clip in self.clips:
            for camera in range(CAMERAS):
                frames = predictions.frame[rows[clip.name, camera]]
                if len(frames) != 1:
                    raise ValueError(
                        f"{file}: clip {clip.name!r}, camera {camera} is predicted {len(frames)} "
                        "times; predict each picture once"
                    )
        each = [rows[clip.name, c] for clip in self.clips for c in range(CAMERAS)]
        return np.concatenate(each)

    def _said(
        self,
        arrays: dict[str, np.ndarray],
        joints_cam: Float32[np.ndarray, "n j 3"],
        rows: Int64[np.ndarray, "n"],
        file: str | Path,
    ) -> Prediction:
        n, j = joints_cam.shape[:2]
        hypotheses = arrays.get("hypotheses", joints_cam[:, None])
        count = hypotheses.shape[1] if hypotheses.ndim == 4 else 1
        shapes = {
            "hypotheses": (n, count, j, 3),
            "keypoints_px": (n, j, 2),
            "confidence": (n, count, j),
        }
        for name, shape in shapes.items():
            array = arrays.get(name)
            sound = array is None or (array.shape == shape and array.dtype.kind == "f")
            if not sound or (array is not None and not np.isfinite(array).all()):
                raise FileError(f"{file}: {name} must be finite numbers of shape {shape}")

        def taken(name: str) -> Float[Tensor, "n ..."] | None:
            array = arrays.get(name)
            return None if array is None else torch.from_numpy(array[rows]).float()

        points, confidence = taken("keypoints_px"), taken("confidence")
        return Prediction(
            self.skeleton,
            torch.from_numpy(hypotheses[rows]).float().unsqueeze(2),
            keypoints_px=None if points is None else points[:, None, None],
            confidence=None if confidence is None else confidence.unsqueeze(2),
        )


class StudioUnseen(StudioPictures):
    """The same of people in conditions that nothing that trains has: ``unseen`` beside people."""

    name = "studio_unseen"
    title = "Studio's unseen people"
    data_name = "studio unseen"
    folder = "unseen"


class StudioDogs(StudioPictures):
    """The same of a folder made with ``--body capsule-dog``."""

    name = "studio_dogs"
    title = "Studio's dogs"
    data_name = "studio dogs"
    skeleton = skeleton("stanfordextra_24")


def labels(studio: Studio, numbers: Sequence[int]) -> PoseBatch:
    """All that is known of pictures but the pictures, which would fill the memory."""
    batches = (studio_batch(studio, some) for some in _portions(numbers))
    return PoseBatch.join([replace(batch, images=None, masks=None) for batch in batches])


def studio_scores(truth: PoseBatch, said: Prediction) -> dict[str, float]:
    """All scores of predictions of Studio's pictures, moment after moment."""
    assert truth.joints_cam is not None
    assert truth.valid is not None
    confidence = None if said.confidence is None else said.confidence[:, :, 0]
    known = truth.valid[:, 0]
    joints, true = said.joints_cam[:, :, 0], truth.joints_cam[:, 0]
    scores = pose_scores(joints, true, known, said.skeleton, confidence)
    scores |= likeness_scores(joints[:, 0], true, known, said.skeleton)
    if said.keypoints_px is not None:
        points, seen = said.keypoints_px[:, 0, 0], truth.keypoints_px[:, 0]
        side = truth.image_size_px.amax(-1)
        scores |= picture_scores(points, seen, known, side, said.skeleton, CAMERAS)
        scores |= triangulated_scores(points, truth, said.skeleton.root)
    return scores


def _portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), _AT_ONCE):
        yield numbers[start : start + _AT_ONCE]


def _extras(answer: Prediction) -> dict[str, Tensor]:
    arrays = {}
    if answer.keypoints_px is not None:
        arrays["keypoints_px"] = answer.keypoints_px[:, 0, 0]
    if answer.confidence is not None:
        arrays["confidence"] = answer.confidence[:, :, 0]
    return arrays
