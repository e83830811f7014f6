"""``vitruve train RECIPE``: run a recipe, or go on with one that was stopped."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

DATA_VARIABLE = "VITRUVE_MOTION"


def main(argv: list[str] | None = None) -> int:
    """Parse, train, say how it went.

    Args:
        argv: Arguments after ``vitruve train``; those of the process by default.

    Returns:
        0 when finished, 1 on bad input, 130 when interrupted.
    """
    import tyro

    from vitruve.recipes import RECIPES
    from vitruve.training import TrainConfig

    @dataclass(frozen=True)
    class Arguments:
        train: TrainConfig
        """How to train; the defaults are the recipe's."""
        data: Path | None = None
        """Folder or file of the recipe's motion data; the environment's VITRUVE_MOTION if unset.
        Recipes named toy.* need none."""

    commands: Any = tyro.extras.subcommand_type_from_defaults(
        {name: Arguments(run.train) for name, run in RECIPES.items()},
        descriptions={name: run.summary for name, run in RECIPES.items()},
    )
    given = sys.argv[2:] if argv is None else argv
    name = next((word for word in given if not word.startswith("-")), None)
    if name is not None and name not in RECIPES:
        print(f"unknown recipe {name!r}; there are {sorted(RECIPES)}", file=sys.stderr)
        return 1
    arguments: Arguments = tyro.cli(
        Annotated[commands, tyro.conf.ConsolidateSubcommandArgs],
        args=given,
        prog="vitruve train",
        description="Train a recipe. A run stopped in its out folder goes on where it was.",
    )
    assert name is not None
    run = replace(RECIPES[name], train=arguments.train)
    data = arguments.data or (Path(v) if (v := os.environ.get(DATA_VARIABLE)) else None)
    try:
        result = run.start(data)
    except (ValueError, KeyError, OSError, FloatingPointError) as error:
        message = error.args[0] if isinstance(error, KeyError) else error
        print(f"vitruve train: {message}", file=sys.stderr)
        return 1
    if not result.finished:
        print(f"stopped at step {result.step}; the same command goes on from there")
        return 130
    figures = "  ".join(f"{k} {v:.1f}" for k, v in result.figures.items())
    print(f"trained {result.step} steps: {result.weights}  {figures}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
