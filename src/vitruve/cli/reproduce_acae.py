"""``vitruve reproduce acae``: initial model, pseudo-truth, autoencoder, variants, table."""

import shlex
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

if TYPE_CHECKING:
    from vitruve.benchmarks.skeletons import Skeletons

PUBLISHED = ("separate", "merged", "separate_longer", "regularised", "latent", "hybrid")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train and measure every variant of one model for many skeletons; goes on where it stopped.

    Every step leaves a file in --out: the initial model, its answers in all formats, the
    autoencoder, each variant. Rows go to skeletons_studio.json of --results.
    """

    data: Path
    """What to learn from: a parallel corpus, .npz in the world frame (docs/bridge.md), for lifters;
    or a folder of vitruve data studio, for image models."""
    test: Path | None = None
    """What to measure on: a parallel corpus of other people; or a folder of Studio, of which the
    test people are measured on, --data itself if unset."""
    seeds: tuple[int, ...] = (0,)
    """Seeds, one after the other."""
    formats: Literal[15, 8, 3] = 15
    """How many skeleton formats there are, a dataset for each; image models have 15."""
    variants: tuple[str, ...] = PUBLISHED
    """What to train: these or the ablations, such as regularised_10."""
    steps: int | None = None
    """Updates of every training and of the autoencoder; the recipes' if unset."""
    out: Path = Path("runs/acae")
    """Folder of all that is made."""
    preset: Literal["cpu", "gpu"] = "cpu"
    """Size of the runs, for the rows."""
    table: str = "skeletons_studio"
    """File of results, without its suffix; empty to keep no rows."""
    results: Path = Path("benchmarks/results")
    """Folder of results."""


def main(argv: list[str]) -> int:
    """Parse, train what is missing, measure, print.

    Args:
        argv: Arguments after ``vitruve reproduce acae``.

    Returns:
        0 when done.

    Raises:
        KeyError: There is no such variant.
        OSError: A corpus is missing, or a file cannot be written.
        ValueError: A corpus is damaged, or a folder holds another run.
    """
    from rich.console import Console

    from vitruve.benchmarks import Row, record
    from vitruve.recipes.acae_workflow import RUNS, Workflow

    arguments = tyro.cli(Arguments, prog="vitruve reproduce acae", args=argv)
    prefix = _prefix(arguments)
    known = [name.removeprefix(prefix) for name in RUNS if name.startswith(prefix)]
    if strange := [v for v in arguments.variants if v not in known]:
        raise KeyError(f"unknown variant {strange[0]!r}; there are {', '.join(known)}")
    names = tuple(prefix + variant for variant in arguments.variants)
    command = shlex.join(["vitruve", "reproduce", "acae", *argv])
    benchmark, console = _benchmark(arguments), Console(stderr=True)
    print(f"{'':16}{'seed':>5}", *(f"{c:>18}" for c in benchmark.columns))
    for seed in arguments.seeds:
        flow = Workflow(arguments.data, arguments.out, seed, arguments.steps)
        for name in flow.go(names, console, _say):
            start = time.perf_counter()
            metrics = _measure(benchmark, flow.estimator(name), name)
            data, seconds = _shown(benchmark), time.perf_counter() - start
            row = Row(name, seed, arguments.preset, data, metrics, command, seconds)
            if arguments.table:
                record(row, arguments.table, arguments.results)
            numbers = (f"{metrics[c]:18.1f}" for c in benchmark.columns)
            print(f"{name.removeprefix(prefix):16}{seed:5}", *numbers, flush=True)
    return 0


def _prefix(arguments: Arguments) -> str:
    """What the names of the asked runs begin with."""
    from vitruve.recipes import acae, acae_images

    if arguments.data.is_dir():
        return f"{acae_images.PREFIX}."
    counts = {count: prefix for prefix, (count, _) in acae.FAMILIES.items()}
    return f"{counts[arguments.formats]}.lifter."


def _benchmark(arguments: Arguments) -> "Skeletons":
    from vitruve.benchmarks.skeletons import Skeletons
    from vitruve.benchmarks.studio_skeletons import StudioSkeletons

    if arguments.data.is_dir():
        return StudioSkeletons(arguments.test or arguments.data)
    if arguments.test is None:
        raise ValueError("--test: give a parallel corpus of people whom nobody learnt from")
    return Skeletons(arguments.test)


def _shown(benchmark: "Skeletons") -> str:
    """What rows say that a model was shown."""
    return f"{benchmark.data_name} {benchmark.keypoints[0]}"


def _measure(benchmark: "Skeletons", weights: Path, name: str) -> dict[str, float]:
    from vitruve.estimators import load

    with tempfile.TemporaryDirectory() as folder:
        file = benchmark.predict(load(str(weights), "float32"), Path(folder) / "p.npz", model=name)
        return benchmark.score(file)["sets"]["test"]["metrics"]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
