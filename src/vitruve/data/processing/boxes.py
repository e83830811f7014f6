"""The box around a person of an example, and what of it is in the picture.

A box is left, top, right, bottom, pixels. Axes: j joints.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float

from vitruve.data.datasets.examples import PictureExample

MARGIN = 0.1
"""Room around the joints on every side, as a share of the larger side: joints lie inside a body."""
MIN_DEPTH_M = 0.1
"""Joints nearer than this are not seen."""


def keypoints_of(
    example: PictureExample,
) -> tuple[Float[np.ndarray, "j 2"], Bool[np.ndarray, "j"]]:
    """Where an example's joints are in its picture, pixels, and which are before the camera.

    Raises:
        ValueError: It has no joints at all.
    """
    if example.joints_cam is not None and example.camera is not None:
        points = example.camera.project(torch.from_numpy(example.joints_cam).float()).numpy()
        return points.astype(np.float64), example.valid & (example.joints_cam[:, 2] > MIN_DEPTH_M)
    if example.keypoints_px is None:
        raise ValueError(f"{example.name} has neither 3D nor 2D joints")
    return example.keypoints_px, example.valid


def is_inside(
    points: Float[np.ndarray, "j 2"], box: Float[np.ndarray, "4"]
) -> Bool[np.ndarray, "j"]:
    """Which points lie in a box."""
    return np.asarray(((points >= box[:2]) & (points <= box[2:])).all(-1))


def example_box_px(
    example: PictureExample,
    points: Float[np.ndarray, "j 2"],
    seen: Bool[np.ndarray, "j"],
    size_px: tuple[int, int] | None,
) -> Float[np.ndarray, "4"] | None:
    """The release's box, or one around the joints, as far as it is in the picture.

    Returns:
        None where nothing of it is.
    """
    box = example.box_px
    if box is None:
        if not seen.any():
            return None
        box = joints_box_px(points[seen])
    if size_px is not None:
        box = np.clip(box, 0, [*size_px, *size_px])
    return box if (box[2:] > box[:2]).all() else None


def joints_box_px(points: Float[np.ndarray, "j 2"]) -> Float[np.ndarray, "4"]:
    """A box around joints, with room for the body that they lie in.

    Far outside a picture projections say little: what its border cuts off needs no room.
    """
    first, last = points.min(0), points.max(0)
    room = MARGIN * float((last - first).max())
    return np.concatenate([first - room, last + room])
