"""Make ``import torchvision`` work where it was built for another torch.

A wheel of torchvision for CUDA beside a torch for the CPU cannot load its compiled part. It then
goes on without, but ends in ``operator torchvision::nms does not exist``: its Python part describes
two operators that only the compiled part declares. Declaring them is enough; nothing here calls
them. timm, transformers and diffusers all import torchvision.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

_DESCRIBED = ("nms", "qnms")


@cache
def repair_torchvision() -> Any:
    """Declare the operators, once, before the first import of torchvision, if it needs them.

    Returns:
        The declarations, to be kept alive; None where they are not needed.
    """
    found = find_spec("torchvision")
    if found is None or found.origin is None:
        return None
    for compiled in Path(found.origin).parent.glob("_C.*"):
        try:
            torch.ops.load_library(compiled)
        except OSError:
            break
        return None
    declared = torch.library.Library("torchvision", "FRAGMENT")
    for name in _DESCRIBED:
        if not hasattr(torch.ops.torchvision, name):
            declared.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return declared
