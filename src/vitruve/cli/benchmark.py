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

from vitruve.cli.device import Device, available
from vitruve.cli.refinement import RefineArguments

if TYPE_CHECKING:
    from vitruve.benchmarks import Benchmark


@dataclass(frozen=True)
class Arguments(RefineArguments):
    """Predict a benchmark with trained weights and score it, or score any system's file."""

    weights: tyro.conf.Positional[str] = ""
    """Weights to measure: a .safetensors file or the name of packaged ones."""
    data: Path | None = None
    """File or folder the truth comes from; for cmu_lift VITRUVE_MOTION if unset."""
    keypoints: tuple[str, ...] = ()
    """Kinds of 2D to predict from, such as gt; all that the data have if unset."""
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    """Numbers the model computes in; auto takes bfloat16 where that is faster."""
    device: Device = "cpu"
    """Where the model runs."""
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
    rows_from: tuple[Path, ...] = ()
    """Scores of other systems, written by --json, for the table of --table-out."""
    table_out: Path | None = None
    """Write the table by action, a row for each system: .md, .csv or .tex."""
    metric: str = "mpjpe_mm"
    """Metric of that table."""
    run: str = ""
    """Keep the numbers in the results folder, under this recipe's name."""
    seed: int = 0
    """Seed of that run."""
    preset: Literal["cpu", "gpu"] = "cpu"
    """Size of that run."""
    results: Path = Path("benchmarks/results")
    """Folder of results."""
    table: str = ""
    """File of results, without its suffix; the benchmark's own if unset."""


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
    asked = sum(map(bool, (arguments.weights, arguments.score, arguments.export)))
    if asked > 1 or not (asked or arguments.rows_from):
        raise ValueError(
            "give one of: WEIGHTS to predict with, --score FILE, --export FILE, or only "
            "--rows-from FILE to print a table"
        )
    scores = _read_scores(arguments.rows_from, given[0])
    if asked:
        benchmark = BENCHMARKS[given[0]](_data(arguments.data, BENCHMARKS[given[0]]))
        if arguments.export is not None:
            for keypoints in arguments.keypoints or benchmark.keypoints:
                print(benchmark.export(_named(arguments.export, keypoints), keypoints))
            return 0
        scores += measure(benchmark, arguments, shlex.join(["vitruve", "benchmark", *given]))
    _tabulate(scores, arguments)
    return 0


def measure(benchmark: "Benchmark", arguments: Arguments, command: str) -> list[dict[str, Any]]:
    """Predict and score what the arguments say; print the scores, and keep them if they are named.

    Args:
        benchmark: Whose data are open.
        arguments: Weights or a file to score, and where the numbers go.
        command: What was typed, for the rows of results.

    Raises:
        ValueError: The weights or the file are not the benchmark's.
        OSError: A file is missing or cannot be written.
    """
    new = [
        _report(score, benchmark, arguments, command, seconds)
        for score, seconds in _scores(benchmark, arguments)
    ]
    _write(arguments.json, json.dumps(new, indent=1) + "\n")
    return new


def _data(given: Path | None, benchmark: "type[Benchmark]") -> Path:
    variable = benchmark.data_variable
    if given is None and variable and (named := os.environ.get(variable)):
        given = Path(named)
    if given is None:
        otherwise = f" or set {variable}" if variable else ""
        raise FileNotFoundError(
            f"{benchmark.title} needs its data: give --data PATH{otherwise}; docs/benchmarks.md "
            "says what it expects there"
        )
    return given


def _read_scores(files: tuple[Path, ...], name: str) -> list[dict[str, Any]]:
    """Scores that ``--json`` wrote.

    Raises:
        ValueError: A file is something else, or of another benchmark.
    """
    from vitruve.io.archive import load_json

    scores = []
    for file in files:
        content = load_json(file)
        sound = isinstance(content, list) and all(
            isinstance(s, dict) and {"benchmark", "model", "keypoints", "sets"} <= s.keys()
            for s in content
        )
        if not sound or any(s["benchmark"] != name for s in content):
            raise ValueError(f"{file} holds no scores of {name}; `--json FILE` writes such files")
        scores += content
    return scores


def _tabulate(scores: list[dict[str, Any]], arguments: Arguments) -> None:
    """Write the table of ``--table-out``; print it where there is nothing else to print."""
    from vitruve.benchmarks.action_table import action_table
    from vitruve.benchmarks.table_text import STYLES

    out = arguments.table_out
    if out is not None and out.suffix not in STYLES:
        raise ValueError(f"{out}: a table is written as {', '.join(STYLES)}; choose one of these")
    if out is not None:
        _write(out, action_table(scores, STYLES[out.suffix], arguments.metric))
    elif arguments.rows_from:
        print(action_table(scores, "md", arguments.metric), end="")


def _write(path: Path | None, text: str) -> None:
    if path is not None:
        from vitruve.io.atomic import atomic_path

        with atomic_path(path) as temporary:
            temporary.write_text(text, "utf-8")


def _scores(benchmark: "Benchmark", arguments: Arguments) -> Iterator[tuple[dict[str, Any], float]]:
    """Scores and how long they took, file by file."""
    if arguments.score is not None:
        start = time.perf_counter()
        yield benchmark.score(arguments.score), time.perf_counter() - start
        return
    from vitruve.estimators import load

    refine, descent = arguments.loss_net, arguments.descent()
    estimator = load(arguments.weights, arguments.precision, refine, descent)
    estimator.to(available(arguments.device))
    name = Path(arguments.weights).stem
    model = arguments.run or (name if refine is None else f"{name}, refined")
    with _folder(arguments.out) as out:
        for keypoints in arguments.keypoints or benchmark.keypoints:
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


def _named(path: Path, keypoints: str) -> Path:
    return path.with_name(f"{path.stem}_{keypoints}.npz")


def _report(
    score: dict[str, Any],
    benchmark: "Benchmark",
    arguments: Arguments,
    command: str,
    seconds: float,
) -> dict[str, Any]:
    """Print a score; keep it if the run has a name."""
    for name, part in score["sets"].items():
        print(f"\n{score['model']} on {score['keypoints']} keypoints, set {name!r}")
        rows = {**part["actions"], f"mean of {benchmark.average}": part["metrics"]}
        _print_table(rows, benchmark.columns)
        if arguments.run:
            data = f"{benchmark.data_name} {score['keypoints']}"
            data += "" if name == benchmark.main_set else f" {name}"
            table = arguments.table or benchmark.table or f"lifters_{benchmark.data_name}"
            _record(data, table, part, arguments, (command, seconds))
    return score


def _record(
    data: str, table: str, part: dict[str, Any], arguments: Arguments, how: tuple[str, float]
) -> None:
    from vitruve.benchmarks import Row, record

    metrics = dict(part["metrics"])
    metrics |= {f"frames_{k}": v for k, v in part["frame_metrics"].items() if k == "mpjpe_mm"}
    metrics |= {f"{a}_mpjpe_mm": m["mpjpe_mm"] for a, m in part["actions"].items()}
    row = Row(arguments.run, arguments.seed, arguments.preset, data, metrics, *how)
    record(row, table, arguments.results)


def _print_table(rows: dict[str, dict[str, float]], names: tuple[str, ...]) -> None:
    width = max(map(len, rows))
    columns = {name: max(11, len(name)) for name in names}
    print(" " * width, *(f"{name:>{size}}" for name, size in columns.items()))
    for label, values in rows.items():
        print(f"{label:{width}}", *(f"{values[n]:{size}.2f}" for n, size in columns.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
