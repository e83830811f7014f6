"""What bfloat16 costs trained weights on CMU-Lift; write results/lifters_bfloat16.json.

    python benchmarks/bfloat16.py FILE.safetensors ... --runs NAME ... --data cmu_motion.npz

Exact keypoints, the mean with the mirrored prediction; ``bfloat16`` is asked for, also of nets for
which ``auto`` would stay with float32. ``cost_mm`` is the change of MPJPE; ``*_difference_mm`` how
far single joints move.
"""

import argparse
import shlex
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from vitruve.benchmarks import CmuLift
from vitruve.benchmarks.predictions import read_predictions
from vitruve.benchmarks.results import FOLDER, Row, record
from vitruve.estimators import load

RESULTS = "lifters_bfloat16"


def measure(weights: str, benchmark: CmuLift) -> dict[str, float]:
    """MPJPE both ways, and how far joints move."""
    metrics, said = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("float32", "bfloat16"):
            out = Path(folder) / f"{precision}.npz"
            benchmark.predict(load(weights, precision), out, "gt")
            score = benchmark.score(out)["sets"][benchmark.main_set]["metrics"]["mpjpe_mm"]
            metrics[f"{precision}_mpjpe_mm"] = score
            said.append(read_predictions(out).joints_cam)
    moved = np.linalg.norm(said[1] - said[0], axis=-1)
    return metrics | {
        "cost_mm": metrics["bfloat16_mpjpe_mm"] - metrics["float32_mpjpe_mm"],
        "mean_difference_mm": 1000 * float(moved.mean()),
        "largest_difference_mm": 1000 * float(moved.max()),
    }


def main(argv: list[str]) -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("weights", nargs="+", help="files of lifters, or default")
    parser.add_argument("--runs", nargs="+", required=True, help="their recipes, in that order")
    parser.add_argument("--data", type=Path, required=True, help="CMU-Lift's motion archive")
    parser.add_argument("--results", type=Path, default=FOLDER)
    asked = parser.parse_args(argv)
    command = shlex.join(["python", "benchmarks/bfloat16.py", *argv])
    benchmark = CmuLift(asked.data)
    for weights, run in zip(asked.weights, asked.runs, strict=True):
        start = time.perf_counter()
        metrics = measure(weights, benchmark)
        took = time.perf_counter() - start
        record(Row(run, 0, "cpu", "cmu gt", metrics, command, took), RESULTS, asked.results)
        print(f"{run:36}", "  ".join(f"{k} {v:.4g}" for k, v in metrics.items()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
