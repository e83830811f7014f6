"""``vitruve train RECIPE``: run a recipe, or go on with one that was stopped."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vitruve.training.config import TrainConfig

DATA_VARIABLE = "VITRUVE_MOTION"


@dataclass(frozen=True)
class Arguments:
    """Train a recipe; a run that was stopped in its out folder goes on where it was."""

    train: TrainConfig
    """How to train; the defaults are the recipe's."""
    data: Path | None = None
    """Motion data: a CMU archive, a sequence store, or the folder of a recorded dataset, whichever
    the recipe trains on; VITRUVE_MOTION if unset. Recipes toy.* need none."""
    initial: Path | None = None
    """Trained weights to start from, such as a pre-training's: tensors of the same name and shape
    are taken over."""


def main(argv: list[str]) -> int:
    """Parse, train, say how it went.

    Returns:
        0 when finished, 2 on bad arguments, 130 when interrupted.

    Raises:
        KeyError: No recipe of that name.
        FileNotFoundError: The recipe's data or the initial weights are not there.
        ValueError: The data cannot be read, no initial weight fits, or the out folder holds
            another run.
        FloatingPointError: The training diverged.
    """
    try:
        name, arguments = _parse(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    return _train(name, arguments)


def _parse(argv: list[str]) -> tuple[str, Arguments]:
    """Read the recipe's name and its changed settings; ``--help`` exits."""
    import tyro

    from vitruve.recipes import RECIPES

    name = argv[0] if argv else "--help"
    if name in RECIPES:
        run = RECIPES[name]
        arguments = tyro.cli(
            Arguments,
            prog=f"vitruve train {name}",
            description=run.summary,
            default=Arguments(run.train),
            args=argv[1:],
        )
        return name, arguments
    if name in ("-h", "--help"):
        print("usage: vitruve train RECIPE [--data PATH] [--initial FILE] [--train.steps N ...]\n")
        print("Train a recipe; one that was stopped goes on. RECIPE --help lists its settings.\n")
        print("\n".join(f"  {name}\n      {run.summary}" for name, run in RECIPES.items()))
        raise SystemExit(0)
    raise KeyError(f"unknown recipe {name!r}; there are {', '.join(RECIPES)}")


def _train(name: str, arguments: Arguments) -> int:
    from vitruve.recipes import RECIPES

    data = arguments.data
    if data is None and (variable := os.environ.get(DATA_VARIABLE)):
        data = Path(variable)
    run: Any = replace(RECIPES[name], train=arguments.train)
    result = run.start(data, initial=arguments.initial)
    figures = "".join(f", {k} {v:.1f}" for k, v in result.figures.items())
    if result.finished:
        message = f"trained {result.step} steps{figures}: {result.weights}"
    else:
        message = f"stopped at step {result.step}; the same command goes on from there"
    if result.rank == 0:
        print(message)
    return 0 if result.finished else 130
