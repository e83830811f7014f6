"""Progress of a run on a terminal: the stage, its rate and the time left."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Progress = Callable[[str, int, int | None], None]
"""Told the stage's name, what is done and how much there is (None where unknown)."""
QUIET_S = 2.0
"""Runs shorter than this show nothing."""


@contextmanager
def show_progress(unit: str = "frames") -> Iterator[Progress]:
    """A bar for each stage on stderr; nothing where that is no terminal.

    Args:
        unit: What is counted.
    """
    if not sys.stderr.isatty():
        yield _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    rate = TextColumn("{task.fields[rate]:.0f} " + unit + "/s")
    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), rate)
    bars = Bars(*columns, TextColumn("left"), TimeRemainingColumn(), console=Console(stderr=True))
    clock, tasks, begun = Clock(), {}, time.monotonic()

    def tell(stage: str, done: int, total: int | None) -> None:
        clock(stage, done, total)
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total, rate=0.0)
        bars.update(tasks[stage], completed=done, total=total, rate=clock.rate(stage))
        if time.monotonic() - begun > QUIET_S:
            bars.start()

    try:
        yield tell
    finally:
        bars.stop()


@dataclass
class Clock:
    """How fast each stage went; itself a `Progress`. What an earlier run did does not count."""

    counts: dict[str, int] = field(default_factory=dict)
    """Done while this clock was running."""
    seconds: dict[str, float] = field(default_factory=dict)
    _last: dict[str, tuple[int, float]] = field(default_factory=dict)

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Count what was done since the last call for this stage; fewer than then starts anew."""
        del total
        now = time.perf_counter()
        before, then = self._last.get(stage, (done, now))
        if done >= before:
            self.counts[stage] = self.counts.get(stage, 0) + done - before
            self.seconds[stage] = self.seconds.get(stage, 0.0) + now - then
        self._last[stage] = done, now

    def rate(self, stage: str) -> float:
        """Per second; 0 if the stage did nothing."""
        seconds = self.seconds.get(stage, 0.0)
        return self.counts.get(stage, 0) / seconds if seconds > 0 else 0.0


def _silent(stage: str, done: int, total: int | None) -> None:
    del stage, done, total
