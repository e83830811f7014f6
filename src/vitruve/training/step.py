"""One step of training: every objective learns on the detached prediction, then the estimator does.

Processes average gradients after each backward pass, for both players alike, so that neither is
wrapped and frozen objectives need no special care.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vitruve.estimators.base import Estimator
from vitruve.objectives.base import Term, frozen
from vitruve.poses import PoseBatch, Prediction
from vitruve.training.pull import pull

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(frozen=True)
class Players:
    """Who learns, and with which optimizers."""

    estimator: Estimator
    optimizer: torch.optim.Optimizer
    terms: Mapping[str, Term]
    own_optimizers: Mapping[str, torch.optim.Optimizer] = field(init=False)
    """One for every term whose objective has parameters."""

    def __post_init__(self) -> None:
        """Make the objectives' optimizers.

        Raises:
            ValueError: Every term has a pull, so there is nothing that it is a share of.
        """
        if self.terms and all(term.pull is not None for term in self.terms.values()):
            raise ValueError(
                f"every term has a pull ({', '.join(self.terms)}), but that is a share of what "
                "terms without one pull; leave it out of one of them"
            )
        own = {n: o for n, t in self.terms.items() if (o := t.make_optimizer()) is not None}
        object.__setattr__(self, "own_optimizers", own)


def train_step(
    players: Players,
    batch: PoseBatch,
    step: int,
    *,
    clip_norm: float = 0.0,
    fabric: "Fabric | None" = None,
) -> dict[str, Tensor]:
    """Update objectives, then the estimator; a term of weight 0 warms up its objective alone.

    Args:
        players: Who learns.
        batch: What this process was given.
        step: Number of updates so far.
        clip_norm: Largest gradient norm of the estimator; 0 switches clipping off.
        fabric: Precision and processes; None computes plainly in this one.

    Returns:
        Every loss by name, weighted; ``NAME/own`` is what an objective minimises, and
        ``NAME/pull`` how hard it pulls at the predicted joints against all other terms.
    """
    terms = players.terms
    weights = {n: w for n, t in terms.items() if (w := t.weight_at(step))}
    with torch.set_grad_enabled(bool(weights)), _precision(fabric):
        prediction = players.estimator.training_forward(batch)
    prediction = prediction.map(lambda x: x.float() if x.dtype == torch.bfloat16 else x)
    learning = {n: o for n, o in players.own_optimizers.items() if not terms[n].done_at(step)}
    logs = _objectives_learn(players, learning, prediction.detach(), batch, fabric)
    if not weights:
        return logs
    with frozen(term.objective for term in terms.values()):
        players.optimizer.zero_grad(set_to_none=True)
        current = {n: terms[n] for n in weights}
        logs |= pull(prediction, batch, current, weights, lambda: _precision(fabric))
    average_gradients(players.estimator, fabric)
    logs["gradient_norm"] = _clip(players.estimator, clip_norm)
    _check_finite(step, logs)
    players.optimizer.step()
    return {name: value.detach() for name, value in logs.items()}


def _check_finite(step: int, logs: Mapping[str, Tensor]) -> None:
    if not torch.isfinite(logs["gradient_norm"]):
        figures = ", ".join(f"{name} {value.item():g}" for name, value in logs.items())
        raise FloatingPointError(f"step {step} went astray ({figures}); lower the learning rate")


def _clip(estimator: Estimator, clip_norm: float) -> Tensor:
    parameters = [p for p in estimator.parameters() if p.grad is not None]
    return nn.utils.clip_grad_norm_(parameters, clip_norm or float("inf"))


def _objectives_learn(
    players: Players,
    learning: Mapping[str, torch.optim.Optimizer],
    prediction: Prediction,
    batch: PoseBatch,
    fabric: "Fabric | None",
) -> dict[str, Tensor]:
    logs = {}
    for name, own_optimizer in learning.items():
        objective = players.terms[name].objective
        for _ in range(players.terms[name].own_steps):
            with _precision(fabric) if objective.rounds else nullcontext():
                own_loss = objective.own_loss(prediction, batch)
            own_optimizer.zero_grad(set_to_none=True)
            own_loss.backward()
            average_gradients(objective, fabric)
            own_optimizer.step()
            logs[f"{name}/own"] = own_loss.detach()
    return logs


def average_gradients(module: nn.Module, fabric: "Fabric | None") -> None:
    """Replace each gradient by its mean over processes, in one message."""
    if fabric is None or fabric.world_size == 1:
        return
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    torch.distributed.all_reduce(flat)
    flat /= fabric.world_size
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def _precision(fabric: "Fabric | None") -> AbstractContextManager[Any]:
    return nullcontext() if fabric is None else fabric.autocast()
