"""Training on Lightning Fabric: one CPU, one GPU, or many of either; resumes where it stopped."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console

from vitruve.estimators.base import Estimator
from vitruve.estimators.precision import has_bfloat16
from vitruve.estimators.saved import copy_matching, save_estimator
from vitruve.nets import write_energy
from vitruve.objectives.base import Term
from vitruve.training.checkpoint import Progress
from vitruve.training.config import TrainConfig
from vitruve.training.ema import Ema
from vitruve.training.log import RunLog
from vitruve.training.session import Batches, Evaluate, Session, Watch, seed_step
from vitruve.training.step import Players

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_NOT_PART_OF_A_RUN = (
    "out",
    "devices",
    "nodes",
    "workers",
    "accelerator",
    "log_every",
    "checkpoint_every",
)
"""Settings that may differ when a run is resumed."""


@dataclass(frozen=True)
class TrainResult:
    """How a run ended."""

    step: int
    """Updates made."""
    finished: bool
    """False when it was interrupted; the last checkpoint holds its state."""
    figures: Mapping[str, float]
    """What the last evaluation said; empty without one."""
    weights: Path | None
    """The trained estimator's file; None when interrupted."""
    rank: int = 0
    """Number of this process; the first one speaks for all."""
    interrupted: bool = False
    """Whether Ctrl-C was pressed; in the last step it comes too late to stop anything."""


def make_optimizer(estimator: Estimator, config: TrainConfig) -> torch.optim.Optimizer:
    """The estimator's optimizer."""
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "adamw":
        return torch.optim.AdamW(estimator.parameters(), lr=rate, weight_decay=decay)
    return torch.optim.Adam(estimator.parameters(), lr=rate, weight_decay=decay, amsgrad=True)


def train(
    build: Callable[[], tuple[Estimator, Mapping[str, Term]]],
    batches: Batches,
    config: TrainConfig,
    *,
    evaluate: Evaluate | None = None,
    run: Any = None,
    about: tuple[str, str] = ("", ""),
    initial: Path | None = None,
    console: Console | None = None,
    watch: Watch | None = None,
) -> TrainResult:
    """Train, or go on training if ``config.out`` holds a checkpoint.

    Args:
        build: Makes the estimator and the terms of the total; called once, after seeding.
        batches: Training data.
        config: How to train.
        evaluate: Scores the estimator.
        run: JSON-able description of what is trained, kept in checkpoints.
        about: Text of the trained estimator's file, and the code's version.
        initial: A saved estimator that gives the start of all tensors it shares.
        console: For the progress line; stderr by default.
        watch: Told of every evaluation, after it is logged.

    Raises:
        FileNotFoundError: There is no file ``initial``.
        ValueError: The folder holds another run, or nothing of ``initial`` fits.
    """
    fabric = _launch(config)
    console = console or Console(stderr=True, quiet=not fabric.is_global_zero)
    players = _build(build, config, fabric)
    start = None if initial is None else _begin_from(initial, players.estimator, console)
    ema = Ema(players.estimator, config.ema_decay) if config.ema_decay else None
    session = Session(fabric, players, ema, config, evaluate, _describe(config, run, start), watch)
    progress = session.resume(console)
    logs = _open_log(session, progress, console)
    with logs or nullcontext():
        ended = session.go(progress, batches, logs)
    return _result(session, about, *ended)


def _open_log(session: Session, progress: Progress, console: Console) -> RunLog | None:
    """The log of the first process; others have none."""
    if not session.fabric.is_global_zero:
        return None
    return RunLog(session.out, session.config.steps, progress.step, console)


def _result(
    session: Session,
    about: tuple[str, str],
    progress: Progress,
    figures: Mapping[str, float],
    interrupted: bool,
) -> TrainResult:
    finished = progress.step >= session.config.steps
    weights = _save_trained(session, *about) if finished else None
    rank = session.fabric.global_rank
    return TrainResult(progress.step, finished, figures, weights, rank, interrupted)


def _save_trained(session: Session, card: str, commit: str) -> Path:
    weights = session.out / "estimator.safetensors"
    if session.fabric.is_global_zero:
        with session.mean_weights():
            save_estimator(session.players.estimator, weights, card=card, commit=commit)
        for name, term in session.players.terms.items():
            if term.objective.kept is not None:
                write_energy(term.objective.kept, session.out / f"{name}.safetensors", card)
    session.fabric.barrier()
    return weights


def _describe(config: TrainConfig, run: Any, start: str | None) -> dict[str, Any]:
    settings = {k: v for k, v in asdict(config).items() if k not in _NOT_PART_OF_A_RUN}
    return {"train": settings, "run": run, "initial": start}


def _begin_from(initial: Path, estimator: Estimator, console: Console) -> str:
    """Copy what fits; return the file's hash, so that a run goes on from no other start."""
    copied, total = copy_matching(estimator, initial)
    console.print(f"{copied} of {total} tensors begin as in {initial}")
    return hashlib.sha256(initial.read_bytes()).hexdigest()


def _build(
    build: Callable[[], tuple[Estimator, Mapping[str, Term]]], config: TrainConfig, fabric: "Fabric"
) -> Players:
    """Make the players, equal in every process."""
    seed_step(config.seed, 0, 0)
    estimator, terms = build()
    for module in (estimator, *(term.objective for term in terms.values())):
        module.to(fabric.device)
    return Players(estimator, make_optimizer(estimator, config), terms)


def _launch(config: TrainConfig) -> "Fabric":
    from lightning_fabric import Fabric

    precision: Any = "bf16-mixed" if _rounds(config) else "32-true"
    several = config.devices * config.nodes > 1
    fabric = Fabric(
        accelerator=config.accelerator,
        devices=config.devices,
        num_nodes=config.nodes,
        strategy="ddp" if several else "auto",
        precision=precision,
    )
    fabric.launch()
    return fabric


def _rounds(config: TrainConfig) -> bool:
    cuda = config.accelerator != "cpu" and torch.cuda.is_available()
    gains = has_bfloat16(torch.device("cuda" if cuda else "cpu"))
    return config.precision == "bf16-mixed" or (config.precision == "bf16-auto" and gains)
