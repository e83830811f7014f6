"""Batches made ahead of time, by processes beside the one that trains.

What a step gets is a function of the step alone, so how many processes there are changes nothing.
"""

import os
import pickle
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Protocol

import torch

from vitruve.poses import PoseBatch


class StepBatches(Protocol):
    """Batches by step."""

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step."""
        ...


class Ahead:
    """The batches of ``make()``, some steps ahead."""

    def __init__(self, make: Callable[[], StepBatches], workers: int, steps: int) -> None:
        """Start the processes; none makes each batch when it is asked for.

        Args:
            make: Builds what makes batches; must pickle. Called here and in every process.
            workers: Processes.
            steps: Steps that there will be; none beyond them is made.

        Raises:
            ValueError: ``workers`` is negative.
        """
        if workers < 0:
            raise ValueError(f"workers must be 0 or more, got {workers}")
        self._steps, self._workers = steps, workers
        self._coming: dict[tuple[int, int, int], Future[bytes]] = {}
        # Built here in any case: what is wrong with it is best said by this process.
        here, self._pool = make(), None
        self._here = None if workers else here
        if workers:
            # As bytes: tensors themselves would go through shared memory, which may be small.
            wanted = pickle.dumps(make, pickle.HIGHEST_PROTOCOL)
            self._pool = ProcessPoolExecutor(
                workers, get_context("spawn"), initializer=_open, initargs=(wanted,)
            )

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step; the steps after it are begun.

        Raises:
            BrokenProcessPool: A process died.
        """
        if self._here is not None:
            return self._here.batch_at(step, rank, world_size)
        assert self._pool is not None
        last = max(step + 1, min(self._steps, step + 1 + 2 * self._workers))
        for later in range(step, last):
            which = (later, rank, world_size)
            if which not in self._coming:
                self._coming[which] = self._pool.submit(_make, *which)
        return pickle.loads(self._coming.pop((step, rank, world_size)).result())

    def close(self) -> None:
        """End the processes; batches that nobody asked for are dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


_batches: StepBatches | None = None
"""Of a worker process."""


def _open(make: bytes) -> None:
    global _batches  # noqa: PLW0603 (an executor hands nothing to its jobs but what is pickled)
    # Ctrl-C is for the process that trains, which ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, name="parent", daemon=True).start()
    torch.set_num_threads(1)
    _batches = pickle.loads(make)()


def _make(step: int, rank: int, world_size: int) -> bytes:
    """A batch, as bytes for the same reason."""
    assert _batches is not None
    return pickle.dumps(_batches.batch_at(step, rank, world_size), pickle.HIGHEST_PROTOCOL)


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
