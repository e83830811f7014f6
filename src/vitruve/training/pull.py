"""The backward pass of all terms, which meet at the prediction.

Each term's gradient is known there before it goes on into the estimator. So how hard every term
pulls at the joints can be logged, and held, at no cost: SCoTL-pose's alpha says little by itself,
because the same alpha is nothing for one kind of energy and everything for another.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from vitruve.objectives.base import Term
from vitruve.poses import PoseBatch, Prediction

_JOINTS = "joints_cam"
Gradients = dict[str, Tensor]
"""By field of the prediction; fields that a term does not read are not in it."""


def pull(
    prediction: Prediction,
    batch: PoseBatch,
    terms: Mapping[str, Term],
    weights: Mapping[str, float],
    precision: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> dict[str, Tensor]:
    """Add the gradient of all terms to whatever made the prediction.

    Args:
        prediction: With the graph behind it.
        batch: What it answers.
        terms: Objectives, frozen by the caller.
        weights: Of each term, now.
        precision: In which numbers losses that round are computed. Gradients go back outside of it:
            inside, autocast would also round those of layers that it was told to leave alone.

    Returns:
        Loss of each term, weighted; their sum as ``total``; with several terms also ``NAME/pull``,
        the norm of its gradient at the joints over that of the sum of all others.

    Raises:
        ValueError: No term depends on the prediction, or one that should be held by its pull does
            not look at the joints.
    """
    leaves = prediction.map(lambda x: x.detach().requires_grad_(x.requires_grad))
    losses, gradients = {}, {}
    for name, term in terms.items():
        with precision() if term.objective.rounds else nullcontext():
            losses[name] = weights[name] * term.objective.loss(leaves, batch)
        gradients[name] = _gradients(losses[name], leaves)
    _hold(terms, losses, gradients)
    whole = _sum(list(gradients.values()))
    if not whole:
        raise ValueError(f"none of the terms {sorted(terms)} depends on what the estimator says")
    outputs = [getattr(prediction, name) for name in whole]
    torch.autograd.backward(outputs, list(whole.values()))
    total = torch.stack(list(losses.values())).sum()
    return losses | {"total": total} | _pulls(gradients)


def _hold(
    terms: Mapping[str, Term], losses: dict[str, Tensor], gradients: dict[str, Gradients]
) -> None:
    """Scale what has a pull to its share of what has none."""
    free = [name for name, term in terms.items() if term.pull is None]
    reference = _sum([gradients[name] for name in free])
    for name, term in terms.items():
        if term.pull is not None:
            if _JOINTS not in gradients[name]:
                raise ValueError(
                    f"term {name!r} has pull={term.pull}, but its loss does not look at the "
                    "predicted joints; give it a weight and no pull"
                )
            factor = _share(term.pull, reference, gradients[name])
            losses[name] = losses[name] * factor
            gradients[name] = {k: g * factor for k, g in gradients[name].items()}


def _pulls(gradients: Mapping[str, Gradients]) -> dict[str, Tensor]:
    if len(gradients) < 2:
        return {}
    pulls = {}
    for name, own in gradients.items():
        others = _sum([g for other, g in gradients.items() if other != name])
        pulls[f"{name}/pull"] = _share(1.0, own, others)
    return pulls


def _gradients(loss: Tensor, leaves: Prediction) -> Gradients:
    if not loss.requires_grad:
        return {}
    names = [f.name for f in fields(leaves) if isinstance(getattr(leaves, f.name), Tensor)]
    names = [name for name in names if getattr(leaves, name).requires_grad]
    found = torch.autograd.grad(loss, [getattr(leaves, n) for n in names], allow_unused=True)
    return {name: g for name, g in zip(names, found, strict=True) if g is not None}


def _sum(gradients: list[Gradients]) -> Gradients:
    names = dict.fromkeys(name for given in gradients for name in given)
    return {n: torch.stack([g[n] for g in gradients if n in g]).sum(0) for n in names}


def _share(share: float, gradients: Gradients, over: Gradients) -> Tensor:
    """``share`` of the first norm over the second; 0 where either is nothing."""
    if _JOINTS not in gradients or _JOINTS not in over:
        known = [*gradients.values(), *over.values()]
        return known[0].new_zeros(()) if known else torch.zeros(())
    norm, divisor = gradients[_JOINTS].norm(), over[_JOINTS].norm()
    return torch.where(divisor > 0, share * norm / divisor.clamp(min=1e-30), 0.0)
