"""Everything a run needs to go on as if it had never stopped, in one safetensors file.

Random numbers of step n are a function of seed, n and process (see ``loop``), so no generator
state has to be kept: the step number is enough.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vitruve.io.tensor_file import load_strictly, read_tensors, write_tensors
from vitruve.training.ema import Ema
from vitruve.training.step import Players

LAST, BEST = "last.safetensors", "best.safetensors"


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    step: int = 0
    """Updates made."""
    best: float = float("inf")
    """Lowest monitored figure so far."""


def save_checkpoint(
    path: str | Path, players: Players, ema: Ema | None, progress: Progress, run: Any
) -> None:
    """Write the state of a run atomically.

    Args:
        path: The file.
        players: Estimator, objectives and their optimizers.
        ema: Mean weights, if kept.
        progress: How far the run is.
        run: JSON-able description of the run; resuming another one is refused.
    """
    tensors: dict[str, Tensor] = {}
    groups = {}
    for name, module in _modules(players).items():
        tensors |= {f"{name}:{k}": v for k, v in module.state_dict().items()}
    for name, optimizer in _optimizers(players).items():
        state = optimizer.state_dict()
        groups[name] = state["param_groups"]
        for index, values in state["state"].items():
            tensors |= {f"{name}:{index}:{k}": torch.as_tensor(v) for k, v in values.items()}
    if ema is not None:
        tensors |= {f"ema:{k}": v for k, v in ema.state.items()}
    best = None if progress.best == float("inf") else progress.best
    document = {"kind": "checkpoint", "step": progress.step, "best": best, "run": run}
    write_tensors(path, tensors, document | {"optimizers": groups})


def load_checkpoint(path: str | Path, players: Players, ema: Ema | None, run: Any) -> Progress:
    """Put a saved state into ``players`` and ``ema``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or of another run.
    """
    tensors, document = read_tensors(path, "checkpoint")
    if difference := _first_difference(document.get("run"), json.loads(json.dumps(run))):
        raise ValueError(
            f"{path} is of another run ({difference}); choose another out folder or remove it"
        )
    parts: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        part, _, name = key.partition(":")
        parts.setdefault(part, {})[name] = tensor
    for name, module in _modules(players).items():
        load_strictly(module, parts.get(name, {}), f"{path}: {name}")
    try:
        for name, optimizer in _optimizers(players).items():
            groups = document["optimizers"][name]
            optimizer.load_state_dict(_optimizer_state(parts.get(name, {}), groups))
        if ema is not None:
            for name, value in ema.state.items():
                value.copy_(parts["ema"][name])
        best = document["best"]
        return Progress(int(document["step"]), float("inf") if best is None else float(best))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}; remove it and start again") from None


def _modules(players: Players) -> dict[str, torch.nn.Module]:
    objectives = {f"objective.{n}": t.objective for n, t in players.terms.items()}
    return {"estimator": players.estimator, **objectives}


def _optimizers(players: Players) -> dict[str, torch.optim.Optimizer]:
    own = {f"optimizer.objective.{n}": o for n, o in players.own_optimizers.items()}
    return {"optimizer.estimator": players.optimizer, **own}


def _optimizer_state(tensors: Mapping[str, Tensor], groups: Any) -> dict[str, Any]:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, _, name = key.partition(":")
        state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": groups}


def _first_difference(saved: Any, now: Any, where: str = "run") -> str | None:
    if isinstance(saved, Mapping) and isinstance(now, Mapping):
        for key in sorted(set(saved) | set(now)):
            found = _first_difference(saved.get(key), now.get(key), f"{where}.{key}")
            if found:
                return found
        return None
    return None if saved == now else f"{where} was {saved!r}, now {now!r}"
