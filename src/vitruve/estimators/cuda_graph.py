"""A net on a GPU as one CUDA graph: all its kernels are launched at once.

On one clip a large GPU is done with a kernel sooner than Python asks for the next; a graph asks for
none.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vitruve.estimators.precision import Precision, computing

_WARM_UP = 3
"""Runs before the recording, in which libraries choose their kernels and take their memory."""


def replayed(net: Any, like: Tensor, precision: Precision = "auto") -> Callable[[Tensor], Tensor]:
    """Record what the net does on one input, to do it again on others of the same shape.

    Weights are read where they lie: changed in place, the next answer knows them.

    Args:
        net: A net of ``LIFTERS`` in eval mode, on a GPU.
        like: An input, on the same GPU.
        precision: In which numbers it computes.

    Returns:
        A function of an input whose answer holds until its next call.

    Raises:
        ValueError: The net trains, or its input is on no GPU.
    """
    if net.training or not like.is_cuda:
        raise ValueError(
            f"a CUDA graph needs a net in eval mode and an input on a GPU; this net is "
            f"{'in training' if net.training else 'in eval mode'} and the input on {like.device}"
        )
    given = like.clone()
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode(), computing(net, precision, remember=False):
        with torch.cuda.stream(beside):
            for _ in range(_WARM_UP):
                net(given)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            said = net(given)

    def replay(x: Tensor) -> Tensor:
        given.copy_(x)
        graph.replay()
        return said

    return replay
