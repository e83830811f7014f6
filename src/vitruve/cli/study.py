"""``vitruve study NAME WEIGHTS...``: one question about lifters, as numbers and a picture."""

import os
import shlex
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import tyro

from vitruve.cli.device import Device, available

if TYPE_CHECKING:
    from vitruve.benchmarks.studies import Finding, Material, Model, Study

DATA_VARIABLE = "VITRUVE_MOTION"
C = TypeVar("C")


@dataclass(frozen=True)
class Arguments(Generic[C]):
    """Arguments of every study."""

    study: tyro.conf.OmitArgPrefixes[C]
    """What is measured."""
    weights: tyro.conf.Positional[tuple[str, ...]] = ()
    """Models to compare: .safetensors files or names of packaged ones."""
    data: Path | None = None
    """Motion archive the truth comes from; VITRUVE_MOTION if unset."""
    out: Path = Path("out/studies")
    """Folder for STUDY.json, .csv, .md, .png and .svg."""
    device: Device = "cpu"
    """Where the models run; the times of ``cost`` are the CPU's."""
    run: tuple[str, ...] = ()
    """Keep the numbers in the results folder: a recipe's name for each of WEIGHTS; without WEIGHTS
    one name, to which that of the net is added."""
    seed: tuple[int, ...] = ()
    """Seed of each run; 0 if unset."""
    preset: Literal["cpu", "gpu"] = "cpu"
    """Size of the runs."""
    results: Path = Path("benchmarks/results")
    """Folder of results."""


def main(argv: list[str] | None = None) -> int:
    """Parse, measure, write, print.

    Args:
        argv: Arguments after ``vitruve study``; those of the process by default.

    Returns:
        0 when done, 2 without arguments.

    Raises:
        KeyError: The study or the weights are unknown.
        ValueError: A file is damaged, or a model is not what the study needs.
        OSError: A file is missing or cannot be written.
        ImportError: The extra ``plots`` is not installed.
    """
    from vitruve.benchmarks.studies import STUDIES, as_table, check_plots, write_report

    given = sys.argv[2:] if argv is None else argv
    if not given or given[0] in ("-h", "--help"):
        print(f"usage: vitruve study NAME [WEIGHTS ...] [options]; NAME is {', '.join(STUDIES)}")
        print("vitruve study NAME --help says what it measures and what it takes.")
        return 0 if given else 2
    study, arguments = _parse(given)
    check_plots(study.needs)
    command = shlex.join(["vitruve", "study", *given])
    start = time.perf_counter()
    findings = _measure(study, arguments, command)
    about = {
        "command": command,
        "settings": asdict(arguments.study),
        "weights": list(arguments.weights),
        "runs": list(arguments.run),
        "seeds": list(arguments.seed),
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(as_table(study, findings))
    for path in write_report(arguments.out, given[0], study, findings, about):
        print(path)
    return 0


def _parse(given: list[str]) -> tuple["Study", Arguments[Any]]:
    from vitruve.benchmarks.studies import STUDIES

    name = given[0]
    if name not in STUDIES:
        raise KeyError(f"unknown study {name!r}; there are {', '.join(STUDIES)}")
    build, config = STUDIES[name]
    program, about = f"vitruve study {name}", config.__doc__
    arguments = tyro.cli(Arguments[config], prog=program, description=about, args=given[1:])
    return build(arguments.study), arguments


def _measure(study: "Study", arguments: Arguments[Any], command: str) -> list["Finding"]:
    """Measure every model; keep its numbers at once if its run has a name."""
    from vitruve.benchmarks import Row, record

    material = _material(study, arguments)
    findings, start = [], time.perf_counter()
    for i, finding in enumerate(study.measure(material)):
        seconds, start = time.perf_counter() - start, time.perf_counter()
        findings.append(finding)
        if arguments.run:
            if material.models:
                run, seed = material.models[i].run, material.models[i].seed
            else:
                run, seed = f"{arguments.run[0]}.{finding.model}", 0
            key = (run, seed, arguments.preset, study.data)
            row = Row(*key, finding.metrics, command, seconds)
            record(row, study.table, arguments.results)
    return findings


def _material(study: "Study", arguments: Arguments[Any]) -> "Material":
    from vitruve.benchmarks.studies import CmuMotion, Material

    models = _models(study, arguments)
    motion = CmuMotion(_motion_path(arguments.data)) if study.needs_motion else None
    return Material(models, motion, arguments.results)


def _motion_path(given: Path | None) -> Path:
    if given is None and (variable := os.environ.get(DATA_VARIABLE)):
        given = Path(variable)
    if given is None:
        raise FileNotFoundError(
            f"this study looks at motion: give --data PATH or set {DATA_VARIABLE}; "
            "docs/benchmarks.md says how to make the archive"
        )
    return given


def _models(study: "Study", arguments: Arguments[Any]) -> tuple["Model", ...]:
    from vitruve.benchmarks.studies import Model
    from vitruve.estimators import load

    weights, device = arguments.weights, available(arguments.device)
    if study.needs_weights and not weights:
        raise ValueError("give WEIGHTS: one or more .safetensors files or packaged names")
    if arguments.run and not study.measures:
        raise ValueError("this study only reads results and has none to keep: leave out --run")
    for option, values in (("--run", arguments.run), ("--seed", arguments.seed)):
        if values and len(values) != (len(weights) or 1):
            raise ValueError(f"{len(values)} values of {option} for {len(weights)} WEIGHTS")
    if not weights:
        return ()
    runs = arguments.run or ("",) * len(weights)
    seeds = arguments.seed or (0,) * len(weights)
    names = _names(weights, runs, seeds)
    return tuple(
        Model(name, load(file).to(device), run, seed)
        for name, file, run, seed in zip(names, weights, runs, seeds, strict=True)
    )


def _names(weights: tuple[str, ...], runs: tuple[str, ...], seeds: tuple[int, ...]) -> list[str]:
    """Short names that tell the models apart."""
    short, long = [], []
    for file, run, seed in zip(weights, runs, seeds, strict=True):
        path = Path(file)
        # Training writes DIR/estimator.safetensors: there the folder says more than the file.
        short.append(run or (path.parent.name if path.stem == "estimator" else path.stem))
        long.append(f"{run}, seed {seed}" if run else file)
    shorts, longs = Counter(short), Counter(long)
    # The same weights twice are the same by either name; studies of loss-nets tell them apart.
    use_long = [shorts[a] > 1 and longs[b] == 1 for a, b in zip(short, long, strict=True)]
    return [b if use else a for a, b, use in zip(short, long, use_long, strict=True)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
