"""How fast crops for training come, against the net that learns from them; what more views cost.

    python benchmarks/pictures.py STUDIO
    python benchmarks/pictures.py STUDIO --workers 0 --steps 30

STUDIO is a folder of ``vitruve data studio``. Rows go to results/pictures.json:

- ``pictures.loader.SIDE.wN``: training crops made in a second by N processes, all variations on;
  w0 makes them in the process that asks.
- ``pictures.net.SIDE``: crops of the small recipe's batch through its net, forward, backward and
  update, the batch always the same.
- ``pictures.train.SIDE.wN``: the same with batches from N processes; ``share_of_net`` is this rate
  over that of the net alone, 1 where the loader costs nothing. Not measured for w0, which is the
  sum of both.
- ``pictures.views.SIDE.aN``: milliseconds for one person in a whole picture of 1280 x 720 pixels,
  with N views of them (test-time augmentation): looking and answering.

``core_second`` and ``core_ms`` count only the time that the processor worked, so they hold on a
busy machine too; the others need as many idle processors as there are processes. One torch thread
each.
"""

import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import tyro

from rows import tell
from vitruve.data.studio.crops import joints_in_formats
from vitruve.data.studio.reader import Studio
from vitruve.data.training_crops import Ahead, FeedConfig, StudioFeed
from vitruve.estimators.pictured_people import AIMS, ViewsConfig, people_in_picture
from vitruve.geometry.camera import Camera, intrinsics_from_fov
from vitruve.poses import PoseBatch
from vitruve.recipes.photo import PHOTO_RUNS
from vitruve.skeletons import skeleton
from vitruve.training import Players, train_step

RESULTS = "pictures"
RUN = PHOTO_RUNS["photo.studio.image.small"]
SIDE = RUN.source_config.augment.side_px
PICTURE_PX = (1280, 720)
LARGE = 512
"""Side of the person in that picture, pixels."""
WARM_STEP = 600
"""A step at which every term counts."""


@dataclass(frozen=True)
class Arguments:
    """Measure all rates."""

    studio: Annotated[Path, tyro.conf.Positional]
    """Folder of Studio."""
    workers: tuple[int, ...] = (0, 1, 2)
    """Numbers of processes."""
    steps: int = 40
    """Batches of each measurement."""


def main() -> int:
    """Measure, print, record."""
    arguments = tyro.cli(Arguments)
    torch.set_num_threads(1)
    make = feed(arguments.studio)
    alone = net_rate(make().batch_at(0), arguments.steps)
    tell(RESULTS, f"pictures.net.{SIDE}", alone.rates())
    for workers in arguments.workers:
        rate = loader_rate(make, workers, arguments.steps)
        tell(RESULTS, f"pictures.loader.{SIDE}.w{workers}", rate.rates(here=not workers))
    for workers in filter(None, arguments.workers):
        rate = training_rate(make, workers, arguments.steps).crops_per_s
        share = rate / alone.crops_per_s
        tell(
            RESULTS,
            f"pictures.train.{SIDE}.w{workers}",
            {"crops_per_s": rate, "share_of_net": share},
        )
    for count in (1, 2, 4):
        tell(
            RESULTS,
            f"pictures.views.{SIDE}.a{count}",
            {"person_core_ms": views_ms(count, arguments.steps)},
        )
    return 0


class Timed(NamedTuple):
    """A measurement."""

    crops: int
    seconds: float
    core_seconds: float
    """Of this process."""

    @property
    def crops_per_s(self) -> float:
        """By the clock."""
        return self.crops / self.seconds

    def rates(self, *, here: bool = True) -> dict[str, float]:
        """By the processor if all was done ``here``, else by the clock."""
        if here:
            return {"crops_per_core_second": self.crops / self.core_seconds}
        return {"crops_per_s": self.crops_per_s}


class Stopwatch:
    """Both clocks since it was made."""

    def __init__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def stop(self, batches: int) -> Timed:
        """What so many batches took."""
        now = time.perf_counter(), time.process_time()
        seconds, core = (b - a for a, b in zip(self._begun, now, strict=True))
        return Timed(batches * RUN.train.batch_size, seconds, core)


def feed(folder: Path) -> partial[StudioFeed]:
    """What makes the recipe's batches."""
    source = RUN.source_config
    formats = tuple(map(skeleton, source.formats))
    joints = joints_in_formats(Studio(folder, "train"), formats)
    config = FeedConfig(source.skeleton, source.augment, RUN.train.batch_size)
    return partial(StudioFeed, folder, joints, config)


def loader_rate(make: partial[StudioFeed], workers: int, steps: int) -> Timed:
    """Crops alone, once all processes are at work."""
    warm = 2 * workers + 2
    ahead = Ahead(make, workers, warm + steps)
    for step in range(warm):
        ahead.batch_at(step)
    watch = Stopwatch()
    for step in range(warm, warm + steps):
        ahead.batch_at(step)
    timed = watch.stop(steps)
    ahead.close()
    return timed


def players() -> Players:
    """The recipe's net and losses."""
    torch.manual_seed(0)
    estimator, terms = RUN.build()
    estimator.train()
    return Players(estimator, torch.optim.AdamW(estimator.parameters(), 1e-4), terms)


def net_rate(batch: PoseBatch, steps: int) -> Timed:
    """Training steps alone."""
    who = players()
    train_step(who, batch, WARM_STEP)
    watch = Stopwatch()
    for _ in range(steps):
        train_step(who, batch, WARM_STEP)
    return watch.stop(steps)


def training_rate(make: partial[StudioFeed], workers: int, steps: int) -> Timed:
    """Training steps that wait for their batches."""
    who, warm = players(), 2 * workers + 2
    ahead = Ahead(make, workers, warm + steps)
    for step in range(warm):
        train_step(who, ahead.batch_at(step), WARM_STEP)
    watch = Stopwatch()
    for step in range(warm, warm + steps):
        train_step(who, ahead.batch_at(step), WARM_STEP)
    timed = watch.stop(steps)
    ahead.close()
    return timed


def views_ms(count: int, steps: int) -> float:
    """Milliseconds of the processor for one person in one picture."""
    estimator = RUN.build()[0].eval()
    config = ViewsConfig(SIDE, estimator.config.expand, AIMS[:count])
    camera = Camera(intrinsics_from_fov(60.0, PICTURE_PX), PICTURE_PX)
    image = np.random.default_rng(0).integers(0, 256, (*PICTURE_PX[::-1], 3), dtype=np.uint8)
    box = torch.tensor([[400.0, 100.0, 400.0 + LARGE / 2, 100.0 + LARGE]])
    people_in_picture(estimator, image, camera, box, config)
    begun = time.process_time()
    for _ in range(steps):
        people_in_picture(estimator, image, camera, box, config)
    return 1000 * (time.process_time() - begun) / steps


if __name__ == "__main__":
    sys.exit(main())
