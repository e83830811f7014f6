"""One safetensors file: named tensors and a JSON document. No pickle, no code.

Writing is atomic: a reader sees the old file or the new one, never half of either.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vitruve.io.atomic import atomic_path

M = TypeVar("M", bound=torch.nn.Module)
_KEY = "vitruve"


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], document: Any) -> None:
    """Write ``tensors`` and a JSON-able ``document`` in one file, on any device, atomically."""
    own = {k: v.detach().to("cpu", copy=True).contiguous() for k, v in tensors.items()}
    content = save(own, {_KEY: json.dumps(document, allow_nan=False)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def read_tensors(path: str | Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of ``write_tensors`` onto the CPU.

    The format is checked before memory is taken: offsets lie inside the file and fill it.

    Args:
        path: The file.
        kind: The document's ``kind`` that the caller can use, such as ``"estimator"``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not such a file, or it is damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with safe_open(str(path), "pt") as file:
            document = json.loads((file.metadata() or {})[_KEY])
            if not isinstance(document, dict) or document.get("kind") != kind:
                raise ValueError(f"{path} is a Vitruve file, but not of kind {kind!r}")
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except KeyError:
        raise ValueError(
            f"{path} is a safetensors file, but Vitruve did not write it: it has no description"
        ) from None
    except (SafetensorError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(
            f"{path} is damaged or not a safetensors file ({str(error).splitlines()[0]}); "
            "get it again"
        ) from None
    return tensors, document


def load_strictly(module: torch.nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Load a state dict whose names, shapes and types are exactly the module's.

    Raises:
        ValueError: They differ; the message names the first difference and ``source``.
    """
    own = module.state_dict()
    if differing := sorted(set(own) ^ set(state)):
        side = "lacks" if differing[0] in own else "has the unknown"
        raise ValueError(f"{source} {side} tensor {differing[0]!r}")
    for name, tensor in own.items():
        if state[name].shape != tensor.shape:
            raise ValueError(
                f"{source}: tensor {name!r} has shape {tuple(state[name].shape)}, "
                f"but the config asks for {tuple(tensor.shape)}"
            )
    module.load_state_dict(dict(state))


def build_to_fit(
    build: Callable[[Any], M], config: Any, tensors: Mapping[str, Tensor], source: str
) -> M:
    """Build a module only if its config asks for as many numbers as a file holds, and load them.

    A config from outside could ask for more memory than there is.

    Raises:
        ValueError: It asks for another number, or for what cannot be built, or tensors differ.
    """
    stored = sum(t.numel() for t in tensors.values())
    # No size or count of a real net exceeds the number of its weights; a seed is neither.
    if (largest := max(_integers(asdict(config)), default=0)) > stored:
        raise ValueError(f"{source} holds {stored} numbers, but its config asks for {largest}")
    try:
        with torch.device("meta"):
            asked = sum(t.numel() for t in build(config).state_dict().values())
    except (ArithmeticError, MemoryError, RuntimeError, TypeError) as error:
        raise ValueError(f"{source}: no net can be built from its config ({error})") from None
    if asked != stored:
        raise ValueError(f"{source} holds {stored} numbers, but its config asks for {asked}")
    module = build(config)
    load_strictly(module, tensors, source)
    return module.eval()


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in items:
            if name != "seed":
                yield from _integers(item)
