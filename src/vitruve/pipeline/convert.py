"""Change the skeleton of a motion.

Axes: t frames, j joints of the source, k joints of the target.
"""

from dataclasses import replace

from vitruve.poses import KeypointSequence, PoseSequence
from vitruve.skeletons import Conversion, Skeleton, conversion
from vitruve.skeletons import skeleton as find_skeleton


def convert(sequence: PoseSequence, skeleton: str | Skeleton) -> PoseSequence:
    """The same motion in another skeleton format.

    A joint that the source says nothing about stays in the result with ``valid`` False. The spread
    of a combined joint is the weighted sum of its sources' spreads: a bound, as errors may agree.

    Raises:
        KeyError: No format has this name.
    """
    target = find_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
    return converted(sequence, conversion(sequence.skeleton, target))


def converted(sequence: PoseSequence, bridge: Conversion) -> PoseSequence:
    """Apply a conversion to a motion."""
    joints, valid = bridge.apply(sequence.joints_world, sequence.valid)
    spread = sequence.spread
    if spread is not None:
        spread = spread @ bridge.weights.abs().to(spread).T
    return replace(
        sequence, skeleton=bridge.target, joints_world=joints, valid=valid, spread=spread
    )


def convert_keypoints(sequence: KeypointSequence, skeleton: str | Skeleton) -> KeypointSequence:
    """The same 2D keypoints in another format; what the source lacks has ``valid`` False.

    Raises:
        KeyError: No format has this name.
    """
    target = find_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
    bridge = conversion(sequence.skeleton, target)
    points, valid = bridge.apply(sequence.keypoints_px, sequence.valid)
    confidence, _ = bridge.apply(sequence.confidence.unsqueeze(-1), sequence.valid)
    return replace(
        sequence,
        skeleton=target,
        keypoints_px=points,
        valid=valid,
        confidence=confidence.squeeze(-1).clamp(0.0, 1.0) * valid,
    )
