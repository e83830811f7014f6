"""Processes that make the shards of one folder, each the next that nobody has taken."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from vitruve.cli.progress import Progress
from vitruve.cli.workers import run_workers

_POLL_S = 0.5


def make_in_parallel(
    workers: int, wanted: Sequence[int], job: Callable[..., None], *arguments: Any, told: Progress
) -> int:
    """Run ``job(*arguments, numbers, tell)`` in processes until no number is left.

    Args:
        workers: Most processes.
        wanted: Numbers of the shards.
        job: A function of a module; iterates over its numbers and tells how much it has made.
        arguments: What else it takes; must pickle.
        told: Of what all have made together.

    Returns:
        The exit code of the first process that failed; 0 if none did.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; every process has ended.
        ValueError: ``workers`` is less than 1.
    """
    if workers < 1:
        raise ValueError(f"--workers {workers}: must be 1 or more")
    if not wanted:
        return 0
    context = get_context("spawn")
    place, made = context.Value("q", 0), context.Value("q", 0)
    with _watched(made, told):
        count = min(workers, len(wanted))
        return run_workers(count, _work, job, arguments, list(wanted), place, made)


def _work(
    job: Callable[..., None], arguments: Sequence[Any], wanted: list[int], place: Any, made: Any
) -> None:
    """What one process does."""

    def left() -> Iterator[int]:
        while True:
            with place.get_lock():
                mine, place.value = place.value, place.value + 1
            if mine >= len(wanted):
                return
            yield wanted[mine]

    def tell(count: int) -> None:
        with made.get_lock():
            made.value += count

    job(*arguments, left(), tell)


@contextmanager
def _watched(made: Any, told: Progress) -> Iterator[None]:
    """Tell of what the processes have made, while they make it."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_POLL_S):
            told("made", made.value, None)

    watcher = threading.Thread(target=watch, name="progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        told("made", made.value, None)
