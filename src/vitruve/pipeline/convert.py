"""Change the skeleton of a motion.

Axes: t frames, j joints of the source, k joints of the target.
"""

from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.nets.bridge_file import read_bridge
from vitruve.nets.skeleton_bridge import SkeletonBridge
from vitruve.poses import KeypointSequence, PoseSequence
from vitruve.skeletons import Conversion, Skeleton, conversion
from vitruve.skeletons import skeleton as find_skeleton


def convert(
    sequence: PoseSequence,
    skeleton: str | Skeleton,
    *,
    bridge: str | Path | SkeletonBridge = "none",
) -> PoseSequence:
    """The same motion in another skeleton format.

    A joint that the source says nothing about stays in the result with ``valid`` False. The spread
    of a combined joint is the weighted sum of its sources' spreads: a bound, as errors may agree.
    A learned bridge adds its own error on held-out poses to it, as the root of the sum of squares.

    Args:
        sequence: A motion.
        skeleton: Format of the result, or its name.
        bridge: ``none`` for rules alone; ``default``, a file, or a bridge in memory for weights
            learned from data, where joints are not exact.

    Raises:
        KeyError: No format has this name.
        FileNotFoundError: There is no such bridge.
        ValueError: The bridge's file is damaged, or it does not know one of the formats.
    """
    target = find_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
    if isinstance(bridge, SkeletonBridge):
        return converted_by(sequence, target, bridge)
    if str(bridge) == "none":
        return converted(sequence, conversion(sequence.skeleton, target))
    return converted_by(sequence, target, read_bridge(bridge))


def converted(sequence: PoseSequence, there: Conversion) -> PoseSequence:
    """Apply a conversion to a motion."""
    joints, valid = there.apply(sequence.joints_world, sequence.valid)
    return replace(
        sequence,
        skeleton=there.target,
        joints_world=joints,
        valid=valid,
        spread=_spread(sequence.spread, there, valid),
    )


def converted_by(sequence: PoseSequence, target: Skeleton, bridge: SkeletonBridge) -> PoseSequence:
    """Apply a learned bridge; frames that lack the same joints are converted together.

    Raises:
        ValueError: The bridge does not know one of the formats.
    """
    source = sequence.skeleton
    patterns, which = sequence.valid.unique(dim=0, return_inverse=True)
    parts = [
        converted(_rows(sequence, which == i), bridge.conversion(source, target, seen))
        for i, seen in enumerate(patterns.tolist())
    ]
    if not parts:
        return converted(sequence, bridge.conversion(source, target))
    back = which.argsort(stable=True).argsort()
    joined = {
        name: torch.cat([getattr(part, name) for part in parts])[back]
        for name in ("joints_world", "valid", "spread")
        if getattr(parts[0], name) is not None
    }
    return replace(sequence, skeleton=target, **joined)


def _rows(sequence: PoseSequence, chosen: Bool[Tensor, "t"]) -> PoseSequence:
    """Some frames."""
    names = ("joints_world", "valid", "frames", "spread")
    tensors = {name: getattr(sequence, name) for name in names}
    return replace(sequence, **{k: v[chosen] for k, v in tensors.items() if v is not None})


def _spread(
    given: Float[Tensor, "t j"] | None, there: Conversion, like: Tensor
) -> Float[Tensor, "t k"] | None:
    """What the sources' spread and the conversion's own error make together, metres."""
    own = there.residual_m
    if own is None or own.isnan().any():
        return None if given is None else given @ there.weights.abs().to(given).T
    if given is None:
        return own.float().expand(like.shape).clone()
    bound = given @ there.weights.abs().to(given).T
    return torch.hypot(bound, own.to(bound).expand_as(bound))


def convert_keypoints(sequence: KeypointSequence, skeleton: str | Skeleton) -> KeypointSequence:
    """The same 2D keypoints in another format, by rules; what the source lacks has ``valid`` False.

    Raises:
        KeyError: No format has this name.
    """
    target = find_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
    there = conversion(sequence.skeleton, target)
    points, valid = there.apply(sequence.keypoints_px, sequence.valid)
    confidence, _ = there.apply(sequence.confidence.unsqueeze(-1), sequence.valid)
    return replace(
        sequence,
        skeleton=target,
        keypoints_px=points,
        valid=valid,
        confidence=confidence.squeeze(-1).clamp(0.0, 1.0) * valid,
    )
