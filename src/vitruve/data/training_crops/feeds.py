"""Batches of training crops by step: of Studio's pictures, or of datasets that were built.

Every example's variation follows from the seed, the step and its place in the batch, so batches do
not depend on how many processes make them or share them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from vitruve.data.corpora.one_format_each import OneFormatEachConfig
from vitruve.data.datasets.crops import CropExample, CropMixture, CropStore
from vitruve.data.lifting.batches import rank_share, step_generator
from vitruve.data.mixture import MixtureConfig
from vitruve.data.studio.crops import FormatJoints, StudioCrops, StudioDatasets
from vitruve.data.studio.reader import Studio
from vitruve.data.training_crops.augment import AugmentConfig, Augmenter
from vitruve.data.training_crops.batch import crops_batch
from vitruve.poses import PoseBatch
from vitruve.skeletons import Skeleton


@dataclass(frozen=True)
class FeedConfig:
    """What all feeds share."""

    skeleton: Skeleton
    """Joint set of the labels: merged formats."""
    augment: AugmentConfig
    batch_size: int
    """Over all ranks."""
    seed: int = 0


class StudioFeed:
    """Studio's training pictures, in all formats or each person in one format alone."""

    def __init__(
        self,
        folder: Path,
        joints: FormatJoints,
        config: FeedConfig,
        each: OneFormatEachConfig | None = None,
    ) -> None:
        """Open the shards.

        Args:
            folder: Of Studio.
            joints: Of the training split, see `joints_in_formats`.
            config: What is made.
            each: How datasets of one format each differ; None labels everyone in all formats.

        Raises:
            FileNotFoundError: There are no shards.
            ValueError: They are damaged; or there are fewer people than datasets, or a batch does
                not hold as many of each.
        """
        self.config, self._augment = config, Augmenter(config.augment)
        crops = StudioCrops(Studio(folder, "train"), joints)
        self._crops: StudioCrops | StudioDatasets = crops
        self._groups = [torch.arange(len(crops))]
        if each is not None:
            datasets = StudioDatasets(crops, each)
            count = len(joints.formats)
            if config.batch_size % count:
                raise ValueError(
                    f"batch_size {config.batch_size} does not hold as many examples of each of "
                    f"{count} formats; give a multiple of {count}"
                )
            self._crops = datasets
            self._groups = [datasets.pictures(number) for number in range(count)]

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step.

        Raises:
            ValueError: The batch does not divide among the ranks.
            FileError: A shard is damaged.
        """
        share = rank_share(self.config.batch_size, world_size)
        drawn = torch.rand(self.config.batch_size, generator=step_generator(self.config.seed, step))
        examples = []
        for slot in range(rank * share, (rank + 1) * share):
            group = self._groups[slot % len(self._groups)]
            examples.append(self._crops[int(group[int(drawn[slot] * len(group))])])
        return _varied(examples, self._augment, self.config, (step, rank * share))


class StoreFeed:
    """Crops of datasets that ``vitruve data build`` made, in fixed shares."""

    def __init__(
        self, folders: Sequence[Path], config: FeedConfig, quotas: Sequence[tuple[str, int]] = ()
    ) -> None:
        """Open the stores.

        Args:
            folders: One for each dataset.
            config: What is made.
            quotas: Examples of each dataset in a batch; as many of each if there are none.

        Raises:
            FileNotFoundError: A folder holds no finished build.
            KeyError: A quota names no dataset.
            ValueError: A store is damaged, or the quotas do not make up the batch.
        """
        self.config, self._augment = config, Augmenter(config.augment)
        stores = [CropStore(folder) for folder in folders]
        shares = dict(quotas) or {s.dataset: config.batch_size // len(stores) for s in stores}
        if sum(shares.values()) != config.batch_size:
            raise ValueError(
                f"quotas {shares} are {sum(shares.values())} examples, the batch has "
                f"{config.batch_size}; make them the same"
            )
        self._mixture = CropMixture(stores, MixtureConfig(shares, config.seed))

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step.

        Raises:
            ValueError: A quota does not divide among the ranks.
            FileError: A shard is damaged.
        """
        share = rank_share(self.config.batch_size, world_size)
        examples = self.examples_at(step, rank, world_size)
        return _varied(examples, self._augment, self.config, (step, rank * share))

    def examples_at(self, step: int, rank: int = 0, world_size: int = 1) -> list[CropExample]:
        """What that batch is made of.

        Raises:
            ValueError: A quota does not divide among the ranks.
            FileError: A shard is damaged.
        """
        return self._mixture.batch_at(step, rank, world_size)


def _varied(
    examples: Sequence[CropExample],
    augment: Augmenter,
    config: FeedConfig,
    place: tuple[int, int],
) -> PoseBatch:
    step, first = place
    crops = [
        augment(example, step_generator(config.seed, step, first + slot))
        for slot, example in enumerate(examples)
    ]
    return crops_batch(crops, config.skeleton)
