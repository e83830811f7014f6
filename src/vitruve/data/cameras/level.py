"""World frames for recordings that tell only what a camera saw, not where it stood.

The camera is taken as level, at the height at which the lowest joint of the clip touches the floor:
the joints in the camera's axes come back exactly, gravity and a moving camera's motion do not.

Axes: t frames, j joints. World z up with the floor at 0; metres.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

R_WORLD_CAM = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0))
"""Camera axes (x right, y down, z forward) to a world whose y runs along the line of sight."""


def level_world(
    joints_cam: Float[np.ndarray, "t j 3"], valid: Bool[np.ndarray, "t j"]
) -> tuple[Float32[np.ndarray, "t j 3"], Float[Tensor, "4 4"]]:
    """Joints in the world of a level camera, and that camera's ``T_world_cam``."""
    joints = joints_cam @ np.array(R_WORLD_CAM).T
    T_world_cam = torch.eye(4)
    T_world_cam[:3, :3] = torch.tensor(R_WORLD_CAM)
    if valid.any():
        T_world_cam[2, 3] = float(-joints[valid][:, 2].min())
        joints[..., 2] += T_world_cam[2, 3].item()
    joints[~valid] = 0.0
    return joints.astype(np.float32), T_world_cam


def fit_intrinsics(
    points_px: Float[np.ndarray, "n 2"], joints_cam: Float[np.ndarray, "n 3"]
) -> Float[Tensor, "3 3"]:
    """Pinhole camera matrix that takes camera-frame points to their pixels, by least squares.

    Raises:
        ValueError: The points do not tell, or stand behind the camera.
    """
    if not (joints_cam[:, 2] > 0).all():
        raise ValueError("joints stand behind the camera; they must be absolute, not root-relative")
    intrinsics = torch.eye(3)
    for axis in range(2):
        slope = joints_cam[:, axis] / joints_cam[:, 2]
        system = np.stack([slope, np.ones_like(slope)], axis=1)
        solution, _, rank, _ = np.linalg.lstsq(system, points_px[:, axis], rcond=None)
        if rank < 2:
            raise ValueError(
                f"the camera's focal length does not follow from {len(points_px)} points on one ray"
            )
        intrinsics[axis, axis], intrinsics[axis, 2] = map(float, solution)
    return intrinsics
