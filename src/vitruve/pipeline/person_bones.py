"""Where people are in pictures, as our own detector finds them: their bones, and boxes around them.

A box is left, top, right, bottom, pixels. Axes: k keypoints, n bones.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from vitruve.data.own.clips import named_frames
from vitruve.pipeline.blazepose import BlazePose, BlazePoseConfig
from vitruve.pipeline.detection import Detection, Detector
from vitruve.skeletons import Skeleton, skeleton

MARGIN = 0.08
"""Room around the outermost joints, as a share of the larger side: crown, soles and fingers."""
SEEN = 0.3
"""Least confidence of a joint that counts."""
_LEAST_JOINTS = 4


def find_bones(
    source: Path, detector: Detector | None = None
) -> dict[str, Float[np.ndarray, "n 2 2"]]:
    """Bones of the most prominent person of each picture that shows one, by the picture's name.

    Args:
        source: A video, a folder of pictures or a picture.
        detector: Of people; ours if None, which searches every picture anew, for they need not
            follow each other.

    Returns:
        Lines between joints that are seen, pixels.

    Raises:
        FileNotFoundError: There is no such source, or the detector's models cannot be had.
        FileError: It holds no pictures, or one is damaged.
    """
    detector = detector or BlazePose(BlazePoseConfig(max_persons=1, static=True))
    joints, found = skeleton(detector.skeleton), {}
    for name, image in named_frames(source):
        for person in detector.detect(image)[:1]:
            bones = bones_of(person, joints)
            if len(bones) >= _LEAST_JOINTS:
                found[name] = bones
    return found


def bones_of(person: Detection, joints: Skeleton) -> Float[np.ndarray, "n 2 2"]:
    """Lines between a person's joints, as far as both ends are seen."""
    points, seen = person.keypoints_px.astype(np.float64), person.confidence > SEEN
    lines = [(points[a], points[b]) for a, b in joints.edges if seen[a] and seen[b]]
    return np.array(lines).reshape(-1, 2, 2)


def box_around(person: Detection) -> Float[np.ndarray, "4"] | None:
    """The box of a detected person; None where hardly a joint was seen."""
    points = person.keypoints_px[person.confidence > SEEN].astype(np.float64)
    if len(points) < _LEAST_JOINTS:
        return None
    low, high = points.min(0), points.max(0)
    room = MARGIN * float((high - low).max())
    return np.concatenate([low - room, high + room])
