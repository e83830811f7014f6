"""A search's dimensions as Optuna takes them, and what draws new values."""

import warnings
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from vitruve.recipes.search.plan import Search
from vitruve.recipes.tuning import Choice, Dimension, paths, value_at


def own_values(search: Search) -> tuple[dict[str, Any], dict[str, BaseDistribution]]:
    """The recipes' own values where they are one point of the space, for the sampler to know."""
    params, distributions = {}, {}
    for dimension in search.dimensions:
        path, distribution = dimension.path, _distribution(dimension, search)
        own = {value_at(run, path) for run in search.runs.values() if path in paths(run)}
        value = own.pop()
        if own or not _inside(dimension, value):
            return {}, {}
        params[path], distributions[path] = value, distribution
    return params, distributions


def suggest(trial: optuna.Trial, dimension: Dimension, search: Search) -> Any:
    """A new value of one setting, or the one that the trial was begun with."""
    if isinstance(dimension, Choice):
        return trial.suggest_categorical(dimension.path, dimension.options)
    low, high = dimension.low, dimension.high
    if isinstance(_distribution(dimension, search), IntDistribution):
        return trial.suggest_int(dimension.path, int(low), int(high), log=True)
    return trial.suggest_float(dimension.path, low, high, log=True)


def make_sampler(num_trials: int, num_dimensions: int) -> optuna.samplers.TPESampler:
    """Seeded by the trials so far, so that a search that was stopped goes on with the same values.

    Every dimension is drawn by itself: the recipes' own values need not be a point of the space.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            n_startup_trials=min(10, 2 + 2 * num_dimensions),
            multivariate=False,
            constant_liar=True,
            seed=num_trials,
        )


def _distribution(dimension: Dimension, search: Search) -> BaseDistribution:
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.options)
    run = next(run for run in search.runs.values() if dimension.path in paths(run))
    if type(value_at(run, dimension.path)) is int:
        return IntDistribution(int(dimension.low), int(dimension.high), log=True)
    return FloatDistribution(dimension.low, dimension.high, log=True)


def _inside(dimension: Dimension, value: Any) -> bool:
    if isinstance(dimension, Choice):
        return value in dimension.options
    return isinstance(value, int | float) and dimension.low <= value <= dimension.high
