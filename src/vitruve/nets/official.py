"""Published state dicts: which net they are, and that net with their weights.

Checkpoints wrap the weights under ``model_pos``, ``model`` or ``state_dict``, or are the state
dict itself; keys start with ``module.`` when the net was saved from inside DataParallel.
"""

import textwrap
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from vitruve import nets

_WRAPPERS = ("model_pos", "model", "state_dict")


def bare_state(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """Unwrap a checkpoint to its state dict and strip ``module.``.

    Raises:
        ValueError: There is no state dict inside.
    """
    found = next((k for k in _WRAPPERS if isinstance(checkpoint.get(k), Mapping)), None)
    state = checkpoint if found is None else checkpoint[found]
    named = all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items())
    if not state or not named:
        raise ValueError(
            f"no state dict in this checkpoint with keys {shown_keys(checkpoint)}; expected "
            f"tensors by name, or such a dict under one of {', '.join(_WRAPPERS)}"
        )
    return {key.removeprefix("module."): value for key, value in state.items()}


def recognise(state: Mapping[str, Any]) -> tuple[str, Any]:
    """Tell which net of ``LIFTERS`` or ``COMPANIONS``, and which config, a state dict belongs to.

    Args:
        state: The state dict, or the checkpoint around it.

    Raises:
        ValueError: No net of ours has these keys, or they are there and their sizes make no sense.
    """
    bare = bare_state(state)
    for name, (net, _) in _known().items():
        try:
            config = net.config_from_official(bare)
        except (ArithmeticError, LookupError, ValueError) as error:
            raise ValueError(
                f"the keys are those of {name}, but no size of it can be read: {error}"
            ) from error
        if config is not None:
            return name, config
    raise ValueError(
        f"no lifter has the keys {shown_keys(bare)}; the known ones are {', '.join(_known())}"
    )


def load_official(state: Mapping[str, Any], **hints: Any) -> nn.Module:
    """Build the net a published state dict belongs to, weights loaded strictly, in eval mode.

    Args:
        state: The state dict, or the checkpoint around it.
        **hints: Config fields that shapes cannot tell, such as ``causal`` or ``strided``.

    Raises:
        ValueError: The net is unknown, or the weights do not fill it exactly.
        KeyError: A hint is no field of the config, or a key of the state dict has no rule.
    """
    bare = bare_state(state)
    name, config = recognise(bare)
    allowed = [field.name for field in fields(config)]
    for hint in hints:
        if hint not in allowed:
            raise KeyError(f"{name} takes no hint {hint!r}; allowed: {', '.join(allowed)}")
    net_class, _ = _known()[name]
    weights = net_class.from_official(bare)
    net = _sized_like(weights, net_class, replace(config, **hints))
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"the weights do not fit {name} as recognised: {textwrap.shorten(str(error), 500)}"
        ) from error
    return net.eval()


def shown_keys(state: Mapping[str, Any]) -> str:
    """Some keys of a checkpoint, and how many more there are, for messages."""
    keys = [str(key) for key in state]
    return ", ".join(keys[:4]) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")


def _known() -> dict[str, tuple[Any, Any]]:
    return nets.LIFTERS | nets.COMPANIONS


def _sized_like(weights: Mapping[str, Tensor], net_class: Any, config: Any) -> nn.Module:
    """Build the net, unless it is far larger than its weights: a few shapes can ask for terabytes.

    Raises:
        ValueError: It is.
    """
    stored = sum(value.numel() for value in weights.values())
    with torch.device("meta"):
        asked = sum(value.numel() for value in net_class(config).state_dict().values())
    if asked > 10 * stored:
        raise ValueError(
            f"the weights do not fit {net_class.__name__} as recognised: {stored} numbers are "
            f"there, and its sizes ask for {asked}"
        )
    return net_class(config)
