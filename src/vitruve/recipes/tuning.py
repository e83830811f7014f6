"""Settings of a run by dotted path: which ones a search varies, and how far; how to change them.

A path names a leaf of ``asdict(run)``, such as ``train.learning_rate`` or
``terms.energy.config.ranking``.
"""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vitruve.io.archive import load_json
from vitruve.io.dataclass_json import config_from_dict
from vitruve.recipes.run import Run


@dataclass(frozen=True)
class LogRange:
    """Numbers from ``low`` to ``high``, uniform in their logarithm; whole where the setting is."""

    path: str
    low: float | int
    high: float | int

    def __post_init__(self) -> None:
        """Refuse a range that has no logarithm."""
        if not 0 < self.low < self.high < math.inf:
            raise ValueError(
                f"{self.path}={self.low}..{self.high}: a range rises from LOW above 0 to HIGH"
            )

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"

    @property
    def ends(self) -> tuple[float | int, ...]:
        """Values that must fit the setting."""
        return self.low, self.high


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    path: str
    options: tuple[Any, ...]

    def __str__(self) -> str:
        return ",".join(map(str, self.options))

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that must fit the setting."""
        return self.options


Dimension = LogRange | Choice
"""What a search may do with one setting."""

_LEARNING_RATE = LogRange("train.learning_rate", 1e-4, 1e-2)
_ENERGY = (
    _LEARNING_RATE,
    LogRange("terms.energy.learning_rate", 1e-6, 1e-3),
    Choice("terms.energy.config.ranking", ("margin", "nce")),
)
SPACES: dict[str, tuple[Dimension, ...]] = {
    "energy": (LogRange("terms.energy.weight", 1e-5, 1e-2), *_ENERGY),
    "none": (),
    "pull": (LogRange("terms.energy.pull", 1e-2, 1.0), *_ENERGY),
    "rates": (_LEARNING_RATE,),
}
"""What to vary, by name; ``none`` is for those who name every setting themselves.

``energy`` is for terms that are weighed, ``pull`` for those whose gradient is held at a share.
"""

_SAME_FOR_ALL = (
    "source",
    "train.steps",
    "train.batch_size",
    "train.seed",
    "train.out",
    "train.monitor",
    "train.accelerator",
    "train.devices",
    "train.nodes",
    "train.log_every",
    "train.checkpoint_every",
    "train.evaluate_every",
)
"""What every trial has in common: the budget, what validation looks at, and what alters nothing.

Sources draw their validation windows by batch size and seed.
"""


def paths(run: Run) -> list[str]:
    """Every path of a run, in the order of its fields."""
    return [path for path, _ in _leaves(asdict(run))]


def value_at(run: Run, path: str) -> Any:
    """The value of one setting.

    Raises:
        ValueError: There is no such path; the message names the nearest ones.
    """
    settings = dict(_leaves(asdict(run)))
    _check_path(path, settings)
    return settings[path]


def apply_values(run: Run, values: Mapping[str, Any]) -> Run:
    """The run with other values at some paths.

    Raises:
        ValueError: A path does not exist, or a value does not fit its setting.
    """
    data = asdict(run)
    settings = dict(_leaves(data))
    for path, value in values.items():
        _check_path(path, settings)
        *groups, name = path.split(".")
        place = data
        for group in groups:
            place = place[group]
        place[name] = value
    return config_from_dict(Run, data)


def apply_where_found(run: Run, values: Mapping[str, Any]) -> Run:
    """As `apply_values`, leaving out the paths that this run does not have."""
    known = set(paths(run))
    return apply_values(run, {path: value for path, value in values.items() if path in known})


def parse_dimension(text: str, runs: Mapping[str, Run]) -> Dimension:
    """A dimension from ``PATH=LOW..HIGH`` or ``PATH=a,b,c``.

    Raises:
        ValueError: It is neither, no run has the path, or a value does not fit the setting.
    """
    path, equals, said = text.partition("=")
    if not equals or not said:
        raise ValueError(f"{text!r} is neither PATH=LOW..HIGH nor PATH=a,b,c")
    run = next((r for r in runs.values() if path in paths(r)), next(iter(runs.values())))
    low, dots, high = said.partition("..")
    if not dots:
        return Choice(path, tuple(_read(run, path, option) for option in said.split(",")))
    try:
        return LogRange(path, _number(low), _number(high))
    except ValueError as error:
        raise ValueError(f"{text!r} is no range: {error}") from None


def check_dimensions(dimensions: tuple[Dimension, ...], runs: Mapping[str, Run]) -> None:
    """Refuse dimensions that no run has, or whose values do not fit or do nothing there.

    Raises:
        ValueError: There is such a dimension, one may not be varied, or there are none at all.
    """
    if not dimensions:
        raise ValueError("nothing to search: give --vary PATH=LOW..HIGH or another --space")
    for dimension in dimensions:
        path = dimension.path
        if not _may_vary(path):
            raise ValueError(
                f"{path} must be the same for all trials: it sets what validation sees, or how "
                "long and where a trial trains"
            )
        having = [run for run in runs.values() if path in paths(run)]
        if not having:
            value_at(next(iter(runs.values())), path)
        for run in having:
            for value in dimension.ends:
                apply_values(run, {path: value})
            _check_effect(run, path, {d.path for d in dimensions})


def read_tuned(path: Path) -> dict[str, Any]:
    """The values that a search found, by path, from its ``best.json``.

    Raises:
        ValueError: The file is not one that a search wrote.
        OSError: It does not exist or may not be read.
    """
    content = load_json(path)
    values = content.get("values") if isinstance(content, dict) else None
    plain = str | int | float | bool | None
    if not isinstance(values, dict) or not all(isinstance(v, plain) for v in values.values()):
        raise ValueError(f'{path} has no "values" by path; give the best.json of a search')
    if fixed := [name for name in values if not _may_vary(name)]:
        raise ValueError(f"{path} sets {fixed[0]!r}, which no search varies")
    return values


def _may_vary(path: str) -> bool:
    return not path.startswith("source_config.") and path not in _SAME_FOR_ALL


def _check_effect(run: Run, path: str, varied: set[str]) -> None:
    term, _, setting = path.rpartition(".")
    pull = f"{term}.pull"
    if term.startswith("terms.") and setting == "weight" and pull not in varied:
        share = value_at(run, pull)
        if share is not None:
            raise ValueError(
                f"{path} only says on or off while {pull} is {share}: vary that (--space pull), or "
                f"switch it off with --vary {pull}=null"
            )


def _leaves(data: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _check_path(path: str, settings: Mapping[str, Any]) -> None:
    if path in settings:
        return
    inside = [known for known in settings if known.startswith(f"{path}.")]
    near = inside[:4] or get_close_matches(path, settings, n=4, cutoff=0.0)
    raise ValueError(f"the run has no setting {path!r}; the nearest are {', '.join(near)}")


def _read(run: Run, path: str, text: str) -> Any:
    """The text as whatever the setting takes: a number, true, false, null, or the text itself."""
    try:
        candidates = [json.loads(text), text]
    except ValueError:
        candidates = [text]
    *guesses, last = candidates
    for guess in guesses:
        with suppress(ValueError):
            return value_at(apply_values(run, {path: guess}), path)
    return value_at(apply_values(run, {path: last}), path)


def _number(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        return float(text)
