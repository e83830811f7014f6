"""``vitruve train RECIPE``: run a recipe, or go on with one that was stopped."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vitruve.cli.train_result import said
from vitruve.training.config import TrainConfig

if TYPE_CHECKING:
    from vitruve.recipes import Run

DATA_VARIABLE = "VITRUVE_MOTION"
UNSUPERVISED = "unsupervised"
"""Instead of a recipe: the run follows from the user's pictures."""


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
    tuned: Path | None = None
    """best.json of vitruve tune: its values take the place of the recipe's; what is named here as
    well wins."""


def main(argv: list[str]) -> int:
    """Parse, train, say how it went.

    Returns:
        0 when finished, 2 on bad arguments, 130 when interrupted.

    Raises:
        KeyError: No recipe of that name.
        FileNotFoundError: The recipe's data or the initial weights are not there.
        ValueError: The data cannot be read, no initial weight fits, the recipe has no setting
            that was tuned, or the out folder holds another run.
        FloatingPointError: The training diverged.
    """
    if argv[:1] == [UNSUPERVISED]:
        from vitruve.cli.train_unsupervised import main as unsupervised

        return unsupervised(argv[1:])
    try:
        run, arguments = _parse(argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    return _train(run, arguments)


def _parse(argv: list[str]) -> tuple["Run", Arguments]:
    """Read the recipe's name and its changed settings; ``--help`` exits."""
    from vitruve.recipes import RECIPES

    name = argv[0] if argv else "--help"
    if name in RECIPES:
        run = RECIPES[name]
        arguments = _arguments(name, run, argv[1:])
        if arguments.tuned is not None:
            run = _tuned(run, arguments.tuned)
            arguments = _arguments(name, run, argv[1:])
        return run, arguments
    if name in ("-h", "--help"):
        print("usage: vitruve train RECIPE [--data PATH] [--initial FILE] [--tuned FILE]")
        print("                            [--train.steps N ...]\n")
        print("Train a recipe; one that was stopped goes on. RECIPE --help lists its settings.\n")
        print(f"  {UNSUPERVISED} --images DIR\n      Your own pictures, with no labels.")
        print("\n".join(f"  {name}\n      {run.summary}" for name, run in RECIPES.items()))
        raise SystemExit(0)
    raise KeyError(f"unknown recipe {name!r}; there are {', '.join((UNSUPERVISED, *RECIPES))}")


def _arguments(name: str, run: "Run", argv: list[str]) -> Arguments:
    import tyro

    return tyro.cli(
        Arguments,
        prog=f"vitruve train {name}",
        description=run.summary,
        default=Arguments(run.train),
        args=argv,
    )


def _tuned(run: "Run", path: Path) -> "Run":
    from vitruve.recipes.tuning import apply_values, read_tuned

    values = read_tuned(path)
    said = ", ".join(f"{name}={value}" for name, value in values.items())
    print(f"{path}: {said or 'the recipe was best as it is'}", file=sys.stderr)
    return apply_values(run, values)


def _train(run: "Run", arguments: Arguments) -> int:
    data = arguments.data
    if data is None and (variable := os.environ.get(DATA_VARIABLE)):
        data = Path(variable)
    return said(replace(run, train=arguments.train).start(data, initial=arguments.initial))
