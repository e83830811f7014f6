"""``vitruve benchmark NAME``: predict a benchmark to a file and score the file."""

import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    from vitruve.benchmarks import CmuLift

DATA_VARIABLE = "VITRUVE_MOTION"
Keypoints = Literal["gt", "noisy", "detector"]


@dataclass(frozen=True)
class Arguments:
    """Predict a benchmark with trained weights and score it, or score any system's file."""

    weights: tyro.conf.Positional[str] = ""
    """Weights to measure: a .safetensors file or the name of packaged ones."""
    data: Path | None = None
    """Motion archive the truth comes from; VITRUVE_MOTION if unset."""
    keypoints: tuple[Keypoints, ...] = ("gt", "noisy", "detector")
    """2D to predict from: exact, with Gaussian noise, or of a simulated detector."""
    flip: bool = True
    """Average with the prediction of the mirrored keypoints."""
    out: Path | None = None
    """Keep the predictions: OUT.npz becomes OUT_gt.npz and so on."""
    score: Path | None = None
    """Score this file of predictions instead of predicting."""
    export: Path | None = None
    """Write the 2D for another system to lift, EXPORT_gt.npz and so on, and stop."""
    json: Path | None = None
    """Write all scores, by action, to this file."""
    run: str = ""
    """Keep the numbers in the results folder, under this recipe's name."""
    seed: int = 0
    """Seed of that run."""
    preset: Literal["cpu", "gpu"] = "cpu"
    """Size of that run."""
    results: Path = Path("benchmarks/results")
    """Folder of results."""
    table: str = "lifters_cmu"
    """File of results, without its suffix."""


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, print.

    Args:
        argv: Arguments after ``vitruve benchmark``; those of the process by default.

    Returns:
        0 when done, 2 without arguments.

    Raises:
        KeyError: The benchmark or the weights are unknown.
        ValueError: A file is damaged or not the benchmark's.
        OSError: A file is missing or cannot be written.
    """
    from vitruve.benchmarks import BENCHMARKS

    given = sys.argv[2:] if argv is None else argv
    if not given or given[0] in ("-h", "--help"):
        print(f"usage: vitruve benchmark NAME [WEIGHTS] [options]; NAME is {', '.join(BENCHMARKS)}")
        print("vitruve benchmark NAME --help says what it takes.")
        return 0 if given else 2
    if given[0] not in BENCHMARKS:
        raise KeyError(f"unknown benchmark {given[0]!r}; there are {', '.join(BENCHMARKS)}")
    arguments = tyro.cli(Arguments, prog=f"vitruve benchmark {given[0]}", args=given[1:])
    if sum(map(bool, (arguments.weights, arguments.score, arguments.export))) != 1:
        raise ValueError("give one of: WEIGHTS to predict with, --score FILE, --export FILE")
    benchmark = BENCHMARKS[given[0]](_data(arguments.data))
    if arguments.export is not None:
        for keypoints in arguments.keypoints:
            print(benchmark.export(_named(arguments.export, keypoints), keypoints))
        return 0
    command = shlex.join(["vitruve", "benchmark", *given])
    scores = [_report(s, arguments, command, t) for s, t in _scores(benchmark, arguments)]
    if arguments.json is not None:
        from vitruve.io.atomic import atomic_path

        with atomic_path(arguments.json) as temporary:
            temporary.write_text(json.dumps(scores, indent=1) + "\n")
    return 0


def _data(given: Path | None) -> Path:
    if given is None and (variable := os.environ.get(DATA_VARIABLE)):
        given = Path(variable)
    if given is None:
        raise FileNotFoundError(
            f"a benchmark needs its motion: give --data PATH or set {DATA_VARIABLE}; "
            "docs/benchmarks.md says how to make the archive"
        )
    return given


def _scores(benchmark: "CmuLift", arguments: Arguments) -> Iterator[tuple[dict[str, Any], float]]:
    """Scores and how long they took, file by file."""
    if arguments.score is not None:
        start = time.perf_counter()
        yield benchmark.score(arguments.score), time.perf_counter() - start
        return
    from vitruve.estimators import load

    estimator = load(arguments.weights)
    model = arguments.run or Path(arguments.weights).stem
    with _folder(arguments.out) as out:
        for keypoints in arguments.keypoints:
            start = time.perf_counter()
            file = _named(out, keypoints)
            benchmark.predict(estimator, file, keypoints, model=model, flip=arguments.flip)
            yield benchmark.score(file), time.perf_counter() - start


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """``out``, or a name in a folder that goes away."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "predictions.npz"


def _named(path: Path, keypoints: Keypoints) -> Path:
    return path.with_name(f"{path.stem}_{keypoints}.npz")


def _report(
    score: dict[str, Any], arguments: Arguments, command: str, seconds: float
) -> dict[str, Any]:
    """Print a score; keep it if the run has a name."""
    for name, part in score["sets"].items():
        print(f"\n{score['model']} on {score['keypoints']} keypoints, set {name!r}")
        _print_table({**part["actions"], "mean of actions": part["metrics"]})
        if arguments.run:
            _record(score["keypoints"], name, part, arguments, command, seconds)
    return score


def _record(
    keypoints: str,
    name: str,
    part: dict[str, Any],
    arguments: Arguments,
    command: str,
    seconds: float,
) -> None:
    from vitruve.benchmarks import Row, record

    # The held-out people are the benchmark's headline, so they need no further name.
    data = f"cmu {keypoints}" if name == "subject" else f"cmu {keypoints} {name}"
    metrics = dict(part["metrics"])
    metrics |= {f"frames_{k}": v for k, v in part["frame_metrics"].items() if k == "mpjpe_mm"}
    metrics |= {f"{a}_mpjpe_mm": m["mpjpe_mm"] for a, m in part["actions"].items()}
    row = Row(arguments.run, arguments.seed, arguments.preset, data, metrics, command, seconds)
    record(row, arguments.table, arguments.results)


def _print_table(rows: dict[str, dict[str, float]]) -> None:
    names = list(next(iter(rows.values())))
    width = max(map(len, rows))
    print(" " * width, *(f"{name:>11}" for name in names))
    for label, values in rows.items():
        print(f"{label:{width}}", *(f"{values[name]:11.2f}" for name in names))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
