"""CMU-Lift: 2D to 3D on CMU motion in the Human3.6M rigs; docs/benchmarks.md is its protocol.

Predict to a file, then score the file; any system's file is scored the same way.

Axes: b examples (here 1), t frames of a clip, j joints.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.cmu_clips import TEST_SETS, Clip, clips, read_clips
from vitruve.benchmarks.cmu_views import Keypoints, View, views
from vitruve.benchmarks.lift_view import check_joints, lift_view
from vitruve.benchmarks.predictions import (
    Predictions,
    read_predictions,
    write_arrays,
    write_predictions,
)
from vitruve.benchmarks.provenance import commit
from vitruve.estimators import Estimator
from vitruve.metrics import (
    GroupedMean,
    bsle,
    lle,
    lse,
    mpjpe_mm,
    mpjve_mm,
    n_mpjpe_mm,
    p_mpjpe_mm,
    root_centred,
)
from vitruve.skeletons import skeleton

NAME = "cmu_lift"
NUM_CAMERAS = 4
_SKELETON = skeleton("h36m_17")


class CmuLift:
    """The benchmark over one motion archive."""

    def __init__(self, data: str | Path) -> None:
        """Read the test clips.

        Raises:
            FileNotFoundError: There is no motion archive at ``data``.
            ValueError: It is damaged or not the benchmark's.
        """
        self.clips = clips(*TEST_SETS)
        self._motion = read_clips(data, self.clips)

    def predict(
        self,
        estimator: Estimator,
        out: str | Path,
        keypoints: Keypoints = "gt",
        *,
        model: str = "",
        flip: bool = True,
    ) -> Path:
        """Predict every frame of every view and write the file.

        Args:
            estimator: Of any skeleton that converts to and from h36m_17.
            out: The file, ``*.npz``.
            keypoints: Which 2D it is shown.
            model: Name of the estimator, kept in the file.
            flip: Average with the prediction of the mirrored keypoints.

        Raises:
            ValueError: The estimator's joints do not give those of h36m_17.
            OSError: The file cannot be written.
        """
        check_joints(estimator, _SKELETON)
        answers = (
            lift_view(estimator, v.batch, _SKELETON, flip=flip) for v in self.views(keypoints)
        )
        joints = np.concatenate([a[0].numpy() for a in answers])
        meta = {
            "benchmark": NAME,
            "keypoints": keypoints,
            "skeleton": _SKELETON.name,
            "model": model,
            "commit": commit(),
        }
        return write_predictions(Predictions(*self._rows(), joints, meta), out)

    def score(self, file: str | Path) -> dict[str, Any]:
        """Score a file of predictions against the motion.

        Returns:
            ``benchmark``, ``keypoints``, ``model``, ``commit``, and ``sets``: for each test set
            that the file covers, ``metrics`` (means over actions), ``frame_metrics`` (means over
            frames), ``actions`` (metrics by action) and ``frames`` (scored).

        Raises:
            ValueError: Another benchmark's file, or it does not hold every frame of a set.
            OSError: It does not exist or may not be read.
        """
        predictions = read_predictions(file)
        _check_meta(predictions, file)
        rows = predictions.by_view()
        covered = self._covered(rows, file)
        tables = {name: _Table() for name in TEST_SETS if name in covered}
        for view in self.views("gt"):
            if view.clip.set in tables:
                frames = predictions.frame[rows[view.clip.name, view.camera]]
                _check_frames(view.clip, view.camera, frames, file)
                joints = predictions.joints_cam[rows[view.clip.name, view.camera]]
                tables[view.clip.set].add(view, torch.from_numpy(joints))
        about = {name: predictions.meta[name] for name in ("keypoints", "model", "commit")}
        sets = {name: table.result() for name, table in tables.items()}
        return {"benchmark": NAME, **about, "sets": sets}

    def export(self, out: str | Path, keypoints: Keypoints = "gt") -> Path:
        """Write the 2D that a system of another house is to lift; rows as in predictions.

        Raises:
            OSError: The file cannot be written.
        """
        seen = list(self.views(keypoints))
        clip, camera, frame = self._rows()
        fields = {
            name: np.concatenate([getattr(v.batch, name)[0].numpy() for v in seen])
            for name in ("keypoints_px", "keypoints_valid", "confidence")
        }
        lens = {
            name: np.stack([getattr(v.batch, name)[0].numpy() for v in seen])
            for name in ("intrinsics", "distortion", "image_size_px")
        }
        meta = {"benchmark": NAME, "keypoints": keypoints, "skeleton": _SKELETON.name, "fps": 60}
        write_arrays(out, meta, clip=clip, camera=camera, frame=frame, **fields, **lens)
        return Path(out)

    def views(self, keypoints: Keypoints) -> Iterator[View]:
        """Every view of every test clip, in the benchmark's order."""
        for clip in self.clips:
            yield from views(clip, self._motion[clip.name], keypoints)

    def _rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        each = [(c.name, n, c.frames) for c in self.clips for n in range(NUM_CAMERAS)]
        lengths = [length for _, _, length in each]
        return (
            np.repeat(np.array([name for name, _, _ in each]), lengths),
            np.repeat(np.array([n for _, n, _ in each], dtype=np.int64), lengths),
            np.concatenate([np.arange(length, dtype=np.int64) for length in lengths]),
        )

    def _covered(self, rows: dict[tuple[str, int], Any], file: str | Path) -> set[str]:
        """Test sets of which the file holds every view."""
        known = {(c.name, n): c.set for c in self.clips for n in range(NUM_CAMERAS)}
        if strange := [view for view in rows if view not in known]:
            raise ValueError(f"{file}: {strange[0]} is no (clip, camera) of CMU-Lift")
        covered = {known[view] for view in rows}
        for view, name in known.items():
            if name in covered and view not in rows:
                raise ValueError(
                    f"{file} holds a part of the set {name!r} only: clip {view[0]!r}, camera "
                    f"{view[1]} is missing"
                )
        if not covered:
            raise ValueError(f"{file} holds no predictions")
        return set(covered)


class _Table:
    """Means of one test set, by action."""

    def __init__(self) -> None:
        self._means: dict[str, GroupedMean] = {}
        self._frames = 0

    def add(self, view: View, joints: Float[Tensor, "t j 3"]) -> None:
        assert view.batch.joints_cam is not None
        frames = int(view.scored.sum())
        predicted = root_centred(joints, _SKELETON.root)
        truth = root_centred(view.batch.joints_cam[0], _SKELETON.root)
        valid = view.scored[:, None].expand(truth.shape[:-1])
        values = {
            "mpjpe_mm": mpjpe_mm(predicted, truth, valid),
            "p_mpjpe_mm": p_mpjpe_mm(predicted, truth, valid),
            "n_mpjpe_mm": n_mpjpe_mm(predicted, truth, valid),
            "mpjve_mm": mpjve_mm(predicted, truth, valid),
            "lse": lse(predicted, _SKELETON.limbs, valid),
            "lle": lle(predicted, truth, _SKELETON.limbs, valid),
            "bsle": bsle(predicted, truth, _SKELETON.parents, valid),
        }
        for name, value in values.items():
            mean = self._means.setdefault(name, GroupedMean())
            mean.add(value.item(), frames, view.clip.action)
        self._frames += frames

    def result(self) -> dict[str, Any]:
        by_action = {name: mean.by_group() for name, mean in self._means.items()}
        actions = sorted({str(a) for groups in by_action.values() for a in groups})
        return {
            "metrics": {name: mean.mean_of_groups() for name, mean in self._means.items()},
            "frame_metrics": {name: mean.mean() for name, mean in self._means.items()},
            "actions": {a: {name: by_action[name][a] for name in by_action} for a in actions},
            "frames": self._frames,
        }


def _check_meta(predictions: Predictions, file: str | Path) -> None:
    for name, wanted in (("benchmark", NAME), ("skeleton", _SKELETON.name)):
        if predictions.meta[name] != wanted:
            raise ValueError(f"{file}: {name} is {predictions.meta[name]!r}, expected {wanted!r}")
    if predictions.joints_cam.shape[1] != _SKELETON.num_joints:
        raise ValueError(
            f"{file}: {predictions.joints_cam.shape[1]} joints, {_SKELETON.name} has "
            f"{_SKELETON.num_joints}"
        )


def _check_frames(clip: Clip, camera: int, frames: np.ndarray, file: str | Path) -> None:
    wanted = np.arange(clip.frames)
    if not np.array_equal(frames, wanted):
        lost = np.setdiff1d(wanted, frames)
        what = f"frame {lost[0]} is missing" if len(lost) else "frames repeat or are out of range"
        raise ValueError(
            f"{file}: clip {clip.name!r}, camera {camera}: {what}; every frame from 0 to "
            f"{clip.frames - 1} is predicted once"
        )
