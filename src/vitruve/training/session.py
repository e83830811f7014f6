"""The steps of one run between two processes' births and deaths: update, log, evaluate, save.

What step n does is a function of the run's seed, n and the process number: batches are asked for
by step, and every global generator is seeded anew before each step. So a run that was killed and
resumed ends with the same bits as one that was not.
"""

import random
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import torch
from rich.console import Console

from vitruve.estimators.base import Estimator
from vitruve.poses import PoseBatch
from vitruve.training.checkpoint import BEST, LAST, Progress, load_checkpoint, save_checkpoint
from vitruve.training.config import TrainConfig
from vitruve.training.ema import Ema
from vitruve.training.log import RunLog
from vitruve.training.step import Players, train_step

if TYPE_CHECKING:
    from lightning_fabric import Fabric

Evaluate = Callable[[Estimator], Mapping[str, float]]
"""Scores an estimator: figures by name."""
Watch = Callable[[int, Mapping[str, float]], None]
"""Told the updates made and what the evaluation after them said; what it raises ends the run."""


@runtime_checkable
class Batches(Protocol):
    """Training data as a pure function of the step."""

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step; equal arguments give equal bits."""
        ...


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed Python, numpy and torch (every device) for one step of one process."""
    state = np.random.SeedSequence([seed, step, rank]).generate_state(3)
    random.seed(int(state[0]))
    np.random.seed(state[1])  # noqa: NPY002 (foreign code may still draw from it)
    torch.manual_seed(int(state[2]))


@dataclass(frozen=True)
class Session:
    """What stays the same from the first step to the last."""

    fabric: "Fabric"
    players: Players
    ema: Ema | None
    config: TrainConfig
    evaluate: Evaluate | None
    description: Any
    """What is trained and how, JSON-able; another one is not resumed."""
    watch: Watch | None = None

    @property
    def out(self) -> Path:
        """Folder of the run."""
        return Path(self.config.out)

    def resume(self, console: Console) -> Progress:
        """Load the folder's last checkpoint, if there is one; make the folder if there is none."""
        self.out.mkdir(parents=True, exist_ok=True)
        last = self.out / LAST
        if not last.exists():
            return Progress()
        progress = load_checkpoint(last, self.players, self.ema, self.description)
        console.print(f"resumed {last} at step {progress.step}")
        return progress

    def go(
        self, progress: Progress, batches: Batches, log: RunLog | None
    ) -> tuple[Progress, Mapping[str, float], bool]:
        """Train from ``progress`` to the end or to Ctrl-C; say whether that was pressed."""
        config, fabric = self.config, self.fabric
        figures: Mapping[str, float] = {}
        fed = _prefetched(batches, range(progress.step, config.steps), fabric)
        with _interruption() as asked_to_stop, closing(fed):
            for step, batch in fed:
                losses = self._update(step, batch)
                progress = replace(progress, step=step + 1)
                stop = self._any_process(asked_to_stop.is_set())
                figures = self._figures(step + 1, losses, log) or figures
                best = figures.get(config.monitor, float("inf"))
                if _due(step + 1, config.evaluate_every, config.steps) and best < progress.best:
                    progress = replace(progress, best=best)
                    self._save(BEST, progress)
                if stop or _due(step + 1, config.checkpoint_every, config.steps):
                    self._save(LAST, progress)
                if stop:
                    break
        return progress, figures, asked_to_stop.is_set()

    @contextmanager
    def mean_weights(self) -> Iterator[None]:
        """The estimator in eval mode, with its mean weights if they are kept."""
        estimator = self.players.estimator
        was_training = estimator.training
        with self.ema.applied(estimator) if self.ema else nullcontext():
            estimator.eval()
            try:
                yield
            finally:
                estimator.train(was_training)

    def _update(self, step: int, batch: PoseBatch) -> Mapping[str, torch.Tensor]:
        config, players = self.config, self.players
        players.estimator.train()
        seed_step(config.seed, step, self.fabric.global_rank)
        for group in players.optimizer.param_groups:
            group["lr"] = config.learning_rate_at(step)
        batch = batch.to(self.fabric.device)
        losses = train_step(players, batch, step, clip_norm=config.clip_norm, fabric=self.fabric)
        if self.ema is not None:
            self.ema.update(players.estimator, step)
        return losses

    def _figures(
        self, step: int, losses: Mapping[str, torch.Tensor], log: RunLog | None
    ) -> Mapping[str, float]:
        """Log what is due; return the evaluation's figures, if it was due."""
        config = self.config
        evaluated: Mapping[str, float] = {}
        if self.evaluate is not None and _due(step, config.evaluate_every, config.steps):
            with self.mean_weights(), torch.no_grad():
                evaluated = self.evaluate(self.players.estimator)
        if log is not None:
            log.advance(step)
            if evaluated or _due(step, config.log_every, config.steps):
                values = {name: value.item() for name, value in losses.items()}
                rate = {"learning_rate": config.learning_rate_at(step - 1)}
                log.write(step, {**values, **rate, **evaluated})
        if self.watch is not None and evaluated:
            self.watch(step, evaluated)
        return evaluated

    def _save(self, name: str, progress: Progress) -> None:
        if self.fabric.is_global_zero:
            save_checkpoint(self.out / name, self.players, self.ema, progress, self.description)
        self.fabric.barrier()

    def _any_process(self, flag: bool) -> bool:
        if self.fabric.world_size == 1:
            return flag
        flags = torch.tensor(float(flag), device=self.fabric.device)
        torch.distributed.all_reduce(flags)
        return bool(flags.item())


def _due(step: int, every: int, last: int) -> bool:
    return step == last or (every > 0 and step % every == 0)


def _prefetched(
    batches: Batches, steps: range, fabric: "Fabric"
) -> Generator[tuple[int, PoseBatch], None, None]:
    """Batches in order; the next one is made while the current one trains."""
    place = (fabric.global_rank, fabric.world_size)
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        coming = pool.submit(batches.batch_at, steps.start, *place) if steps else None
        for step in steps:
            assert coming is not None
            batch = coming.result()
            coming = pool.submit(batches.batch_at, step + 1, *place) if step + 1 in steps else None
            yield step, batch


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a request, so that a step is never cut in half.

    The second one interrupts at once. Other threads than the main one cannot listen.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, frame: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
