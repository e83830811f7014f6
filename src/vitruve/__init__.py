"""Vitruve: video, pictures or 2D keypoints of people in, metric 3D skeletons in any format out.

The names below are handed out lazily, so that ``import vitruve`` costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_FACE = {
    "Skeleton": "vitruve.skeletons",
    "skeleton": "vitruve.skeletons",
    "PoseSequence": "vitruve.poses",
    "KeypointSequence": "vitruve.poses",
    "Camera": "vitruve.geometry.camera",
    "read": "vitruve.io",
    "write": "vitruve.io",
    "load": "vitruve.estimators",
    "convert": "vitruve.pipeline",
    "estimate": "vitruve.pipeline",
}
"""Where each public name lives."""

__all__ = [
    "Camera",
    "KeypointSequence",
    "PoseSequence",
    "Skeleton",
    "__version__",
    "convert",
    "estimate",
    "load",
    "read",
    "skeleton",
    "write",
]


def __getattr__(name: str) -> Any:
    """Import the room of a public name when it is first asked for."""
    if name not in _FACE:
        raise AttributeError(f"module 'vitruve' has no attribute {name!r}; it has {sorted(_FACE)}")
    return getattr(import_module(_FACE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
