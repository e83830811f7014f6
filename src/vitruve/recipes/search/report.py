"""What a search found: ``best.json``, ``trials.csv``, and lines to print."""

import csv
import json
import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from vitruve.io.atomic import atomic_path
from vitruve.recipes.search.book import TrialBook, baseline_of, number_of
from vitruve.recipes.search.plan import Search
from vitruve.recipes.tuning import LogRange

BEST, TRIALS = "best.json", "trials.csv"
_SHOWN = 5
_ENOUGH_FOR_IMPORTANCE = 8
_NEAR_THE_END = 0.05
"""Share of a range's logarithm."""


def write_report(book: TrialBook) -> None:
    """Write the files anew.

    Raises:
        OSError: The folder cannot be written.
    """
    trials = _latest(book)
    with atomic_path(book.search.out / TRIALS) as path:
        _write_table(path, book.search, trials)
    baseline, best = baseline_of(trials), _best(trials)
    if baseline is not None and best is not None:
        text = json.dumps(_finding(book.search, baseline, best), indent=1, allow_nan=False)
        with atomic_path(book.search.out / BEST) as path:
            path.write_text(text + "\n", encoding="utf-8")


def one_line(book: TrialBook, number: int) -> str:
    """What became of a trial, and how much is left."""
    trials = _latest(book)
    trial = next(t for t in trials if number_of(t) == number)
    done = [t for t in trials if t.state in (TrialState.COMPLETE, TrialState.PRUNED)]
    named = "the recipes' own values" if "baseline" in trial.user_attrs else _named(trial)
    became = _figures(trial, baseline_of(trials), book.search.monitor)
    note = trial.user_attrs.get("note")
    if note:
        became = note if note.startswith("diverged") else f"stopped at {note}"
    # The one who asks is between two trials.
    at_work = 1 + sum(t.state == TrialState.RUNNING for t in trials)
    count = f"{len(done)} of {book.search.trials}{_left(done, book.search, at_work)}"
    return f"trial {number}: {named}: {became} ({count})"


def summary(book: TrialBook) -> Iterator[str]:
    """The best trials, what the figure depends on, and whether anything was gained."""
    trials, search = _latest(book), book.search
    ended = sorted((t for t in trials if t.state == TrialState.COMPLETE), key=_value)
    baseline = baseline_of(trials)
    for trial in ended[:_SHOWN]:
        own = " (the recipes' own values)" if trial is baseline else ""
        figures = _figures(trial, baseline, search.monitor)
        yield f"trial {number_of(trial):3}: {figures}  {_named(trial)}{own}"
    yield from _importance(book, len(ended))
    if baseline is not None and ended[0] is not baseline:
        yield from _edges(search, ended[0])
    if baseline is not None:
        yield _verdict(search, baseline, ended[0])


def rows_of(book: TrialBook) -> Iterator[tuple[int, dict[str, float], float]]:
    """Every trial that ran to its end: its number, its figures and settings, its seconds.

    A setting goes by its last two names, one of a few values by itself: 1 where it was taken.
    """
    trials, search = _latest(book), book.search
    baseline = baseline_of(trials)
    for trial in trials:
        if trial.state != TrialState.COMPLETE or baseline is None:
            continue
        metrics = {search.monitor: _value(trial), "of_baseline": _value(trial) / _value(baseline)}
        metrics |= {n: fmean(found) for n, found in trial.user_attrs["figures"].items()}
        for dimension in search.dimensions:
            name = "_".join(dimension.path.split(".")[-2:])
            value = trial.params[dimension.path]
            if isinstance(dimension, LogRange):
                metrics[name] = value
            else:
                metrics |= {f"{name}_{o}": float(o == value) for o in dimension.options}
        assert trial.duration is not None
        yield number_of(trial), metrics, trial.duration.total_seconds()


def _finding(search: Search, baseline: FrozenTrial, best: FrozenTrial) -> dict[str, Any]:
    own, found = baseline.user_attrs["figures"], best.user_attrs["figures"]
    runs = {n: {"figure": fmean(found[n]), "baseline": fmean(own[n])} for n in search.runs}
    return {
        "values": {} if best is baseline else best.params,
        "figure": best.value,
        "baseline": baseline.value,
        "baseline_spread": _spread(baseline),
        "monitor": search.monitor,
        "runs": runs,
        "seeds": list(search.seeds),
        "steps": {name: run.train.steps for name, run in search.runs.items()},
        "trial": number_of(best),
        "commit": best.user_attrs["commit"],
        "machine": best.user_attrs["machine"],
    }


def _write_table(path: Path, search: Search, trials: list[FrozenTrial]) -> None:
    """One row per trial, by number."""
    varied = [d.path for d in search.dimensions]
    baseline = baseline_of(trials)
    head = ["trial", "state", search.monitor, "of_baseline", *varied, *search.runs]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*head, "seconds", "note", "commit", "machine"])
        for trial in trials:
            about = trial.user_attrs
            ratio = _value(trial) / _value(baseline) if baseline and trial.value else ""
            figures = about.get("figures", {})
            row = [number_of(trial), trial.state.name.lower(), trial.value, ratio]
            row += [trial.params.get(path) for path in varied]
            row += [fmean(figures[name]) if name in figures else "" for name in search.runs]
            seconds = trial.duration.total_seconds() if trial.duration else ""
            table.writerow([*row, seconds, *(about.get(k) for k in ("note", "commit", "machine"))])


def _importance(book: TrialBook, ended: int) -> Iterator[str]:
    """Shares of the figure's variance; they need scikit-learn and some trials."""
    varied = [d.path for d in book.search.dimensions]
    if ended < _ENOUGH_FOR_IMPORTANCE or len(varied) < 2:
        return
    if find_spec("sklearn") is None:
        yield "which setting matters is told with scikit-learn: pip install 'vitruve[plots]'"
        return
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(book.study, evaluator=evaluator, params=varied)
    yield "importance: " + ", ".join(f"{path} {share:.0%}" for path, share in found.items())


def _edges(search: Search, best: FrozenTrial) -> Iterator[str]:
    """Ranges at whose end the best value lies."""
    for dimension in search.dimensions:
        if isinstance(dimension, LogRange):
            low, high = math.log(dimension.low), math.log(dimension.high)
            place = (math.log(best.params[dimension.path]) - low) / (high - low)
            if not _NEAR_THE_END <= place <= 1 - _NEAR_THE_END:
                yield (
                    f"{dimension.path} is best near the end of its range {dimension}: search a "
                    "wider one"
                )


def _verdict(search: Search, baseline: FrozenTrial, best: FrozenTrial) -> str:
    gain, spread = _value(baseline) - _value(best), _spread(baseline)
    own = f"the recipes' own values: {search.monitor} {_value(baseline):.4g}"
    if spread is None:
        how = "how much seeds differ is not known: give --seeds 0 1 2 to see whether it is a gain"
        return f"{own}; {gain:.2g} better was found; {how}" if gain > 0 else f"{own}, the best"
    own += f" with a standard deviation of {spread:.2g} over {len(search.seeds)} seeds"
    if gain <= 0:
        return f"{own}, the best"
    if gain <= spread:
        return f"{own}; the best is {gain:.2g} better, less than seeds differ: no gain"
    return f"{own}; the best is {gain:.2g} better, {gain / spread:.1f} standard deviations"


def _spread(baseline: FrozenTrial) -> float | None:
    """Standard deviation over seeds of a trial's figure; None for a single seed."""
    by_seed = zip(*baseline.user_attrs["figures"].values(), strict=True)
    figures = [math.exp(fmean(map(math.log, of_runs))) for of_runs in by_seed]
    return stdev(figures) if len(figures) > 1 else None


def _latest(book: TrialBook) -> list[FrozenTrial]:
    """Trials by number; one that was taken up again stands for its earlier starts."""
    found = {number_of(trial): trial for trial in book.study.get_trials(deepcopy=False)}
    return [found[number] for number in sorted(found) if number >= 0]


def _best(trials: list[FrozenTrial]) -> FrozenTrial | None:
    ended = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    return min(ended, key=_value, default=None)


def _value(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value


def _figures(trial: FrozenTrial, baseline: FrozenTrial | None, monitor: str) -> str:
    if trial.value is None:
        return trial.state.name.lower()
    ratio = f", {trial.value / _value(baseline):.3f} of the recipes'" if baseline else ""
    return f"{monitor} {trial.value:.4g}{ratio}"


def _named(trial: FrozenTrial) -> str:
    shown = {k: f"{v:.3g}" if isinstance(v, float) else v for k, v in trial.params.items()}
    return " ".join(f"{path}={value}" for path, value in shown.items())


def _left(done: list[FrozenTrial], search: Search, at_work: int) -> str:
    """Time left, from what a trial took on average and how many are run at once."""
    left = search.trials - len(done)
    took = [trial.duration.total_seconds() for trial in done if trial.duration]
    if left <= 0 or not took:
        return ""
    minutes = fmean(took) * left / max(1, at_work) / 60
    return f", about {minutes:.0f} min left" if minutes >= 1 else ""
