"""One process of a search: takes trials until none are left, trains them, keeps the figures."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from rich.console import Console

from vitruve.benchmarks.provenance import commit, machine
from vitruve.recipes.run import Run
from vitruve.recipes.search.book import Say, Task, TrialBook
from vitruve.recipes.search.plan import Part, Search, combined
from vitruve.recipes.search.report import one_line, write_report
from vitruve.training.log import read_log


def work(search: Search, say: Say) -> None:
    """Run trials of a search until all are run or taken.

    Args:
        search: The search.
        say: Told what becomes of each trial.

    Raises:
        KeyboardInterrupt: Ctrl-C; the trial goes on when the search does.
        FloatingPointError: The recipes diverge with their own values.
        ValueError: The folder holds another search, or values do not fit.
        OSError: Data are missing, or the folder cannot be written.
    """
    book = TrialBook(search, say)
    while (task := book.take()) is not None:
        with task.pulse:
            _run(book, task)


def _run(book: TrialBook, task: Task) -> None:
    try:
        figure, note = None, ""
        try:
            figures = _train(book, task)
            figure = combined(figures)
            task.trial.set_user_attr("figures", _by_run(figures))
        except optuna.TrialPruned as stop:
            note = str(stop)
        except FloatingPointError as error:
            if "baseline" in task.trial.user_attrs:
                raise
            note = f"diverged: {error}"
        _forget_weights(task.folder)
        book.finish(task, figure, note=note, commit=commit(), machine=machine())
    except KeyboardInterrupt:
        book.give_back(task)
        raise
    except UpdateFinishedTrialError:
        book.say(f"trial {task.number} was gone so long that another process took it up")
        return
    except BaseException as error:
        book.fail(task, error)
        raise
    write_report(book)
    book.say(one_line(book, task.number))


def _train(book: TrialBook, task: Task) -> dict[Part, float]:
    """Figures of all parts; those that an earlier process finished are read.

    Raises:
        optuna.TrialPruned: The trial is not worth its time.
        FloatingPointError: It diverged.
        KeyboardInterrupt: Ctrl-C.
    """
    figures: dict[Part, float] = {}
    for part in book.search.parts:
        run = book.search.run_of(part, task.values, task.folder)
        if _figure(run) is None:
            watch = _Watch(book, task, part, figures)
            result = run.start(book.search.data, Console(quiet=True), watch=watch)
            if result.interrupted or not result.finished:
                raise KeyboardInterrupt
        figure = _figure(run)
        assert figure is not None
        figures[part] = figure
    return figures


class _Watch:
    """Reports a part's evaluations, and ends trials that fall behind."""

    def __init__(
        self, book: TrialBook, task: Task, part: Part, earlier: Mapping[Part, float]
    ) -> None:
        self.book, self.task, self.part, self.earlier = book, task, part, earlier

    def __call__(self, step: int, figures: Mapping[str, float]) -> None:
        search, part = self.book.search, self.part
        if search.monitor not in figures:
            raise ValueError(
                f"{part.run} is to be judged by {search.monitor!r}, but its evaluation gives "
                f"{', '.join(figures)}"
            )
        figure = figures[search.monitor]
        if not (math.isfinite(figure) and figure > 0):
            raise FloatingPointError(f"{search.monitor} of {part.run} is {figure} at step {step}")
        so_far = combined({**self.earlier, part: figure})
        self.book.report(self.task, part.offset + step, so_far)
        steps = search.runs[part.run].train.steps
        last = part == search.parts[-1] and step == steps
        if last or step < search.pruning.after * steps:
            return
        if self.book.falls_behind(self.task, part.offset + step, so_far):
            self._stop(step, so_far)

    def _stop(self, step: int, figure: float) -> NoReturn:
        part = self.part
        raise optuna.TrialPruned(f"step {step} of {part.folder}: {figure:.4g}, worse than half")


def _figure(run: Run) -> float | None:
    """What the evaluation after the last step said; None as long as there was none."""
    log = Path(run.train.out) / "log.jsonl"
    rows = read_log(log) if log.exists() else []
    if not rows or rows[-1]["step"] != run.train.steps:
        return None
    return rows[-1].get(run.train.monitor)


def _by_run(figures: Mapping[Part, float]) -> dict[str, list[float]]:
    """Figures of each run, in the order of the seeds."""
    found: dict[str, list[float]] = {}
    for part, figure in figures.items():
        found.setdefault(part.run, []).append(figure)
    return found


def _forget_weights(folder: Path) -> None:
    """Remove what a trial needed to go on; its logs stay."""
    for path in folder.rglob("*.safetensors"):
        path.unlink(missing_ok=True)
