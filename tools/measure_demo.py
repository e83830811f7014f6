"""Run the demo's clip; write benchmarks/results/demo.json.

    python tools/measure_demo.py [--results FOLDER]

The picture in README is the page that ``vitruve demo`` writes, at frame 190.
"""

import argparse
import tempfile
import time
from pathlib import Path

from vitruve.benchmarks.results import FOLDER, Row, record
from vitruve.cli.demo import SAMPLE, compare
from vitruve.io import read
from vitruve.pipeline.config import EstimateConfig
from vitruve.pipeline.run import run_estimate

NAMES = ("frames", "mpjpe_mm", "p_mpjpe_mm", "rise_cm", "path_m")
"""What the rows of the demo's comparison are called among results, in their order."""


def main() -> None:
    """Run, compare, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        found = run_estimate(SAMPLE / "clip.mp4", Path(out), EstimateConfig())
    metrics: dict[str, float] = {}
    for name, row in zip(NAMES, compare(found.people[0], read(SAMPLE / "truth.npz")), strict=True):
        metrics[name] = round(row.estimated, 2)
        if row.true is not None:
            metrics[f"true_{name}"] = round(row.true, 2)
    print(metrics)
    seconds = round(time.perf_counter() - begun, 1)
    typed = "python tools/measure_demo.py"
    row = Row("estimate.demo.default", 0, "cpu", "sample clip", metrics, typed, seconds)
    record(row, "demo", arguments.results)


if __name__ == "__main__":
    main()
