"""Source ``pictures``: crops of people with 3D labels, varied, for estimators that look at them.

Axes: b pictures, j joints of all formats.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.data.corpora.one_format_each import OneFormatEachConfig
from vitruve.data.shards.folder import INDEX, ShardReader
from vitruve.data.studio.crops import FormatJoints, StudioCrops, joints_in_formats
from vitruve.data.studio.reader import Studio
from vitruve.data.training_crops import (
    Ahead,
    AugmentConfig,
    Augmenter,
    FeedConfig,
    StoreFeed,
    StudioFeed,
    crops_batch,
    pictures_alone,
)
from vitruve.estimators import Estimator
from vitruve.metrics import mpjpe_mm
from vitruve.objectives.mean_relative import about_mean
from vitruve.poses import PoseBatch
from vitruve.recipes.sources.studio import PEOPLE
from vitruve.skeletons import Skeleton, places_in, skeleton
from vitruve.training import TrainConfig

_VALIDATION_PICTURES = 256
_STORE_BATCHES = 4
_AT_ONCE = 64


@dataclass(frozen=True)
class PicturesSourceConfig:
    """Which crops, and how they are labelled and varied."""

    skeleton: Skeleton
    """Joint set of the labels: the formats merged, or joints of one name as one."""
    formats: tuple[str, ...]
    """Formats that Studio's people are labelled in, in the order of the skeleton."""
    datasets: OneFormatEachConfig | None = None
    """Studio as one dataset for each format, and how they differ; None labels all in all."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    quotas: tuple[tuple[str, int], ...] = ()
    """Examples of each built dataset in a batch; as many of each if empty."""


class PicturesSource:
    """Varied crops of a training split; figures of plain crops of people not learnt from.

    The data is a folder of Studio, a dataset that ``vitruve data build`` made, or a folder of
    several of those. Built datasets say nothing of who is to be held out: their figures are those
    of crops that are learnt from.
    """

    has_validation = True
    """Whether `evaluate` looks at people that no test looks at."""

    def __init__(self, config: PicturesSourceConfig, train: TrainConfig, data: Path | None) -> None:
        """Open the shards, and start the processes that make batches.

        Raises:
            FileNotFoundError: There are none.
            ValueError: They are damaged or too few, or do not fit the batch.
        """
        if data is None:
            raise FileNotFoundError(
                "this recipe trains on pictures: give --data DIR, made by `vitruve data studio` or "
                "`vitruve data build`"
            )
        feed = FeedConfig(config.skeleton, config.augment, train.batch_size, train.seed)
        self.config, self._plain = config, Augmenter(config.augment.plain())
        folders = _folders(data)
        self._held: StudioCrops | None = None
        if ShardReader(folders[0]).about.get("kind") == "studio":
            learnt, self._held = _splits(folders[0], tuple(map(skeleton, config.formats)))
            make = partial(StudioFeed, folders[0], learnt, feed, config.datasets)
        else:
            make = partial(StoreFeed, folders, feed, config.quotas)
            self._learnt = make()
        self._ahead = Ahead(make, train.workers, train.steps)

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step."""
        return self._ahead.batch_at(step, rank, world_size)

    def close(self) -> None:
        """End the processes that make batches."""
        self._ahead.close()

    def evaluate(self, estimator: Estimator) -> dict[str, float]:
        """MPJPE about the mean joint over all formats, and the distance of the mean joint itself.

        Figures to steer by; the numbers to quote come from the benchmark.
        """
        device, shape, place = next(estimator.parameters()).device, [], []
        for batch in self._validation():
            hidden = pictures_alone(batch, estimator.keypoint_skeleton).to(device)
            said = estimator(hidden).map(lambda x: x.cpu())
            assert batch.joints_cam is not None
            assert batch.valid is not None
            assert batch.skeleton is not None
            order = list(places_in(batch.skeleton, self.config.skeleton))
            joints, true, valid = said.joints_cam[:, 0, :, order], batch.joints_cam, batch.valid
            shape.append(mpjpe_mm(about_mean(joints, valid), about_mean(true, valid), valid))
            if said.root_cam is not None:
                placed = joints + said.root_cam[:, 0].unsqueeze(-2)
                place.append(_mean_distance_mm(placed, true, valid))
        figures = {"mpjpe_mm": torch.stack(shape).mean().item()}
        return figures | ({"place_mm": torch.cat(place).mean().item()} if place else {})

    def _validation(self) -> Iterator[PoseBatch]:
        """Plain crops, in every format that is known of them."""
        if self._held is None:
            examples = [e for step in range(_STORE_BATCHES) for e in self._learnt.examples_at(step)]
            skeleton = self.config.skeleton
        else:
            count = min(len(self._held), _VALIDATION_PICTURES)
            numbers = (torch.arange(count) * len(self._held) // count).tolist()
            examples, skeleton = [self._held[n] for n in numbers], self._held.skeleton
        still = torch.Generator()
        for start in range(0, len(examples), _AT_ONCE):
            crops = [self._plain(e, still) for e in examples[start : start + _AT_ONCE]]
            yield crops_batch(crops, skeleton)


def studio_folder(data: Path) -> Path:
    """The folder itself, or that of the people in it."""
    return data if (data / INDEX).is_file() else data / PEOPLE


def _folders(data: Path) -> list[Path]:
    """One folder of shards, or all built datasets in a folder."""
    if (studio_folder(data) / INDEX).is_file():
        return [studio_folder(data)]
    found = sorted(path.parent for path in data.glob(f"*/{INDEX}"))
    if not found:
        raise FileNotFoundError(
            f"no pictures at {data}: make some with `vitruve data studio` or `vitruve data build`"
        )
    return found


def _splits(folder: Path, formats: tuple[Skeleton, ...]) -> tuple[FormatJoints, StudioCrops]:
    """Joints of those who are learnt from; crops of those who are looked at while training."""
    learnt, held = (Studio(folder, split) for split in ("train", "validation"))
    if not len(learnt) or not len(held):
        raise ValueError(f"{folder} has no pictures to train on and validate with; make more")
    return joints_in_formats(learnt, formats), StudioCrops(held, joints_in_formats(held, formats))


def _mean_distance_mm(
    said: Float[Tensor, "b t j 3"], true: Float[Tensor, "b t j 3"], valid: Bool[Tensor, "b t j"]
) -> Float[Tensor, "b t"]:
    """Between the means of the joints that are known."""
    weights = valid.float().unsqueeze(-1)
    mean = ((said - true) * weights).sum(-2) / weights.sum(-2).clamp(min=1)
    return 1000 * mean.norm(dim=-1)
