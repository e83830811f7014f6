"""What speed is compared with: products alone, attention written out, turns taken."""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vitruve.nets import layers
from vitruve.nets.cost import Operand, Product

Call = Callable[[], object]


def written_out(q: Tensor, k: Tensor, v: Tensor, dropout: float = 0.0, bias: Any = None) -> Tensor:
    """Attention one operation after the other."""
    logits = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    weights = (logits if bias is None else logits + bias).softmax(dim=-1)
    return nn.functional.dropout(weights, dropout) @ v


def floor_of(
    products: list[Product], dtype: torch.dtype = torch.float32, device: str | None = None
) -> Call:
    """What runs the products alone, each on tensors of its own shapes made beforehand."""
    made: dict[Operand, Tensor] = {}

    def tensor(operand: Operand) -> Tensor:
        if operand not in made:
            size = 1 + sum((n - 1) * s for n, s in zip(operand.shape, operand.stride, strict=True))
            flat = torch.randn(size, dtype=dtype, device=device)
            made[operand] = flat.as_strided(operand.shape, operand.stride)
        return made[operand]

    work = [(p, *(tensor(f) for f in p.factors)) for p in products]

    @torch.inference_mode()
    def run() -> None:
        for product, left, right in work:
            if product.kind == "matmul":
                torch.matmul(left, right)
            else:
                torch.ops.aten.convolution(left, right, None, *product.settings)

    return run


def seconds(calls: dict[str, Call], rounds: int) -> dict[str, list[float]]:
    """Wall time of each call in each round; one round before is not counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    # A GPU has not done what it was told when the call returns.
    wait = torch.cuda.synchronize if torch.cuda.is_initialized() else _nothing
    for turn in range(rounds + 1):
        for name, call in calls.items():
            wait()
            start = time.perf_counter()
            call()
            wait()
            if turn:
                times[name].append(time.perf_counter() - start)
    return times


def _nothing() -> None:
    pass


def ratio(times: dict[str, list[float]], above: str, below: str) -> float:
    """Median of the rounds' ratios."""
    pairs = zip(times[above], times[below], strict=True)
    return statistics.median(a / b for a, b in pairs)


def reference(call: Call) -> Call:
    """The call with attention written out in every net."""
    ours = layers.attend
    users = [m for m in list(sys.modules.values()) if vars(m).get("attend") is ours]

    def run() -> None:
        for module in users:
            vars(module)["attend"] = written_out
        try:
            call()
        finally:
            for module in users:
                vars(module)["attend"] = ours

    return run
