"""Source ``own``: a user's pictures without labels, and rendered bodies with them.

Folders of the data path: ``people``, the user's (`data.own.shards`), and ``pairs``, rendered ones
(`vitruve data studio`). Axes: b pictures, t neighbouring frames, p poses, j joints.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import torch

from vitruve.data.studio.batches import over_time, studio_batch
from vitruve.data.studio.reader import Studio
from vitruve.data.studio.warps import warped_copies
from vitruve.data.training_crops import VariedConfig, silhouettes
from vitruve.estimators import Estimator
from vitruve.objectives import Objective
from vitruve.objectives.mask import MaskConfig, MaskObjective
from vitruve.objectives.multiview import MultiviewConfig, MultiviewObjective
from vitruve.poses import PoseBatch
from vitruve.recipes.sources.studio import (
    as_pairs,
    draw_prior,
    open_pairs,
    prior_poses,
    share_at,
    varier,
)
from vitruve.training import TrainConfig

PEOPLE, PAIRS = "people", "pairs"
MAX_VIEWS = 8
_VALIDATION_PICTURES = 256
_PICTURES_AT_ONCE = 32


@dataclass(frozen=True)
class OwnSourceConfig:
    """What of the pictures comes together."""

    views: int = 1
    """Pictures of each moment that come together, of different cameras, at most."""
    frames: int = 1
    """Neighbouring frames of an example: 1, or 2 where pictures follow each other in time."""
    pairs_share: float = 0.5
    """Share of the batch that rendered bodies are, 0 to 1; at 0 none are looked for."""
    pairs_first: int = 0
    """Steps at first in which hardly anything else is shown: those in which only they teach."""
    varied: VariedConfig | None = field(default_factory=VariedConfig)
    """How rendered pictures are varied; None shows them as they are. Where some are silhouettes,
    warped copies of your pictures are: what is learnt of the one is true of the other."""
    own_varied: VariedConfig | None = None
    """How your own are varied, so that a few hundred are not learnt by heart."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: A number is out of range.
        """
        if not 1 <= self.views <= MAX_VIEWS or self.frames not in (1, 2):
            raise ValueError(
                f"views {self.views} must be 1 to {MAX_VIEWS}, frames {self.frames} 1 or 2"
            )
        if not 0 <= self.pairs_share < 1:
            raise ValueError(f"pairs_share must be in [0, 1), got {self.pairs_share}")


class OwnSource:
    """Batches of a user's pictures, half of them warped copies, beside rendered bodies."""

    has_validation = True
    """Whether `evaluate` looks at pictures that do not train."""

    def __init__(self, config: OwnSourceConfig, train: TrainConfig, data: Path | None) -> None:
        """Open the shards.

        Raises:
            FileNotFoundError: They are not there.
            ValueError: They are damaged, or people and pairs have different joints.
        """
        if data is None:
            raise FileNotFoundError("this recipe trains on your pictures: give --images DIR")
        self.config, self._seed = config, train.seed
        self._pictures = train.batch_size
        self._people = Studio(data / PEOPLE, "train")
        self._validation = Studio(data / PEOPLE, "validation")
        self._pairs = open_pairs(data / PAIRS) if config.pairs_share else None
        if self._pairs is not None and self._pairs.skeleton != self._people.skeleton:
            raise ValueError(
                f"{data} has people with joints {self._people.skeleton.name!r} and pairs with "
                f"{self._pairs.skeleton.name!r}; make both anew"
            )
        self._prior = None if self._pairs is None else prior_poses(self._pairs)
        self._vary = varier(config.varied, self._people)
        self._vary_own = varier(config.own_varied, self._people)
        self._next = _following(self._people) if config.frames > 1 else []

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step."""
        drawn = torch.Generator().manual_seed((self._seed * 1_000_003 + step) * world_size + rank)
        # Neighbouring frames teach nothing while rendered bodies alone do, which stand still.
        frames = 1 if step < self.config.pairs_first else self.config.frames
        size = max(2, self._pictures // frames // world_size)
        if self._pairs is None or self._prior is None:
            return replace(self._people_batch(size, frames, drawn), scale_m_per_px=None)
        share = share_at(step, self.config.pairs_first, self.config.pairs_share)
        count = min(size - 1, max(1, round(share * size)))
        people = replace(self._people_batch(size - count, frames, drawn), scale_m_per_px=None)
        numbers = torch.randint(len(self._pairs), (count,), generator=drawn).tolist()
        pairs = over_time([self._vary(as_pairs(self._pairs, numbers), drawn)] * frames)
        batch = PoseBatch.join([people, replace(pairs, scale_m_per_px=None)])
        return replace(batch, prior_cam=draw_prior(self._prior, size, drawn, self.config.varied))

    def evaluate(self, estimator: Estimator) -> dict[str, float]:
        """How joints fit pictures that do not train; no label is known.

        Returns:
            ``mask_error_percent``: mean squared difference of masks and the drawn skeleton; and
            of moments with several views ``reprojection_percent``: mean distance of 2D joints from
            the triangulated ones, over the crop's side.
        """
        device = next(estimator.parameters()).device
        wanted: dict[str, Objective] = {"mask_error_percent": MaskObjective(MaskConfig())}
        if self.config.views > 1:
            views = MultiviewConfig(mask=None, reprojection=1.0)
            wanted["reprojection_percent"] = MultiviewObjective(views)
        sums, total = dict.fromkeys(wanted, 0.0), 0
        for numbers in self._validation_groups():
            batch = studio_batch(self._validation, numbers).to(device)
            said = estimator(batch)
            for name, objective in wanted.items():
                sums[name] += 100 * len(numbers) * objective.loss(said, batch).item()
            total += len(numbers)
        return {name: value / total for name, value in sums.items()}

    def _validation_groups(self) -> list[list[int]]:
        """Pictures of some moments, evenly spread; those of a moment stay together."""
        count = self._validation.num_moments
        step = max(1, count * self.config.views // _VALIDATION_PICTURES)
        groups: list[list[int]] = [[]]
        for moment in range(0, count, step):
            if len(groups[-1]) >= _PICTURES_AT_ONCE:
                groups.append([])
            groups[-1].extend(self._validation.moment(moment))
        return groups

    def _people_batch(self, size: int, frames: int, drawn: torch.Generator) -> PoseBatch:
        plain = size - size // 2
        numbers: list[int] = []
        while len(numbers) < plain:
            chosen = int(torch.randint(self._people.num_moments, (), generator=drawn))
            views = self._people.moment(chosen)
            order = torch.randperm(len(views), generator=drawn)[: self.config.views].tolist()
            numbers += [views[i] for i in order]
        times = [numbers[:plain]]
        if frames > 1:
            times.append([self._next[n] for n in times[0]])
        seed = int(torch.randint(2**31, (), generator=drawn))
        # What varies stays the same from frame to frame.
        batch = over_time(
            [
                self._vary_own(studio_batch(self._people, at), torch.Generator().manual_seed(seed))
                for at in times
            ]
        )
        # One that is drawn twice is varied twice, and each has a copy of its own.
        batch = replace(batch, picture=torch.arange(plain))
        if size == plain:
            return batch
        copied = warped_copies(batch, size - plain, drawn)
        if self.config.varied is not None and self.config.varied.silhouettes:
            copied = silhouettes(copied, torch.ones(size - plain, dtype=torch.bool))
        return PoseBatch.join([batch, copied])


def _following(studio: Studio) -> list[int]:
    """The same camera's next picture of each; the picture itself where there is none near."""
    columns = (studio.column(name).tolist() for name in ("scene", "camera", "frame"))
    places = list(zip(*columns, strict=True))
    of_camera: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, (scene, camera, frame) in enumerate(places):
        of_camera.setdefault((scene, camera), []).append((frame, number))
    found = list(range(len(studio)))
    every = studio.reader.about["settings"]["every"]
    for pictures in of_camera.values():
        for (frame, number), (later, following) in pairwise(pictures):
            if later - frame <= every:
                found[number] = following
    return found
