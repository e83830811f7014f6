"""Studies of loss-nets: each beside the model it belongs to, on frames drawn from every view.

Axes: n frames, j joints of the model, k joints of h36m_17.
"""

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.benchmarks.cmu_views import Keypoints
from vitruve.benchmarks.lift_view import own_answer
from vitruve.benchmarks.studies.motion import CmuMotion, StudySet
from vitruve.benchmarks.studies.on_cmu import H36M, CmuStudy, CmuStudyConfig
from vitruve.benchmarks.studies.study import Finding, Material, Model
from vitruve.benchmarks.view import View
from vitruve.data.lifting.batches import step_generator
from vitruve.metrics import root_centred
from vitruve.nets import read_energy
from vitruve.nets.pose_evidence import PoseEvidence, evidence_of

_AT_ONCE = 512
"""Frames that a loss-net sees at once: bounds memory."""


@dataclass(frozen=True)
class LossNetConfig(CmuStudyConfig):
    """What is shown to the models and their loss-nets."""

    energy: tuple[str, ...] = ()
    """Loss-nets (.safetensors files): one for each of WEIGHTS, or one for all."""
    keypoints: Keypoints = "gt"
    """2D to predict from: exact, with Gaussian noise, or of a simulated detector."""
    poses: int = 50
    """Scored frames drawn from each view, the same for every model; 0 for all of them."""
    sample_seed: int = 0
    """Seed of what is drawn."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Some frames of a view."""

    view: View
    frames: Int64[Tensor, "n"]
    """Which, in order."""
    predicted: Float[Tensor, "n j 3"]
    """In the model's joints: camera axes, metres, relative to the root; on the model's device."""
    evidence: PoseEvidence
    """2D of the same joints, on the same device."""
    truth: Float[Tensor, "n k 3"]
    """Camera axes, metres, root at 0."""
    weight: float
    """Scored frames of the view that they stand for."""


class LossNetStudy(CmuStudy):
    """A study that measures each model with its loss-net; its config is a ``LossNetConfig``."""

    def __init__(self, config: LossNetConfig) -> None:
        """Check the number of poses.

        Raises:
            ValueError: It is negative.
        """
        if config.poses < 0:
            raise ValueError(f"poses is {config.poses}; it must be 0 (every frame) or more")
        self.config = config

    def measure(self, material: Material) -> Iterator[Finding]:
        """Measure model by model.

        Raises:
            FileNotFoundError: A loss-net's file is not there.
            ValueError: It is damaged or knows other joints than its model, there are more or fewer
                than models, or a model cannot say where the benchmark's joints are.
        """
        models = with_energies(material.models, self.config.energy)
        yield from super().measure(replace(material, models=models))


def with_energies(models: Sequence[Model], files: Sequence[str]) -> tuple[Model, ...]:
    """Models with their loss-nets; where a model is there twice its loss-net tells it apart.

    Raises:
        FileNotFoundError: A file is not there.
        ValueError: A file is damaged, knows other joints than its model, or there are more or fewer
            files than models.
    """
    if not files:
        raise ValueError(
            "give --energy FILE: the loss-net of each of WEIGHTS, such as energy.safetensors in "
            "the folder of its training"
        )
    if len(files) not in (1, len(models)):
        raise ValueError(f"{len(files)} values of --energy for {len(models)} WEIGHTS")
    each = list(files) * len(models) if len(files) == 1 else files
    count = Counter(model.name for model in models)
    found = []
    for model, file in zip(models, each, strict=True):
        name = model.name if count[model.name] == 1 else f"{model.name}, {_short(file)}"
        found.append(replace(model, name=name, energy=_read_for(model, file)))
    return tuple(found)


def samples(
    model: Model, motion: CmuMotion, config: LossNetConfig, part: StudySet
) -> Iterator[Sample]:
    """Lift every view of a set as a whole; then frames of it."""
    for view in motion.views(part, config.keypoints):
        assert view.batch.joints_cam is not None
        read, joints = own_answer(model.estimator, view.batch, flip=config.flip)
        evidence = evidence_of(read, model.estimator.skeleton).map(lambda x: x[0])
        truth = root_centred(view.batch.joints_cam[0], H36M.root)
        frames = _drawn(view, config)
        for rows in frames.split(_AT_ONCE) if len(frames) else ():
            seen = _rows_of(evidence, rows)
            predicted = joints[0, rows].to(seen.weights.device)
            weight = int(view.scored.sum()) * len(rows) / len(frames)
            yield Sample(view, rows, predicted, seen, truth[rows], weight)


def stream(seed: int, view: View, *more: str) -> torch.Generator:
    """A generator for one view and purpose: the same draws whatever else is looked at."""
    name = "/".join([view.clip.name, str(view.camera), *more])
    return step_generator(seed, zlib.crc32(name.encode()))


def _short(file: str) -> str:
    # Training writes DIR/energy.safetensors: there the folder says more than the file.
    path = Path(file)
    return path.parent.name if path.stem == "energy" and path.parent.name else path.stem


def _read_for(model: Model, file: str) -> Any:
    energy = read_energy(file)
    known, said = energy.config.skeleton, model.estimator.skeleton
    if known.names != said.names:
        raise ValueError(
            f"the loss-net {file} knows poses of {known.name!r}, but {model.name} says "
            f"{said.name!r}; give the one that was trained beside it"
        )
    return energy.to(next(model.estimator.parameters()).device).requires_grad_(False)


def _drawn(view: View, config: LossNetConfig) -> Int64[Tensor, "n"]:
    frames = view.scored.nonzero().flatten()
    order = torch.randperm(len(frames), generator=stream(config.sample_seed, view))
    return frames[order[: config.poses or None]].sort().values


def _rows_of(evidence: PoseEvidence, rows: Int64[Tensor, "n"]) -> PoseEvidence:
    return evidence.map(lambda x: x[rows.to(x.device)])
