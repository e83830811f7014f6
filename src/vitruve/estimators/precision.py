"""In which numbers an estimator's net computes: float32, or bfloat16 where that pays."""

import time
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.nets import LIFTERS
from vitruve.nets.cost import cost_of

Precision = Literal["auto", "float32", "bfloat16"]
"""bfloat16 rounds matrix products alone: weights, norms, sums and the last layer stay float32.
"auto" takes it where the processor has it and the net is large enough to gain."""

WORTHWHILE_MACS = 2_000_000_000
"""Of a net on one clip. Smaller nets spend more on converting numbers than they save."""
_SIDE, _TIMES = 512, 8
"""Of the matrices whose product is timed, and how often: 20 ms in all."""


def computing(
    net: Any, precision: Precision, *, remember: bool = True
) -> AbstractContextManager[object]:
    """Inside, a net of ``LIFTERS`` in eval mode computes as asked; one in training is left alone.

    Args:
        net: The net, on the device it runs on. One that is not of the table counts as small.
        precision: How.
        remember: Round each weight once, not at each use. A recording must not: it would read
            copies that are gone when it is replayed.
    """
    device = next(net.parameters()).device
    if net.training or precision == "float32":
        return nullcontext()
    if precision == "auto" and not (has_bfloat16(device) and _is_large(net)):
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, cache_enabled=remember)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices faster than float32 ones."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # torch says what the processor can do, but has no public name for it yet.
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    can = device.type == "cpu" and any(getattr(torch.cpu, probe, bool)() for probe in probes)
    return can and _gains()


@cache
def _gains() -> bool:
    """Some processors have the instructions and need twice the time with them, so we measure."""
    rounded = _seconds(torch.ones(_SIDE, _SIDE, dtype=torch.bfloat16))
    return rounded < _seconds(torch.ones(_SIDE, _SIDE))


def _seconds(matrix: Float[Tensor, "n n"]) -> float:
    """The least of a few products: other work on the machine only adds."""
    spent = []
    for _ in range(_TIMES):
        start = time.perf_counter()
        torch.mm(matrix, matrix)
        spent.append(time.perf_counter() - start)
    return min(spent)


def _is_large(net: Any) -> bool:
    known = any(type(net) is build for build, _ in LIFTERS.values())
    return known and _macs(type(net), net.config) >= WORTHWHILE_MACS


@cache
def _macs(build: Any, config: Any) -> int:
    with torch.device("meta"):
        return cost_of(build(config)).macs
