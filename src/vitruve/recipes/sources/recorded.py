"""Training data of Human3.6M, MPI-INF-3DHP and H3WB: their own 2D, cameras and 3D, as recorded.

One of the training subjects steers and is held out of training. Test subjects are never read.

Axes: b batch, h hypotheses, t frames, j joints.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.h3wb import HIPS
from vitruve.data.lifting.augment import flip
from vitruve.data.lifting.batches import rank_share, step_generator
from vitruve.data.motion import h3wb, human36m, mpi_inf_3dhp
from vitruve.data.motion.mpi_inf_3dhp import Annotation
from vitruve.data.motion.recorded import RecordedWindows, WindowKind
from vitruve.data.sequences.clip import MotionSequence
from vitruve.estimators import Estimator
from vitruve.metrics import mpjpe_mm
from vitruve.objectives.base import labels
from vitruve.poses import PoseBatch
from vitruve.training import TrainConfig

Dataset = Literal["human36m", "mpi_inf_3dhp", "h3wb"]
SUBJECTS: dict[Dataset, tuple[str, ...]] = {
    "human36m": human36m.SPLITS["train"],
    "mpi_inf_3dhp": tuple(f"S{i}" for i in range(1, 9)),
    "h3wb": ("S1", "S5", "S6", "S7"),
}
"""Training subjects; the one that validates is among them."""
DETECTORS = {"cpn": "cpn_ft_h36m_dbb", "sh": "sh_ft_h36m"}
"""Short names of Human3.6M's usual detections."""
_VALIDATION_BATCHES = 4
"""Batches of validation windows that one evaluation looks at, spread over all there are."""


@dataclass(frozen=True)
class RecordedSourceConfig:
    """What a lifter sees of a recorded dataset."""

    dataset: Dataset
    """Whose files lie at the data path."""
    keypoints: str = "gt"
    """2D of Human3.6M: gt, cpn, sh, or the name in data_2d_h36m_<name>.npz; gt of the others."""
    window: int = 1
    """Frames of one window; 1 of H3WB, whose samples are not consecutive in time."""
    stride: int = 1
    """Frames from one window to the next."""
    windows: WindowKind = "centred"
    """centred: around a frame, a clip's ends repeated, for nets that answer one frame; with stride
    1 every frame is the centre equally often. whole: within a clip, for nets that answer all; side
    by side, with the window as stride, every frame is in one, or in two where a clip ends."""
    flip: float = 0.5
    """Probability that a window is mirrored."""
    validation_subject: str = "S8"
    """Training subject that is held out to steer by; of H3WB one of S1, S5, S6, S7."""
    annotation: Annotation = "univ_annot3"
    """3D of MPI-INF-3DHP: of a universal size or (annot3) of the person's own."""
    cameras: tuple[str, ...] | None = None
    """Cameras of MPI-INF-3DHP by their names in the file; None for all that it has."""

    def __post_init__(self) -> None:
        """Refuse what the dataset does not have."""
        name = self.dataset
        if self.validation_subject not in SUBJECTS[name]:
            raise ValueError(
                f"{name}: validation_subject {self.validation_subject!r} is no training subject; "
                f"choose one of {', '.join(SUBJECTS[name])}"
            )
        if name != "human36m" and self.keypoints != "gt":
            raise ValueError(f"{name} has keypoints 'gt' alone, got {self.keypoints!r}")
        if name != "mpi_inf_3dhp" and self.cameras is not None:
            raise ValueError(f"{name}: cameras are chosen of mpi_inf_3dhp only; leave them out")
        if min(self.window, self.stride) < 1 or not 0 <= self.flip <= 1:
            raise ValueError(
                f"window {self.window} and stride {self.stride} must be 1 or more, flip "
                f"{self.flip} from 0 to 1"
            )
        if name == "h3wb" and self.window != 1:
            raise ValueError(
                f"h3wb: samples are not consecutive in time, so a window is 1 frame, got "
                f"{self.window}"
            )


class RecordedSource:
    """Windows of the training subjects; those of one of them steer."""

    has_validation = True
    """Whether `evaluate` looks at people that no test looks at."""

    def __init__(self, config: RecordedSourceConfig, train: TrainConfig, data: Path | None) -> None:
        """Read the training recordings into memory.

        Raises:
            FileNotFoundError: The dataset's files are not in the folder ``data``.
            ValueError: They are damaged, or lack the validation subject, all others, or a camera.
        """
        if data is None:
            raise FileNotFoundError(_advice(config))
        self.config, self.seed, self._batch_size = config, train.seed, train.batch_size
        sequences = list(_sequences(config, data))
        self._train = _windows(config, data, [s for s in sequences if not _steers(config, s)])
        self._validation = _windows(config, data, [s for s in sequences if _steers(config, s)])

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step.

        Raises:
            ValueError: The batch size does not divide among the processes.
        """
        b = rank_share(self._batch_size, world_size)
        generator = step_generator(self.seed, step, rank, world_size)
        batch = self._train.batch(torch.randint(len(self._train), (b,), generator=generator))
        return flip(batch, torch.rand(b, generator=generator) < self.config.flip)

    def evaluate(self, estimator: Estimator) -> dict[str, float]:
        """MPJPE of fixed windows of the validation subject, relative to the benchmark's centre.

        Of each window the frames count that the net answers with a full view. A figure to steer
        by; the numbers to quote come from the benchmark.
        """
        device = next(estimator.parameters()).device
        # Cheaper where only the middle frame is of interest.
        predict = estimator if estimator.trains_on_labels else estimator.training_forward
        centre = list(HIPS) if self.config.dataset == "h3wb" else [estimator.skeleton.root]
        found: list[tuple[Tensor, Tensor, Tensor]] = []
        for chosen in self._fixed_windows().split(self._batch_size):
            batch = self._validation.batch(chosen).to(device)
            prediction = predict(batch)
            target, valid = (x[:, 0] for x in labels(prediction, batch))
            valid = valid & valid[..., centre].all(-1, keepdim=True)
            answer = prediction.joints_cam.mean(-4)
            found.append((_centred(answer, centre), _centred(target, centre), valid))
        answers, targets, valids = (torch.cat(parts) for parts in zip(*found, strict=True))
        return {"mpjpe_mm": mpjpe_mm(answers, targets, valids).item()}

    def _fixed_windows(self) -> Tensor:
        """Numbers of the validation windows that are looked at, evenly spread."""
        total = len(self._validation)
        count = min(total, _VALIDATION_BATCHES * self._batch_size)
        return torch.arange(count) * total // count


def _centred(joints: Float[Tensor, "b t j 3"], centre: list[int]) -> Float[Tensor, "b t j 3"]:
    return joints - joints[..., centre, :].mean(-2, keepdim=True)


def _steers(config: RecordedSourceConfig, sequence: MotionSequence) -> bool:
    return sequence.subject == config.validation_subject


def _windows(
    config: RecordedSourceConfig, data: Path, sequences: list[MotionSequence]
) -> RecordedWindows:
    try:
        return RecordedWindows(sequences, config.window, stride=config.stride, kind=config.windows)
    except ValueError as error:
        raise ValueError(f"{data}: {error}") from error


def _sequences(config: RecordedSourceConfig, data: Path) -> Iterable[MotionSequence]:
    """Recordings of the training subjects, in the chosen cameras."""
    read = [s for s in _read(config, data) if s.subject in SUBJECTS[config.dataset]]
    subjects = sorted({s.subject for s in read})
    if config.validation_subject not in subjects or len(subjects) < 2:
        raise ValueError(
            f"{data} holds the training subjects {subjects} of {config.dataset}; needed are "
            f"{config.validation_subject} to validate and at least one other to train on"
        )
    if config.cameras is None:
        return read
    camera_of = {s.name: s.name.rpartition(" ")[2] for s in read}
    if missing := sorted(set(config.cameras) - set(camera_of.values())):
        raise ValueError(
            f"{data} has no camera {missing[0]!r}; it has {sorted(set(camera_of.values()))}"
        )
    return [s for s in read if camera_of[s.name] in config.cameras]


def _read(config: RecordedSourceConfig, data: Path) -> Iterable[MotionSequence]:
    match config.dataset:
        case "human36m":
            detector = DETECTORS.get(config.keypoints, config.keypoints)
            return human36m.read(data, "train", detector=detector)
        case "mpi_inf_3dhp":
            return mpi_inf_3dhp.read(data, "train", annotation=config.annotation)
        case "h3wb":
            file, _ = h3wb.NPZ_FILES["train"]
            if not (data / file).is_file():
                raise FileNotFoundError(
                    f"{data / file} is missing: get H3WB's annotations from {h3wb.PAGE}; the json "
                    "files name no subject, so that none could be held out"
                )
            return h3wb.read(data, "train")
        case _:
            assert_never(config.dataset)


def _advice(config: RecordedSourceConfig) -> str:
    """What to give where no data path was given."""
    match config.dataset:
        case "human36m":
            name, page = "Human3.6M", human36m.PAGE
            detector = DETECTORS.get(config.keypoints, config.keypoints)
            files = f"data_3d_h36m.npz and data_2d_h36m_{detector}.npz"
        case "mpi_inf_3dhp":
            name, page = "MPI-INF-3DHP", mpi_inf_3dhp.PAGE
            files = f"data_train_3dhp{mpi_inf_3dhp.NPZ_SUFFIX[config.annotation]}.npz"
        case "h3wb":
            name, page, files = "H3WB", h3wb.PAGE, h3wb.NPZ_FILES["train"][0]
        case _:
            assert_never(config.dataset)
    return f"this recipe trains on {name} ({page}): give --data DIR, the folder of {files}"
