"""``vitruve tune RUN``: search a recipe's settings on its validation subject."""

import os
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from vitruve.cli.train import DATA_VARIABLE
from vitruve.recipes.search import Pruning

if TYPE_CHECKING:
    from vitruve.recipes.search import Search

_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Search settings of a recipe, or of several at once, on the validation subject.

    The first trial has the recipes' own values; every other one trains all RUNs with the same
    new ones. Stopped or killed, the same command goes on; the same command on another machine
    that shares the disk joins in.
    """

    runs: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUN [RUN ...]")]
    """Recipes; vitruve train --help lists them."""
    space: str = "rates"
    """What to vary. rates: the learning rate. energy: weight, both learning rates and the ranking
    of an energy term. pull: its pull in place of the weight. none: only what --vary names."""
    vary: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """PATH=LOW..HIGH (uniform in the logarithm) or PATH=a,b,c, such as
    train.weight_decay=1e-4..0.1; takes the place of the same path in the space. Repeat it for
    more."""
    trials: int = 50
    """Trials in all, those of earlier starts too."""
    steps: int | None = None
    """Steps of every training; the recipe's if unset."""
    evaluate_every: int | None = None
    """Steps between evaluations, at which a trial may be stopped; the recipe's if unset, or an
    eighth of the steps where that does not fit."""
    seeds: tuple[int, ...] = (0,)
    """Seeds that every trial trains with; their figures are averaged."""
    workers: int = 1
    """Processes on this machine; two or more compute with one thread each."""
    pruning: Pruning = field(default_factory=Pruning)
    """When a trial is stopped early."""
    out: Path | None = None
    """Folder of the search; runs/tune/RUN if unset."""
    data: Path | None = None
    """Motion data, as for vitruve train; VITRUVE_MOTION if unset."""
    table: str | None = None
    """Keep every trial that ran to its end as a row of this file of --results."""
    preset: Literal["cpu", "gpu"] = "cpu"
    """Size of the runs, for the rows."""
    results: Path = Path("benchmarks/results")
    """Folder of the results files."""


def main(argv: list[str]) -> int:
    """Parse, search, print what was found.

    Returns:
        0 when all trials are run, 2 when a worker met an error.

    Raises:
        ImportError: The extra ``tune`` is not installed.
        KeyError: No recipe or space of that name.
        ValueError: What is asked for cannot be searched, or the folder holds another search.
        FloatingPointError: The recipes diverge with their own values.
        OSError: Data are missing, or the folder cannot be written.
    """
    from vitruve.recipes.search import check_search, check_tune

    arguments = tyro.cli(Arguments, prog="vitruve tune", args=argv)
    check_tune()
    search = _search(arguments)
    check_search(search)
    code = _run(search, arguments.workers)
    if not code and arguments.table:
        _record(search, arguments, shlex.join(["vitruve", "tune", *argv]))
    return code


def _run(search: "Search", count: int) -> int:
    from vitruve.cli.workers import run_workers
    from vitruve.recipes.search.book import TrialBook
    from vitruve.recipes.search.report import BEST, TRIALS, summary, write_report
    from vitruve.recipes.search.worker import work

    if count < 1:
        raise ValueError(f"--workers must be 1 or more, got {count}")
    book = TrialBook(search, _say)
    count = min(count, book.left())
    if count == 1:
        work(search, _say)
    elif count and (code := run_workers(count, work, search, _say)):
        return code
    write_report(book)
    print("\n".join(summary(book)))
    print(search.out / TRIALS, search.out / BEST, sep="\n")
    return 0


def _record(search: "Search", arguments: Arguments, command: str) -> None:
    from vitruve.benchmarks import Row, record
    from vitruve.recipes.search.book import TrialBook
    from vitruve.recipes.search.report import rows_of

    assert arguments.table
    name, seed = "+".join(search.runs), search.seeds[0]
    for number, metrics, seconds in rows_of(TrialBook(search, _say)):
        data = f"validation, trial {number}"
        row = Row(name, seed, arguments.preset, data, metrics, command, seconds)
        record(row, arguments.table, arguments.results)


def _search(arguments: Arguments) -> "Search":
    from vitruve.recipes import RECIPES
    from vitruve.recipes.search import Search
    from vitruve.recipes.search.plan import for_search
    from vitruve.recipes.tuning import SPACES, parse_dimension

    if unknown := [name for name in arguments.runs if name not in RECIPES]:
        raise KeyError(f"unknown recipe {unknown[0]!r}; there are {', '.join(RECIPES)}")
    if not arguments.runs:
        raise ValueError("give one RUN or more; vitruve train --help lists them")
    if arguments.space not in SPACES:
        raise KeyError(f"unknown space {arguments.space!r}; there are {', '.join(SPACES)}")
    runs = {
        name: for_search(RECIPES[name], arguments.steps, arguments.evaluate_every)
        for name in arguments.runs
    }
    dimensions = {d.path: d for d in SPACES[arguments.space]}
    dimensions |= {d.path: d for d in (parse_dimension(text, runs) for text in arguments.vary)}
    data = arguments.data
    if data is None and (variable := os.environ.get(DATA_VARIABLE)):
        data = Path(variable)
    return Search(
        runs,
        tuple(dimensions.values()),
        arguments.out or _folder(arguments.runs),
        data,
        arguments.trials,
        arguments.seeds,
        arguments.pruning,
    )


def _folder(names: tuple[str, ...]) -> Path:
    name = "+".join(names)
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"the names of {len(names)} RUNs are too long for a folder; give --out")
    return Path("runs/tune") / name


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
