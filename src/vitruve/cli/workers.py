"""Processes that do one job together: started together, stopped together."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from typing import Any

from vitruve.cli import INTERRUPTED, guarded
from vitruve.cli.memory import keep_freed_memory


def run_workers(count: int, job: Callable[..., None], *arguments: Any) -> int:
    """Run ``job(*arguments)`` in ``count`` processes, one torch thread each.

    Ctrl-C is passed on to every process; so is the failure of one. A process whose parent is gone
    stops as if by Ctrl-C.

    Args:
        count: Number of processes.
        job: A function of a module.
        arguments: What it takes; must pickle.

    Returns:
        The exit code of the first process that failed; 0 if none did.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; every process has ended.
    """
    context = get_context("spawn")
    stop = context.Event()
    workers = [context.Process(target=_work, args=(stop, job, *arguments)) for _ in range(count)]
    _start(workers)
    failed, interrupted = 0, False
    while alive := [worker for worker in workers if worker.is_alive()]:
        try:
            # Before waiting: who has ended may have been unknown when the last wait returned.
            codes = [worker.exitcode for worker in workers if worker.exitcode]
            if codes and not failed:
                failed = codes[0]
                _stop(stop, workers)
            wait([worker.sentinel for worker in alive])
        except KeyboardInterrupt:
            interrupted = True
            _stop(stop, workers)
    if interrupted:
        raise KeyboardInterrupt
    return _exit_code(failed or next((w.exitcode for w in workers if w.exitcode), 0))


def _start(workers: Sequence[BaseProcess]) -> None:
    # Ignored by parent and newborns alike until a newborn can end cleanly.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    for worker in workers:
        worker.start()
    signal.signal(signal.SIGINT, before)


def _stop(stop: Event, workers: Sequence[BaseProcess]) -> None:
    stop.set()
    for worker in workers:
        if worker.pid is not None and worker.is_alive():
            os.kill(worker.pid, signal.SIGINT)


def _exit_code(code: int) -> int:
    if code < 0:
        name = signal.Signals(-code).name
        print(f"vitruve: a worker was ended by {name}; the same command goes on", file=sys.stderr)
        return 1
    return code


def _work(stop: Event, job: Callable[..., None], *arguments: Any) -> None:
    """What a process does."""
    import torch

    # Out of the terminal's group: Ctrl-C comes from the parent, once.
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if stop.is_set():
        sys.exit(INTERRUPTED)
    threading.Thread(target=_follow_parent, name="parent", daemon=True).start()
    torch.set_num_threads(1)
    keep_freed_memory()

    def run() -> int:
        try:
            job(*arguments)
        except KeyboardInterrupt:
            return INTERRUPTED
        return 0

    sys.exit(guarded(run))


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGINT)
