"""Lifting nets: tensors (b, t, k, c) in, tensors (b, t', j, 3) out; no units, no files of ours.

Every net is built from its frozen config and offers ``receptive_field``, ``padding``,
``from_official`` and ``config_from_official``.
"""

from typing import Any

from vitruve.nets.checkpoint_file import read_checkpoint
from vitruve.nets.official import load_official, recognise
from vitruve.nets.simple_baseline import SimpleBaseline, SimpleBaselineConfig
from vitruve.nets.video_pose_3d import VideoPose3D, VideoPose3DConfig

LIFTERS: dict[str, tuple[Any, Any]] = {
    "simple_baseline": (SimpleBaseline, SimpleBaselineConfig),
    "video_pose_3d": (VideoPose3D, VideoPose3DConfig),
}
"""Name -> (net, config)."""

__all__ = [
    "LIFTERS",
    "SimpleBaseline",
    "SimpleBaselineConfig",
    "VideoPose3D",
    "VideoPose3DConfig",
    "load_official",
    "read_checkpoint",
    "recognise",
]
