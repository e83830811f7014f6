"""What an exported net's file says of itself: how to feed it, and what its answer means."""

import json
from typing import Any

from vitruve import __version__
from vitruve.estimators.diffusion_lifter import DiffusionLifter
from vitruve.estimators.lifter import Lifter
from vitruve.estimators.root_view import FAINT, LARGEST, MIN_DEPTH

HOW = {
    "root_view": (
        "rays inverse(intrinsics) (u, v, 1) of the pixels, turned in each frame by the smallest "
        f"rotation that takes their mean to the optical axis (weight {1 + FAINT:g} for hips and "
        f"shoulders, {FAINT:g} for the others, 0 if unseen); points x / z, y / z with z at least "
        f"{MIN_DEPTH:g}; over the root mean square radius of the seen ones; clamped to "
        f"+-{LARGEST:g}",
        "turn the joints back by the inverse of that rotation",
    ),
    "screen": (
        "x / width * 2 - 1 and y / width * 2 - height / width, from pixels",
        "none: the axes are the camera's",
    ),
    "weak_perspective": (
        "x / width * 2 - 1 and y / width * 2 - height / width, from pixels",
        "the unit is half the image's width, in pixels: times width / 2 times the metres that a "
        "pixel spans at the person",
    ),
}
"""What each normaliser does to keypoints, and what undoes it in the joints."""


def metadata(estimator: Lifter, precision: str, card: str, commit: str) -> dict[str, str]:
    """Names and texts for the file's metadata; lists and numbers as JSON."""
    config, net = estimator.config, estimator.net
    before, after = HOW[config.normaliser]
    # A strided net is written in its dilated form, which takes any length.
    fixed = net.window is not None and not getattr(net.config, "strided", False)
    last = ", then the keypoint's confidence" if config.confidence else ""
    facts: dict[str, Any] = {
        "net": config.net,
        "net_inputs": "denoiser" if isinstance(estimator, DiffusionLifter) else "keypoints",
        "precision": precision,
        "skeleton": config.skeleton.name,
        "joints": config.skeleton.names,
        "joint_parents": config.skeleton.parents,
        "joint_mirror": config.skeleton.mirror_index,
        "root": config.skeleton.root,
        "keypoint_skeleton": config.keypoint_skeleton.name,
        "keypoints": config.keypoint_skeleton.names,
        "keypoint_mirror": config.keypoint_skeleton.mirror_index,
        "normaliser": config.normaliser,
        "encode": f"{before}{last}; unseen keypoints are 0",
        "decode": f"{after}; times metres_per_unit; subtract the root",
        "metres_per_unit": config.metres_per_unit,
        "unit": "metre, once decoded",
        "axes": "camera frame: x right, y down, z forward; relative to the root, once decoded",
        "window": net.window if fixed else None,
        "receptive_field": net.receptive_field,
        "padding": net.padding,
        "frames": _frames(net, fixed),
        "native_fps": config.native_fps,
        "version": __version__,
        "commit": commit,
        "card": card,
    }
    if isinstance(estimator, DiffusionLifter):
        facts["scale"] = config.scale
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in facts.items()}


def _frames(net: Any, fixed: bool) -> str:
    before, after = net.padding
    takes = f"exactly {net.window}" if fixed else f"{net.receptive_field} or more"
    return (
        f"takes {takes}; answers all but the first {before} and the last {after}, so repeat a "
        "clip's first frame before it and its last one after it that often"
    )
