"""Rows of benchmarks on Studio's people: printed and recorded as they come."""

import shlex
import sys
import time

from vitruve.benchmarks.results import Row, record

_BEGUN = time.perf_counter()


def tell(results: str, run: str, metrics: dict[str, float]) -> None:
    """Print a row and record it in ``results``."""
    row = Row(
        run=run,
        seed=0,
        preset="cpu",
        data="studio",
        metrics=metrics,
        command=shlex.join(["python", *sys.argv]),
        seconds=round(time.perf_counter() - _BEGUN, 1),
    )
    record(row, results)
    print(row.run, {k: round(v, 3) for k, v in metrics.items()}, flush=True)
