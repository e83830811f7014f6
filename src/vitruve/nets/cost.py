"""What a lifting net costs: parameters, and multiply-accumulates (MACs) by two conventions.

The net runs once on tensors without memory, and every matrix product it makes is written down.

Axes: b batch, t frames, k keypoints, j joints, c channels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten
_FACTORS = {
    _aten.mm: (0, 1),
    _aten.addmm: (1, 2),
    _aten.bmm: (0, 1),
    _aten.baddbmm: (1, 2),
    _aten.mv: (0, 1),
    _aten.addmv: (1, 2),
    _aten.dot: (0, 1),
}
"""Operator -> where its two factors stand. Attention and einsum come apart into these."""


@dataclass(frozen=True)
class Operand:
    """A factor of a product, as it lies in memory."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class Product:
    """One matrix product or convolution of a forward pass."""

    kind: Literal["matmul", "convolution"]
    factors: tuple[Operand, Operand]
    """Left and right; input and filters of a convolution."""
    macs: int
    """Multiply-accumulates."""
    has_weight: bool
    """Whether a factor is a parameter; in attention both come from the input."""
    settings: tuple[Any, ...] = ()
    """Stride, padding, dilation, transposed, output padding and groups of a convolution."""


@dataclass(frozen=True)
class Cost:
    """Size and work of a net on one clip."""

    parameters: int
    """Numbers that training changes."""
    macs: int
    """Every matrix product and convolution, both products of attention among them; half of the
    floating point operations that ``torch.utils.flop_counter`` finds."""
    layer_macs: int
    """Products with a weight, and 4 for each number that passes an affine LayerNorm, but no
    products of attention: what the counter that most papers quote gives."""
    frames: int
    """Frames of the clip that are answered."""

    @property
    def macs_per_frame(self) -> float:
        """``macs`` for each answered frame."""
        return self.macs / self.frames

    @property
    def layer_macs_per_frame(self) -> float:
        """``layer_macs`` for each answered frame."""
        return self.layer_macs / self.frames


def cost_of(net: Any, frames: int | None = None) -> Cost:
    """Count parameters and MACs of a net of ``LIFTERS`` on one clip.

    Args:
        net: Any of the table, on any device; its own tensors are not touched.
        frames: Length of the clip, which the net must take; its window or receptive field if unset.
    """
    trace = _trace(net, 1, frames)
    products = sum(p.macs for p in trace.products)
    layers = sum(p.macs for p in trace.products if p.has_weight)
    parameters = sum(p.numel() for p in net.parameters())
    return Cost(parameters, products, layers + 4 * trace.normalised, trace.answered)


def products_of(net: Any, batch: int = 1, frames: int | None = None) -> list[Product]:
    """Every matrix product of a forward pass of ``batch`` clips, in order; see `cost_of`."""
    return _trace(net, batch, frames).products


def products_made(run: Callable[[], object]) -> list[Product]:
    """Every matrix product of what ``run`` does, backward passes too, in order.

    Attention counts on tensors without memory only; elsewhere its kernel is one operation.
    """
    with _Trace([]) as trace:
        run()
    return trace.products


class _Trace(TorchDispatchMode):
    """Writes down the products of what runs inside."""

    def __init__(self, weights: list[torch.Tensor]) -> None:
        super().__init__()
        # Views (a transposed weight) share the storage, which tensors without memory have too.
        self.weights = {_storage(w) for w in weights}
        self.products: list[Product] = []
        self.normalised = 0
        self.answered = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        operator = func.overloadpacket
        if operator in _FACTORS:
            left, right = (args[i] for i in _FACTORS[operator])
            self._add("matmul", (left, right), out.numel() * left.shape[-1])
        elif operator is _aten.convolution:
            x, filters = args[:2]
            macs = out.numel() * filters[0].numel()
            self._add("convolution", (x, filters), macs, tuple(args[3:]))
        elif operator is _aten.native_layer_norm and args[2] is not None:
            self.normalised += out[0].numel()
        return out

    def _add(
        self,
        kind: Literal["matmul", "convolution"],
        factors: tuple[torch.Tensor, torch.Tensor],
        macs: int,
        settings: tuple[Any, ...] = (),
    ) -> None:
        left, right = (Operand(tuple(f.shape), f.stride()) for f in factors)
        has_weight = any(_storage(f) in self.weights for f in factors)
        self.products.append(Product(kind, (left, right), macs, has_weight, settings))


def _trace(net: Any, batch: int, frames: int | None) -> _Trace:
    """Run the net's twin without memory."""
    config = net.config
    t = frames or net.window or net.receptive_field
    # In inference mode a linear layer would not come apart into its product.
    with torch.device("meta"), torch.inference_mode(False), torch.no_grad():
        twin: nn.Module = type(net)(config).eval()
        keypoints = torch.empty(batch, t, config.num_keypoints, config.in_channels)
        with _Trace(list(twin.parameters())) as trace:
            trace.answered = twin(keypoints).shape[1]
    return trace


def _storage(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata
