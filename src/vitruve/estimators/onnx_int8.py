"""Weights of an ONNX file as 8-bit integers.

Layers that read the inputs stay as they are: eight bits are too few for where a keypoint is. So do
those that say the output.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_LAYERS = ("Conv", "Gemm", "MatMul")


def quantise(path: Path) -> None:
    """Rewrite a file with 8-bit weights; activations are quantised as they come.

    Raises:
        OSError: The file cannot be read or written.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(path)
    graph = model.graph
    reading = _first_layers(graph.node, {value.name for value in graph.input})
    saying = _last_layers(graph.node, {value.name for value in graph.output})
    # A Gemm is taken apart, and its product renamed, before names are looked at.
    kept = [name + end for name in sorted(reading | saying) for end in ("", "_MatMul")]
    root = logging.getLogger()
    level = root.level
    # It advises to fold batch norms first, which the exporter has done.
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(model, path, weight_type=QuantType.QInt8, nodes_to_exclude=kept)
    finally:
        root.setLevel(level)


def _first_layers(nodes: Iterable[Any], inputs: set[str]) -> set[str]:
    """Names of the layers with weights that see the inputs before any other layer does."""
    found, reached = set(), set(inputs)
    for node in nodes:
        # A tensor's shape says nothing of its values.
        if node.op_type == "Shape" or reached.isdisjoint(node.input):
            continue
        if node.op_type in _LAYERS:
            found.add(node.name)
        else:
            reached.update(node.output)
    return found


def _last_layers(nodes: Iterable[Any], outputs: set[str]) -> set[str]:
    """Names of the layers with weights whose answer no other layer sees."""
    found, wanted = set(), set(outputs)
    for node in reversed(list(nodes)):
        if wanted.isdisjoint(node.output):
            continue
        if node.op_type in _LAYERS:
            found.add(node.name)
        else:
            wanted.update(node.input)
    return found
