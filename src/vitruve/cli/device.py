"""Where models run, as commands ask for it."""

from typing import Literal

Device = Literal["cpu", "cuda"]


def available(device: Device) -> Device:
    """The device, if this machine has it.

    Raises:
        ValueError: It has not.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: there is no GPU that torch can use; leave it out")
    return device
