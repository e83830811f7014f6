"""What training without labels costs beside its detector's own passes, and how much memory.

    python benchmarks/unlabelled.py STUDIO
    python benchmarks/unlabelled.py STUDIO --runs mask.studio.detector.full --steps 20

STUDIO is the folder that the runs train on (docs/unsupervised.md). Rows go to
results/unlabelled_speed.json; each is measured in a process of its own, one torch thread:

- ``unlabelled.train.RUN``: pictures a second through a training step with every term on, batches
  included; through the detector alone, forward and backward; ``share_of_detector`` is the first
  over the second, 1 where losses, update and batches cost nothing; ``loader`` is batches alone.
  ``peak_mb`` is the most memory that the process held.
- ``unlabelled.geodesic.SIDE``: weights of masks of that many pixels a side (Eq. 9), each seen for
  the first time.

Seconds are those in which a processor worked, so they hold on a busy machine too.
"""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import tyro
from torch.nn import functional

from rows import tell
from vitruve.data.studio.batches import studio_batch
from vitruve.data.studio.reader import Studio
from vitruve.objectives.geodesic import GeodesicConfig, geodesic_weights
from vitruve.recipes import RECIPES
from vitruve.recipes.sources.studio import StudioSource
from vitruve.training import Players, train_step
from vitruve.training.loop import make_optimizer

RESULTS = "unlabelled_speed"
SIDES = (32, 64, 128)
_WARM = 3
_MASKS = 64


@dataclass(frozen=True)
class Arguments:
    """Measure all rates."""

    studio: Annotated[Path, tyro.conf.Positional]
    """Folder with people and pairs."""
    runs: tuple[str, ...] = (
        "baseline.studio.detector.supervised",
        "mask.studio.detector.cascade",
        "mask.studio.detector.full",
        "x.studio.detector.mh_graph",
    )
    """Whose training is measured."""
    steps: int = 60
    """Of each measurement."""


def main() -> int:
    """Measure, print, record."""
    arguments = tyro.cli(Arguments)
    for run in arguments.runs:
        tell(
            RESULTS,
            f"unlabelled.train.{run}",
            alone(train_rates, run, arguments.studio, arguments.steps),
        )
    for side in SIDES:
        tell(RESULTS, f"unlabelled.geodesic.{side}", alone(geodesic_rates, side, arguments.studio))
    return 0


def alone(measure: Callable[..., dict[str, float]], *given: object) -> dict[str, float]:
    """What is measured in a process that has done nothing else."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, given)


def train_rates(name: str, data: Path, steps: int) -> dict[str, float]:
    """Pictures per core second of a run's training and of its parts."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    run = RECIPES[name]
    terms = {n: replace(t, start_step=0, until_step=None) for n, t in run.terms.items()}
    run = replace(run, terms=terms)
    source = StudioSource(run.source_config, run.train, data)
    estimator, made = run.build()
    players = Players(estimator.train(), make_optimizer(estimator, run.train), made)
    batch = source.batch_at(0)

    def step(number: int) -> None:
        train_step(players, source.batch_at(number), number, clip_norm=run.train.clip_norm)

    def detector(number: int) -> None:
        said = estimator.training_forward(batch)
        assert said.keypoints_px is not None
        (said.joints_cam.square().mean() + said.keypoints_px.square().mean()).backward()

    pictures = run.train.batch_size
    rates = {
        "pictures_per_core_second": pictures / core_seconds(step, steps),
        "detector": pictures / core_seconds(detector, steps),
        "loader": pictures / core_seconds(source.batch_at, steps),
    }
    rates["share_of_detector"] = rates["pictures_per_core_second"] / rates["detector"]
    return rates | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def geodesic_rates(side: int, data: Path) -> dict[str, float]:
    """Maps per core second, of masks made larger or smaller."""
    studio = Studio(data / "people", "train")
    masks = studio_batch(studio, range(0, len(studio), max(1, len(studio) // _MASKS))).masks
    assert masks is not None
    sized = functional.interpolate(masks, size=(side, side), mode="bilinear")[:, 0] > 0.5
    inside = list(sized.numpy())
    steps = min(_MASKS, len(inside)) - _WARM
    seconds = core_seconds(lambda n: geodesic_weights(inside[n], GeodesicConfig()), steps)
    return {"maps_per_core_second": 1 / seconds}


def core_seconds(call: Callable[[int], object], steps: int) -> float:
    """Of the processor, for each of so many calls after a few that do not count."""
    for number in range(_WARM):
        call(number)
    begun = time.process_time()
    for number in range(_WARM, _WARM + steps):
        call(number)
    return (time.process_time() - begun) / steps


if __name__ == "__main__":
    sys.exit(main())
