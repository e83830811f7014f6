"""Source ``studio``: pictures of people whose labels are hidden, for methods that need none.

Axes: b pictures, p poses, j joints.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.studio import studio_scores
from vitruve.data.shards.folder import INDEX
from vitruve.data.studio.batches import Pictures, Told, studio_batch, told
from vitruve.data.studio.config import CAMERAS, SPLITS
from vitruve.data.studio.reader import Studio
from vitruve.data.studio.several import SeveralStudios
from vitruve.data.studio.warps import warped_copies
from vitruve.data.training_crops import VariedConfig, Varier, rolls
from vitruve.estimators import Estimator
from vitruve.metrics import root_centred
from vitruve.poses import PoseBatch, Prediction
from vitruve.training import TrainConfig

PEOPLE = "people"
"""Folder of shards of those whose labels are hidden."""
_VALIDATION_PICTURES = 256
_PRIOR_POSES = 2
"""Poses of the prior that come with each picture."""
FIRST_SHARE = 0.875
"""Of a batch that are rendered people while they alone teach."""
_BEYOND = 2**40
"""Larger than any number of a picture."""


@dataclass(frozen=True)
class StudioSourceConfig:
    """What of Studio is shown, and what of it is told."""

    labels: Told = "none"
    """What is told of people beside pictures, masks and cameras."""
    people: tuple[str, ...] = (PEOPLE,)
    """Folders of shards of them; the first one's validation split is what `evaluate` looks at."""
    cameras: int = 1
    """Pictures of each moment that come together, 1 to 4."""
    single_view: tuple[str, ...] = ()
    """Folders of more people, whose pictures come alone, as if taken by one camera."""
    single_view_share: float = 0.0
    """Share of the people's pictures that these are, 0 to 1."""
    warped: bool = False
    """Give every picture a warped copy; half of the batch then are copies."""
    pairs: str = ""
    """Folder of shards, beside that of the people, whose labels are told; none if empty."""
    pairs_share: float = 0.0
    """Share of the batch that these pictures are, 0 to 1."""
    pairs_first: int = 0
    """Steps at first in which they are ``FIRST_SHARE`` of it: those in which only they teach."""
    prior: bool = False
    """Give poses of the pairs as those that can be, apart from their pictures."""
    varied: VariedConfig | None = None
    """How pictures with labels are varied; None shows them as they are."""

    def __post_init__(self) -> None:
        """Refuse what does not go together."""
        if not 1 <= self.cameras <= CAMERAS:
            raise ValueError(f"cameras must be 1 to {CAMERAS}, got {self.cameras}")
        if not self.people:
            raise ValueError("people must name a folder at least")
        for name in ("pairs_share", "single_view_share"):
            if not 0 <= (share := getattr(self, name)) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {share}")
        if self.single_view_share and not self.single_view:
            raise ValueError("single_view_share is of people: name their folders in single_view")
        if (self.prior or self.pairs_share) and not self.pairs:
            raise ValueError("prior and pairs_share are of pairs: name their folder in pairs")


class StudioSource:
    """Batches of the training split; figures of the validation split."""

    has_validation = True
    """Whether `evaluate` looks at people that no test looks at."""

    def __init__(self, config: StudioSourceConfig, train: TrainConfig, data: Path | None) -> None:
        """Open the shards.

        Raises:
            FileNotFoundError: They are not there.
            ValueError: They are damaged, too few, or of different joints.
        """
        self.config, self._batch_size, self._seed = config, train.batch_size, train.seed
        people = _people_folder(config, data)
        beside = [people.parent / name for name in (*config.people[1:], *config.single_view)]
        studios = [Studio(folder, "train") for folder in (people, *beside)]
        self._people = SeveralStudios(studios)
        self._in_views = sum(map(len, studios[: len(config.people)]))
        """Pictures before those that come alone."""
        self._validation = Studio(people, "validation")
        if not len(self._people) or not len(self._validation):
            raise ValueError(f"{people} has no pictures to train on and validate with; make more")
        self._pairs = open_pairs(people.parent / config.pairs) if config.pairs else None
        given = self._pairs if config.prior else None
        self._prior = None if given is None else prior_poses(given)
        self._vary = varier(config.varied, self._people)

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step."""
        seed = (self._seed * 1_000_003 + step) * world_size + rank
        drawn = torch.Generator().manual_seed(seed)
        size = self._batch_size // world_size
        share = share_at(step, self.config.pairs_first, self.config.pairs_share)
        # Somebody is always there whose labels are hidden.
        count = min(size - 1, round(share * size))
        parts = [self._people_batch(size - count, drawn)]
        if count:
            assert self._pairs is not None
            numbers = torch.randint(len(self._pairs), (count,), generator=drawn).tolist()
            pairs = self._vary(as_pairs(self._pairs, numbers), drawn)
            scale = None if parts[0].scale_m_per_px is None else pairs.scale_m_per_px
            parts.append(replace(pairs, scale_m_per_px=scale))
        batch = PoseBatch.join(parts)
        if self._prior is not None:
            batch = replace(
                batch, prior_cam=draw_prior(self._prior, size, drawn, self.config.varied)
            )
        return batch

    def evaluate(self, estimator: Estimator) -> dict[str, float]:
        """Errors on validation pictures, of the first hypothesis, left and right as they are said.

        A figure to steer by, with labels that a method without labels would not have; the numbers
        to quote come from the benchmark.
        """
        device = next(estimator.parameters()).device
        count = min(len(self._validation), _VALIDATION_PICTURES) // CAMERAS
        moments = torch.arange(count) * (len(self._validation) // CAMERAS) // count
        numbers = (moments[:, None] * CAMERAS + torch.arange(CAMERAS)).flatten()
        parts = [studio_batch(self._validation, n.tolist()) for n in numbers.split(64)]
        shown = (told(part, "none").to(device) for part in parts)
        said = Prediction.join([estimator(part).map(lambda x: x.cpu()) for part in shown])
        scores = studio_scores(PoseBatch.join(parts), said)
        return {name: score for name, score in scores.items() if "." not in name}

    def _people_batch(self, size: int, drawn: torch.Generator) -> PoseBatch:
        plain = size - size // 2 if self.config.warped else size
        alone = round(self.config.single_view_share * plain)
        moments = -(-(plain - alone) // self.config.cameras)
        chosen = torch.randint(self._in_views // CAMERAS, (moments, 1), generator=drawn)
        order = torch.rand(moments, CAMERAS, generator=drawn).argsort(1)
        cameras = order[:, : self.config.cameras]
        numbers = (chosen * CAMERAS + cameras).flatten()[: plain - alone].tolist()
        if alone:
            numbers += self._single_views(alone, drawn)
        batch = told(studio_batch(self._people, numbers), self.config.labels)
        if self.config.labels != "none":
            batch = self._vary(batch, drawn)
        if size == plain:
            return batch
        return PoseBatch.join([batch, warped_copies(batch, size - plain, drawn)])

    def _single_views(self, count: int, drawn: torch.Generator) -> list[int]:
        """Pictures that come alone: never two of one moment."""
        moments = (len(self._people) - self._in_views) // CAMERAS
        chosen = torch.randperm(moments, generator=drawn)[:count]
        cameras = torch.randint(CAMERAS, chosen.shape, generator=drawn)
        return (self._in_views + chosen * CAMERAS + cameras).tolist()


def share_at(step: int, first: int, share: float) -> float:
    """Share of a step's batch that rendered people are: at ``first`` steps hardly less than all.

    The rest goes to nets that learn before their terms begin.
    """
    return FIRST_SHARE if step < first else share


def _people_folder(config: StudioSourceConfig, data: Path | None) -> Path:
    first, *others = (*config.people, *config.single_view)
    others += [config.pairs] if config.pairs else []
    if data is None:
        raise FileNotFoundError(
            "this recipe trains on Studio: give --data DIR, a folder with "
            f"{' and '.join((first, *others))} in it, each made by "
            f"`vitruve data studio DIR/{first}`"
        )
    alone = (data / INDEX).is_file() and not others
    return data if alone else data / first


def as_pairs(pairs: Studio, numbers: Sequence[int]) -> PoseBatch:
    """Pictures by their numbers, as scenes and pictures of nobody else."""
    # Numbers of both folders overlap.
    own = _BEYOND + torch.arange(len(numbers))
    return replace(studio_batch(pairs, numbers), scene=own, picture=own)


def varier(
    config: VariedConfig | None, studio: Pictures
) -> Callable[[PoseBatch, torch.Generator], PoseBatch]:
    """What varies batches of these pictures, or leaves them as they are."""
    if config is None:
        return lambda batch, drawn: batch
    return Varier(config, studio[0].image.shape[-1])


def draw_prior(
    poses: Float[Tensor, "n j 3"], size: int, drawn: torch.Generator, varied: VariedConfig | None
) -> Float[Tensor, "b p j 3"]:
    """Some poses for each example of a batch, turned as its pictures are: or a turn would tell."""
    some = poses[torch.randint(len(poses), (size, _PRIOR_POSES), generator=drawn)]
    if varied is None:
        return some
    turns = (varied.roll_deg * torch.randn(size, _PRIOR_POSES, generator=drawn)).deg2rad()
    return torch.einsum("bpac,bpjc->bpja", rolls(turns), some)


def open_pairs(folder: Path) -> Studio:
    """The training split of rendered people: with the people's seed, others are in its tests.

    Raises:
        FileNotFoundError: There are no shards.
        ValueError: They are damaged, or none of them trains.
    """
    pairs = Studio(folder, "train")
    if not len(pairs):
        raise ValueError(f"{folder} has no pictures to train on; make more")
    return pairs


def prior_poses(pairs: Studio) -> Float[Tensor, "n j 3"]:
    """Joints of all whole pairs, relative to the root, in the axes of cameras that saw them.

    Raises:
        ValueError: No pair is whole.
    """
    columns = [pairs.reader.column(name) for name in ("split", "joints_cam", "valid")]
    split, joints, valid = map(torch.from_numpy, columns)
    joints = joints[(split == SPLITS.index("train")) & valid.all(-1)].float()
    if not len(joints):
        raise ValueError(f"{pairs.reader.folder} has no whole body in its training split")
    return root_centred(joints, pairs.skeleton.root)
