"""``vitruve reproduce TABLE``: a paper's table beside our numbers; measure what is missing."""

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from vitruve.cli import reproduce_acae

if TYPE_CHECKING:
    from vitruve.benchmarks import Benchmark
    from vitruve.recipes.comparison import Comparison, Line

    Places = Mapping[str, Path | None]
    Todo = list[tuple[Line, int]]

DATA_VARIABLE = "VITRUVE_MOTION"
ACAE = "acae"
"""What is no table beside a paper's but a whole workflow."""
INTERRUPTED = 130


@dataclass(frozen=True)
class Arguments:
    """Print a paper's table beside what was measured here."""

    data: tuple[str, ...] = ()
    """What our columns are measured on. A folder: the table's own dataset, whose files lie there.
    cmu: CMU-Lift in place of it, whose archive is VITRUVE_MOTION. Or NAME=PATH of cmu, h36m, 3dhp,
    h3wb. Without any, rows of the table's own datasets are read."""
    run: bool = False
    """Train and measure what is missing, one run after the other; the same command goes on after
    Ctrl-C. Without it results are only read."""
    seeds: tuple[int, ...] = (0,)
    """Seeds that every row shall have; means are over all that there are."""
    rows: tuple[str, ...] = ()
    """Only these rows: nets, variants or both, such as mixste, graph or mixste.graph."""
    preset: Literal["cpu", "gpu"] = "cpu"
    """Size of our runs: cpu trains some minutes, gpu is the published size."""
    out: Path | None = None
    """Write the table: .md, .csv or .tex."""
    results: Path = Path("benchmarks/results")
    """Folder of results."""
    runs: Path = Path("runs")
    """Folder of trainings: NAME.seedN in it."""


def main(argv: list[str] | None = None) -> int:
    """Parse, train and measure if asked to, print.

    Args:
        argv: Arguments after ``vitruve reproduce``; those of the process by default.

    Returns:
        0 when done, 2 without arguments, 130 when interrupted.

    Raises:
        KeyError: The table is unknown.
        ValueError: It has no such row or dataset, or a file is damaged.
        OSError: A dataset is missing, or a file cannot be written.
        FloatingPointError: A training diverged.
    """
    from vitruve.recipes.scotl_tables import SCOTL_TABLES

    given = sys.argv[2:] if argv is None else argv
    known = ", ".join([*SCOTL_TABLES, ACAE])
    if not given or given[0] in ("-h", "--help"):
        print(f"usage: vitruve reproduce TABLE [options]; TABLE is {known}")
        print("vitruve reproduce TABLE --help says what it takes.")
        return 0 if given else 2
    if given[0] == ACAE:
        return reproduce_acae.main(given[1:])
    if given[0] not in SCOTL_TABLES:
        raise KeyError(f"unknown table {given[0]!r}; there are {known}")
    return _reproduce(given)


def _reproduce(given: list[str]) -> int:
    """A paper's table beside ours."""
    from vitruve.recipes import RECIPES
    from vitruve.recipes.comparison import Comparison
    from vitruve.recipes.scotl_tables import SCOTL_TABLES

    table = SCOTL_TABLES[given[0]]
    prog, about = f"vitruve reproduce {given[0]}", f"{table.title}: {table.source}."
    arguments = tyro.cli(Arguments, prog=prog, description=about, args=given[1:])
    _check_out(arguments.out)
    places = _places(arguments.data, table.datasets)
    comparison = Comparison(
        table, RECIPES, arguments.preset, tuple(places), arguments.rows, arguments.results
    )
    if arguments.run:
        command = shlex.join(["vitruve", "reproduce", *given])
        if not _measure_missing(comparison, arguments, places, command):
            return INTERRUPTED
    _show(comparison, arguments, places)
    return 0


def _check_out(out: Path | None) -> None:
    """Refuse a file that no table is written as, before hours are spent."""
    from vitruve.benchmarks.table_text import STYLES

    if out is not None and out.suffix not in STYLES:
        raise ValueError(f"{out}: a table is written as {', '.join(STYLES)}; choose one of these")


def _places(given: tuple[str, ...], own: tuple[str, ...]) -> dict[str, Path | None]:
    """Datasets that were named, and where their files are, if that was said."""
    from vitruve.recipes.comparison import CMU, TITLES

    places: dict[str, Path | None] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if name in TITLES:
            places[name] = Path(path) if equals else None
        elif len(own) == 1:
            places[own[0]] = Path(text)
        else:
            raise ValueError(
                f"this table is of {', '.join(own)}: say whose files are at {text!r}, as in "
                f"--data {own[0]}={text}"
            )
    if CMU in places and places[CMU] is None and (motion := os.environ.get(DATA_VARIABLE)):
        places[CMU] = Path(motion)
    return places


def _show(comparison: "Comparison", arguments: Arguments, places: "Places") -> None:
    """Print the table and what would complete it; write it if asked to."""
    from vitruve.benchmarks.table_text import STYLES
    from vitruve.io.atomic import atomic_path
    from vitruve.recipes.comparison_text import comparison_text

    print(comparison_text(comparison, "md"), end="")
    if arguments.out is not None:
        text = comparison_text(comparison, STYLES[arguments.out.suffix])
        with atomic_path(arguments.out) as temporary:
            temporary.write_text(text, "utf-8")
    if missing := comparison.missing(arguments.seeds):
        print(f"\n{len(missing)} runs are missing. --run measures them, as would:\n")
        print("\n".join(_commands(comparison, arguments, places, missing)))


def _commands(
    comparison: "Comparison", arguments: Arguments, places: "Places", missing: "Todo"
) -> Iterator[str]:
    """What to type for each run, training that is done left out."""
    for line, seed in missing:
        folder = _folder(arguments, line.run, seed)
        weights = folder / "estimator.safetensors"
        data = ["--data", str(places.get(line.data) or "DATA")]
        name = ["--run", line.run, "--seed", str(seed), "--preset", comparison.preset]
        table = ["--table", comparison.table_name(line.data), "--results", str(arguments.results)]
        if not weights.is_file():
            how = ["--train.seed", str(seed), "--train.out", str(folder)]
            yield shlex.join(["vitruve", "train", line.run, *data, *how])
        kind = ["--keypoints", "gt"]
        asked = ["vitruve", "benchmark", line.benchmark, str(weights), *data, *kind, *name, *table]
        yield shlex.join(asked)


def _folder(arguments: Arguments, run: str, seed: int) -> Path:
    return arguments.runs / f"{run}.seed{seed}"


def _measure_missing(
    comparison: "Comparison", arguments: Arguments, places: "Places", command: str
) -> bool:
    """Train and measure run by run; False when interrupted."""
    missing = comparison.missing(arguments.seeds)
    # All test data are looked at before the first training.
    benchmarks = {line.benchmark: _open(line, places) for line, _ in missing}
    for number, (line, seed) in enumerate(missing, 1):
        print(f"\n{number} of {len(missing)}: {line.run}, seed {seed}", flush=True)
        recipe, folder = comparison.recipes[line.run], _folder(arguments, line.run, seed)
        train = replace(recipe.train, seed=seed, out=str(folder))
        result = replace(recipe, train=train).start(places[line.data])
        if result.interrupted or result.weights is None:
            print(f"stopped at step {result.step}; the same command goes on from there")
            return False
        _record(comparison, arguments, line, benchmarks[line.benchmark], seed, command)
    return True


def _open(line: "Line", places: "Places") -> "Benchmark":
    from vitruve.benchmarks import BENCHMARKS
    from vitruve.recipes.comparison import CMU, KEYPOINTS, TITLES

    path = places.get(line.data)
    if path is None:
        otherwise = f" or set {DATA_VARIABLE}" if line.data == CMU else ""
        raise FileNotFoundError(
            f"{line.run} needs {TITLES[line.data]}: give --data {line.data}=PATH{otherwise}; "
            "docs/benchmarks.md says what is expected there"
        )
    benchmark = BENCHMARKS[line.benchmark](path)
    if KEYPOINTS not in benchmark.keypoints:
        known = ", ".join(benchmark.keypoints)
        raise ValueError(f"{path} lacks the exact 2D ({KEYPOINTS}) of the paper; it has {known}")
    return benchmark


def _record(
    comparison: "Comparison",
    arguments: Arguments,
    line: "Line",
    benchmark: "Benchmark",
    seed: int,
    command: str,
) -> None:
    """Measure a trained run and keep its rows, as ``vitruve benchmark`` does."""
    from vitruve.cli import benchmark as verb

    asked = verb.Arguments(
        weights=str(_folder(arguments, line.run, seed) / "estimator.safetensors"),
        keypoints=("gt",),
        run=line.run,
        seed=seed,
        preset=comparison.preset,
        results=arguments.results,
        table=comparison.table_name(line.data),
    )
    verb.measure(benchmark, asked, command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
