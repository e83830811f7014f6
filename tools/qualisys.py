"""The four calibrated views of Pose2Sim's single-person demo, and what they see together.

Axes: v views, t frames, k keypoints. World z up, metres.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation
from torch import Tensor

from vitruve.geometry.camera_file import load_cameras
from vitruve.geometry.triangulation import triangulate
from vitruve.pipeline.detect import DetectConfig, detect
from vitruve.poses import KeypointSequence

VIEWS = ("cam01", "cam02", "cam03", "cam04")
SCALED_VIEWS = 2
"""The first two clips are the calibrated picture scaled by 1080/1088, a little taller than it."""
ROUNDS = 20
OUTLIER_PX = 15.0


def read_rig(calibration: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intrinsics (v 3 3), world-to-camera rotations (v 3 3) and centres (v 3), metres.

    Raises:
        ValueError: It is no calibration of placed cameras.
    """
    cameras = list(load_cameras(calibration).values())
    places = [camera.T_world_cam for camera in cameras if camera.T_world_cam is not None]
    if len(places) < len(cameras):
        raise ValueError(f"{calibration} does not say where its cameras stand")
    T = torch.stack(places).double().numpy()
    intrinsics = torch.stack([camera.intrinsics for camera in cameras]).double().numpy()
    return intrinsics, T[:, :3, :3].transpose(0, 2, 1), T[:, :3, 3]


def detections(clips: Sequence[Path]) -> list[KeypointSequence]:
    """What our own detector sees of the person in each clip."""
    with tempfile.TemporaryDirectory() as out:
        found = [detect(c, Path(out) / f"{c.stem}.npz", DetectConfig(max_persons=1)) for c in clips]
    return [people[0] for people in found]


def calibrated_px(points_px: Tensor, view: int) -> Tensor:
    """Pixels of a clip in the picture its calibration was made for."""
    points = points_px.double()
    if view >= SCALED_VIEWS:
        return points
    return points * (1088 / 1080) - torch.tensor([0.0, 7.11])


def projections(intrinsics: np.ndarray, rotations: np.ndarray, centres: np.ndarray) -> Tensor:
    """Projection matrices (v 3 4)."""
    offset = -np.einsum("vij,vj->vi", rotations, centres)[..., None]
    return torch.tensor(intrinsics @ np.concatenate([rotations, offset], axis=-1))


def refined(
    rig: tuple[np.ndarray, np.ndarray, np.ndarray], points_px: Tensor, weights: Tensor
) -> tuple[np.ndarray, Tensor, float]:
    """Turn each camera by what the keypoints say; the published rig is off by about a degree.

    Returns:
        Rotations (v 3 3), triangulated points (t k 3) and the median reprojection error, pixels.
    """
    K, R, C = rig
    R = R.copy()
    points, error = torch.zeros(0), torch.zeros(0)
    for _ in range(ROUNDS):
        P = projections(K, R, C)
        trust = weights
        for _ in range(4):
            points, _ = triangulate(points_px, P, trust)
            error = (_seen(points, P) - points_px).norm(dim=-1)
            trust = weights * (OUTLIER_PX / error.clamp(min=OUTLIER_PX))
        for v in range(len(R)):
            R[v] = _turned(K[v], R[v], points.numpy() - C[v], points_px[v].numpy())
    return R, points, float(error.median())


def _seen(points: Tensor, P: Tensor) -> Tensor:
    homogeneous = torch.einsum("vij,tkj->vtki", P[:, :, :3], points) + P[:, None, None, :, 3]
    return homogeneous[..., :2] / homogeneous[..., 2:]


def _turned(K: np.ndarray, R: np.ndarray, rays: np.ndarray, seen: np.ndarray) -> np.ndarray:
    def residual(turn: np.ndarray) -> np.ndarray:
        cam = rays @ (Rotation.from_rotvec(turn).as_matrix() @ R).T @ K.T
        return (cam[..., :2] / cam[..., 2:] - seen).ravel()

    found = least_squares(residual, np.zeros(3), loss="soft_l1", f_scale=10.0)
    return Rotation.from_rotvec(found.x).as_matrix() @ R
