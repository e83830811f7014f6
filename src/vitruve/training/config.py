"""Settings of a training run, and the learning-rate schedule they describe."""

import math
from dataclasses import dataclass
from typing import Literal, assert_never


@dataclass(frozen=True)
class TrainConfig:
    """How to train, whatever is trained."""

    steps: int = 20_000
    """Updates of the estimator."""
    batch_size: int = 256
    """Windows per step, over all processes."""
    learning_rate: float = 1e-3
    """At the top of the schedule."""
    schedule: Literal["cosine", "exponential", "constant", "drop"] = "cosine"
    """How the learning rate falls after the warm-up."""
    warmup_steps: int = 0
    """Steps of linear rise from 0."""
    final_factor: float = 0.01
    """Learning rate at the last step, as a share of the top one."""
    drop_at: float = 0.75
    """Share of the steps after which the schedule ``drop`` falls to it, at once."""
    optimizer: Literal["adamw", "adam_amsgrad"] = "adamw"
    """AdamW, or Adam with amsgrad as VideoPose3D trains."""
    weight_decay: float = 0.01
    """Of AdamW; Adam takes it as L2 penalty."""
    clip_norm: float = 1.0
    """Largest gradient norm of the estimator; 0 switches clipping off."""
    ema_decay: float = 0.0
    """Decay of the running mean of the weights, such as 0.999; 0 keeps none."""
    precision: Literal["32", "bf16-mixed", "bf16-auto"] = "32"
    """Arithmetic of the nets; ``bf16-auto`` rounds where the processor gains by it, ``32`` else."""
    seed: int = 0
    """Same seed, same bits, on one CPU."""
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute."""
    devices: int = 1
    """Processes per machine, one device each (CPU: gloo; GPU: nccl)."""
    nodes: int = 1
    """Machines."""
    workers: int = 0
    """Processes that make batches beside the one that trains, where a source can use them."""
    log_every: int = 50
    """Steps between lines of the log."""
    checkpoint_every: int = 1000
    """Steps between checkpoints."""
    evaluate_every: int = 0
    """Steps between evaluations; 0 evaluates at the end only."""
    monitor: str = "mpjpe_mm"
    """Evaluation figure, lower is better, that decides which checkpoint is the best."""
    out: str = "runs/run"
    """Folder of checkpoints, logs and the trained estimator; an existing run is resumed."""

    def __post_init__(self) -> None:
        """Refuse settings that cannot run."""
        for name in ("steps", "batch_size", "devices", "nodes", "log_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}")
        for name in ("learning_rate", "final_factor"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay must be in [0, 1), got {self.ema_decay}")

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of the update that turns ``step`` into ``step + 1``."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        span = max(1, self.steps - 1 - self.warmup_steps)
        done = min(1.0, (step - self.warmup_steps) / span)
        match self.schedule:
            case "constant":
                factor = 1.0
            case "drop":
                factor = 1.0 if step < self.drop_at * self.steps else self.final_factor
            case "exponential":
                factor = self.final_factor**done
            case "cosine":
                share = (1 + math.cos(math.pi * done)) / 2
                factor = self.final_factor + (1 - self.final_factor) * share
            case _:
                assert_never(self.schedule)
        return self.learning_rate * factor
