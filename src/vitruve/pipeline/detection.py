"""What every 2D detector gives the pipeline, frame by frame.

Axes: k keypoints, y x pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True, eq=False)
class Detection:
    """One person in one frame."""

    keypoints_px: Float[np.ndarray, "k 2"]
    confidence: Float[np.ndarray, "k"]
    """0 to 1."""


@runtime_checkable
class Detector(Protocol):
    """Finds the people of each frame; may remember earlier frames."""

    skeleton: str
    """Name of the joint set."""
    model: str
    """Name and version, written into files."""

    def detect(self, image: UInt8[np.ndarray, "y x 3"]) -> list[Detection]:
        """People in the next frame, RGB."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Everything it remembers, so that a new detector can go on from here."""
        ...

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what ``state`` of another detector gave."""
        ...
