"""Many datasets of one skeleton format each, made of a parallel corpus, as a run's source.

Axes: b batch, t frames (here 1), j joints of all formats.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from vitruve.data.corpora.one_format_each import Moments, OneFormatEach, OneFormatEachConfig
from vitruve.data.corpora.parallel import read_corpus
from vitruve.data.lifting.batches import step_generator
from vitruve.estimators import Estimator
from vitruve.metrics import mpjpe_mm
from vitruve.objectives.mean_relative import about_mean
from vitruve.poses import PoseBatch
from vitruve.skeletons import Skeleton, places_in
from vitruve.training import TrainConfig

_VALIDATION_STEPS = 4
_HELD_OUT_SEED = 0


@dataclass(frozen=True)
class FormatsSourceConfig:
    """What a lifter into many formats sees."""

    skeleton: Skeleton
    """Joint set of the labels: that of the corpus' formats, or with joints of one name as one."""
    formats: tuple[str, ...]
    """Formats of the corpus, one for each dataset, in the order of the skeleton."""
    datasets: OneFormatEachConfig = field(default_factory=OneFormatEachConfig)
    """How datasets differ."""
    validation: float = 0.1
    """Share of the groups of moments that steers and is not learnt from."""


class FormatsSource:
    """Batches of a parallel corpus in which every example is labelled in one format."""

    has_validation = True
    """Whether `evaluate` looks at people that no test looks at."""

    def __init__(self, config: FormatsSourceConfig, train: TrainConfig, data: Path | None) -> None:
        """Read the corpus into memory.

        Raises:
            FileNotFoundError: There is none at ``data``.
            KeyError: It lacks a format.
            ValueError: It cannot be read, or is too small.
        """
        if data is None or not data.is_file():
            raise FileNotFoundError(
                f"no parallel corpus at {data}: give --data FILE.npz, which `vitruve skeleton "
                "corpus` makes (docs/bridge.md)"
            )
        corpus = read_corpus(data).only(config.formats)
        self.config = config
        self._places = list(places_in(corpus.skeleton, config.skeleton))
        learn, held = corpus.hold_out(config.validation, _HELD_OUT_SEED)
        self._train = OneFormatEach(learn, config.datasets, train.batch_size, train.seed)
        self._held, self._batch_size = len(held.joints), train.batch_size
        self._validation = Moments(held, config.datasets.keypoints)

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step."""
        return self._merged(self._train.batch_at(step, rank, world_size))

    def evaluate(self, estimator: Estimator) -> dict[str, float]:
        """MPJPE about the mean joint, over all formats, of fixed views of people not learnt from.

        A figure to steer by; the numbers to quote come from the benchmark.
        """
        device, errors = next(estimator.parameters()).device, []
        for step in range(_VALIDATION_STEPS):
            draw = step_generator(_HELD_OUT_SEED, step)
            rows = torch.randint(self._held, (self._batch_size,), generator=draw)
            batch = self._validation.see(rows, draw).to(device)
            assert batch.joints_cam is not None
            assert batch.valid is not None
            predicted = estimator(batch).joints_cam.mean(dim=1)[..., self._places, :]
            said, true = (about_mean(x, batch.valid) for x in (predicted, batch.joints_cam))
            errors.append(mpjpe_mm(said, true, batch.valid))
        return {"mpjpe_mm": torch.stack(errors).mean().item()}

    def _merged(self, batch: PoseBatch) -> PoseBatch:
        """Labels in the estimator's joints; an example has each of them once at most."""
        assert batch.joints_cam is not None
        assert batch.valid is not None
        count = self.config.skeleton.num_joints
        places = torch.tensor(self._places)
        joints = batch.joints_cam.new_zeros(*batch.valid.shape[:-1], count, 3)
        valid = torch.zeros(*batch.valid.shape[:-1], count)
        joints.index_add_(-2, places, batch.joints_cam.where(batch.valid[..., None], 0.0))
        valid.index_add_(-1, places, batch.valid.float())
        return replace(batch, skeleton=self.config.skeleton, joints_cam=joints, valid=valid > 0)
