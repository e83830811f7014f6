"""Rows of benchmarks: printed and recorded as they come."""

import shlex
import sys
import time

from vitruve.benchmarks.results import Row, record

_BEGUN = time.perf_counter()


def tell(results: str, run: str, metrics: dict[str, float], data: str = "studio") -> None:
    """Print a row on this data and record it in ``results``."""
    row = Row(
        run=run,
        seed=0,
        preset="cpu",
        data=data,
        metrics=metrics,
        command=shlex.join(["python", *sys.argv]),
        seconds=round(time.perf_counter() - _BEGUN, 1),
    )
    record(row, results)
    print(row.run, {k: round(v, 3) for k, v in metrics.items()}, flush=True)
