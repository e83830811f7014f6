"""A walking person in 2D, and detectors that need no models."""

import numpy as np
import torch

from vitruve.pipeline.detection import Detection
from vitruve.poses import KeypointSequence
from vitruve.skeletons import skeleton

NUM_FRAMES = 12
SIZE_PX = (640, 480)
FOCAL_PX = 554.0
"""That of 60 degrees over 640 pixels."""
_SIDE_M = {
    # away from the middle, down
    "pelvis": (0.0, 0.0), "spine": (0.0, -0.2), "thorax": (0.0, -0.45),
    "neck_base_or_nose": (0.0, -0.5), "head_top": (0.0, -0.72), "hip": (0.1, 0.0),
    "knee": (0.12, 0.42), "ankle": (0.13, 0.83), "shoulder": (0.17, -0.43),
    "elbow": (0.24, -0.18), "wrist": (0.27, 0.05), "nose": (0.0, -0.6), "eye": (0.03, -0.63),
    "ear": (0.07, -0.6),
}  # fmt: skip
"""A standing person who faces the camera, relative to the pelvis, metres."""


def body(name):
    """Joints (j 3) of the person in a skeleton, camera axes, metres, relative to the pelvis."""
    rows = []
    for joint in skeleton(name).names:
        side = -1 if joint.startswith("right_") else 1
        x, y = _SIDE_M[joint.removeprefix("left_").removeprefix("right_")]
        rows.append((side * x, y, 0.0))
    return torch.tensor(rows)


def walk(num_frames=NUM_FRAMES, person=0):
    """The person four metres away, going to the right; each person starts elsewhere."""
    place = torch.tensor([0.03, 0.0, 0.0]) * torch.arange(num_frames)[:, None, None]
    joints = body("coco_17") + place + torch.tensor([0.5 * person - 0.5, 0.0, 4.0])
    points = joints[..., :2] / joints[..., 2:] * FOCAL_PX + torch.tensor(SIZE_PX) / 2
    seen = torch.ones(points.shape[:2])
    frames = torch.arange(num_frames)
    joint_set = skeleton("coco_17")
    return KeypointSequence(joint_set, points, seen > 0, seen, frames, 25.0, SIZE_PX, person)


class Everyone:
    """Sees the same walk in any picture."""

    skeleton = "coco_17"
    model = "everyone"

    def __init__(self):
        self.frame = 0
        self.walk = walk(40).keypoints_px.numpy() / 10

    def detect(self, image):
        self.frame += 1
        return [Detection(self.walk[self.frame], np.full(17, 0.8, np.float32))]

    def state(self):
        return {"frame": np.array(self.frame)}

    def restore(self, state):
        self.frame = int(state["frame"])


class Nobody(Everyone):
    def detect(self, image):
        return []
