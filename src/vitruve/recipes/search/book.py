"""The trials of a search in one file that any number of processes and machines share.

Optuna's journal holds them. Whoever takes a trial, or finds one that was left behind, does so
alone: a second lock file is held meanwhile.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState, create_trial

from vitruve.recipes.search.plan import Search
from vitruve.recipes.search.pulse import GONE_S, Pulse, beats
from vitruve.recipes.search.sampling import make_sampler, own_values, suggest

FILE = "journal.log"
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
_BEGUN = (*_ENDED, TrialState.RUNNING)
_PULSE = "at_work.json"
_LONGEST_TURN_S = 90
"""A turn held longer was left behind; it may hold a wait of half a minute for the journal."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Task:
    """A trial that this process is to run."""

    trial: optuna.Trial
    values: dict[str, Any]
    """By path; none for the recipes' own."""
    number: int
    """Counts the trials that were begun; one that goes on keeps its number and its folder."""
    folder: Path
    pulse: Pulse


class TrialBook:
    """Hands out trials, and keeps what becomes of them."""

    def __init__(self, search: Search, say: Say) -> None:
        """Open the folder's file, or begin one.

        Raises:
            ValueError: The folder holds another search, or its file is damaged.
            OSError: It cannot be written.
        """
        self.search, self.say = search, say
        search.out.mkdir(parents=True, exist_ok=True)
        path = (search.out / FILE).resolve()
        self._turn_lock = JournalFileOpenLock(str(path.with_name("turn")), _LONGEST_TURN_S)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with self._turn():
            lock = JournalFileOpenLock(str(path))
            if not path.exists() and any(search.out.glob("trial_*")):
                raise ValueError(
                    f"{search.out} holds trials of a search whose {FILE} is gone; choose another "
                    "--out or remove them"
                )
            with _held(lock):
                _mend(path)
            self.study = self._open(path, lock)

    def take(self) -> Task | None:
        """The next trial: one that was left behind, the recipes' own values, or new ones.

        None when all were given out. The caller runs it inside ``with task.pulse``.
        """
        with self._turn():
            self._take_back()
            trials = self.study.get_trials(deepcopy=False)
            if sum(trial.state in _BEGUN for trial in trials) >= self.search.trials:
                return None
            if baseline_of(trials, (*_BEGUN, TrialState.WAITING)) is None:
                self.study.add_trial(_waiting(*own_values(self.search), {"baseline": True}))
            number = 1 + max((number_of(trial) for trial in trials), default=-1)
            self.study.sampler = make_sampler(number, len(self.search.dimensions))
            trial = self.study.ask()
            try:
                return self._task(trial, trial.user_attrs.get("number", number))
            except BaseException:
                self._put_back(self._kept(trial.number))
                raise

    def left(self) -> int:
        """Trials that have not ended."""
        ended = self.study.get_trials(deepcopy=False, states=_ENDED)
        return max(0, self.search.trials - len(ended))

    def report(self, task: Task, step: int, figure: float) -> None:
        """Keep a figure on the way."""
        # A trial taken up again passes some evaluations a second time, to the same figures.
        if step not in self._kept(task.trial.number).intermediate_values:
            task.trial.report(figure, step)

    def falls_behind(self, task: Task, step: int, figure: float) -> bool:
        """Whether half of the trials that ran to their end were better at this step.

        Optuna's median rule compares the lowest figure so far. That says little where a trial
        trains several runs, whose figures differ in size, so here it is the figure of now.
        """
        ended = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if "baseline" in task.trial.user_attrs or len(ended) < self.search.pruning.startup:
            return False
        others = sorted(v for t in ended if (v := t.intermediate_values.get(step)) is not None)
        middle = len(others) // 2
        return bool(others) and figure > (others[middle] + others[-1 - middle]) / 2

    def finish(self, task: Task, figure: float | None, **about: Any) -> None:
        """Keep a trial's figure, or that it was stopped early if there is none."""
        state = TrialState.PRUNED if figure is None else TrialState.COMPLETE
        self._end(task, state, figure, about)

    def fail(self, task: Task, error: BaseException) -> None:
        """Keep that a trial cannot be run."""
        self._end(task, TrialState.FAIL, None, {"note": f"{type(error).__name__}: {error}"})

    def give_back(self, task: Task) -> None:
        """Let the next who asks go on with this trial."""
        with self._turn():
            self._put_back(self._kept(task.trial.number))

    def _open(self, path: Path, lock: JournalFileOpenLock) -> optuna.Study:
        now = json.loads(json.dumps(self.search.describe()))
        try:
            study = optuna.create_study(
                storage=JournalStorage(JournalFileBackend(str(path), lock)),
                study_name="tune",
                load_if_exists=True,
                pruner=optuna.pruners.NopPruner(),
            )
            saved = study.user_attrs.get("search")
        except (KeyError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is damaged: {error}; remove the folder") from None
        if saved is None:
            study.set_user_attr("search", now)
            return study
        if difference := _difference(saved, now):
            raise ValueError(
                f"{self.search.out} holds another search ({difference}); choose another --out, or "
                "remove the folder"
            )
        return study

    def _task(self, trial: optuna.Trial, number: int) -> Task:
        trial.set_user_attr("number", number)
        values = {}
        if "baseline" not in trial.user_attrs:
            values = {d.path: suggest(trial, d, self.search) for d in self.search.dimensions}
        folder = folder_of(self.search, number)
        task = Task(trial, values, number, folder, Pulse(folder / _PULSE))
        task.pulse.start()
        return task

    def _kept(self, number: int) -> FrozenTrial:
        return self.study.get_trials(deepcopy=False)[number]

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with _held(self._turn_lock):
            yield

    def _take_back(self) -> None:
        """Let trials go on whose process is gone."""
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            number = number_of(trial)
            alive = beats(folder_of(self.search, number) / _PULSE)
            if alive is None:
                # Taken a moment ago, or by a machine whose files are not seen here yet.
                assert trial.datetime_start is not None
                alive = (datetime.now() - trial.datetime_start).total_seconds() < GONE_S
            if not alive:
                self.say(f"trial {number} was left by a process that is gone: it goes on")
                self._put_back(trial)

    def _put_back(self, trial: FrozenTrial) -> None:
        if trial.state != TrialState.RUNNING:
            return
        self.study.tell(trial.number, state=TrialState.FAIL)
        # Without a number it was left before it began.
        if number_of(trial) >= 0:
            about, figures = trial.user_attrs, trial.intermediate_values
            self.study.add_trial(_waiting(trial.params, trial.distributions, about, figures))

    def _end(
        self, task: Task, state: TrialState, figure: float | None, about: dict[str, Any]
    ) -> None:
        for name, value in about.items():
            task.trial.set_user_attr(name, value)
        self.study.tell(task.trial, figure, state)


def number_of(trial: FrozenTrial) -> int:
    """Number of a trial when it was first begun, which it keeps; -1 if it never was."""
    return trial.user_attrs.get("number", -1)


def folder_of(search: Search, number: int) -> Path:
    """Where a trial trains."""
    return search.out / f"trial_{number:03d}"


def baseline_of(
    trials: list[FrozenTrial], states: tuple[TrialState, ...] = (TrialState.COMPLETE,)
) -> FrozenTrial | None:
    """The trial of the recipes' own values, in one of some states."""
    return next((t for t in trials if "baseline" in t.user_attrs and t.state in states), None)


def _difference(saved: dict[str, Any], now: dict[str, Any]) -> str:
    for key, value in now.items():
        if saved.get(key) != value:
            if key == "settings":
                return "its recipes had other settings"
            return f"{key} was {saved.get(key)}, now {value}"
    return ""


def _waiting(
    params: dict[str, Any],
    distributions: dict[str, BaseDistribution],
    attributes: dict[str, Any],
    figures: dict[int, float] | None = None,
) -> FrozenTrial:
    return create_trial(
        state=TrialState.WAITING,
        params=params,
        distributions=distributions,
        user_attrs=attributes,
        intermediate_values=figures,
    )


def _mend(path: Path) -> None:
    """Cut off a last line that a full disk or a lost machine left unfinished."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)


@contextmanager
def _held(lock: JournalFileOpenLock) -> Iterator[None]:
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
