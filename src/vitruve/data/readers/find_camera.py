"""The camera of a picture whose release gives points in 3D and their pixels, but no camera.

The rotation starts where parallel rays would put it, seen from a camera turned to the points, and
where they would if the points lay in a plane; then all is fitted to the pixels by least squares.

Axes: n points.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

MIN_POINTS = 6


@dataclass(frozen=True, eq=False)
class FoundCamera:
    """A pinhole camera and how well it explains the pixels."""

    K: Float[np.ndarray, "3 3"]
    R_cam_world: Float[np.ndarray, "3 3"]
    t_cam_world: Float[np.ndarray, "3"]
    error_px: float
    """Root mean squared distance of projected points from their pixels."""

    def see(self, points: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Points of the world in the camera's frame."""
        return points @ self.R_cam_world.T + self.t_cam_world


def find_camera(
    points_px: Float[np.ndarray, "n 2"],
    points: Float[np.ndarray, "n 3"],
    K: Float[np.ndarray, "3 3"],
    *,
    free_focal: bool = False,
) -> FoundCamera:
    """Where a camera stood.

    Args:
        points_px: Pixels, all known.
        points: The same points in some world, metres.
        K: Its intrinsics.
        free_focal: Take the focal length of ``K`` as a first guess only.

    Raises:
        ValueError: There are too few points, or none of the cameras that were tried sees them.
    """
    if len(points) < MIN_POINTS:
        raise ValueError(f"a camera needs {MIN_POINTS} points to be found, there are {len(points)}")
    mean = points.mean(0)
    centred, spread = points - mean, float(np.linalg.norm(points - mean, axis=1).max())
    if spread == 0:
        raise ValueError("all points are one: no camera follows from them")

    sight = _Sight(points_px, centred, K, 1e-3 * spread)
    tried = [sight.fitted(start, free_focal) for start in _starts(points_px, centred, K)]
    best = min(tried, key=lambda v: float(np.square(sight.missed(v)).sum()))
    R, shift = Rotation.from_rotvec(best[:3]).as_matrix(), best[3:6]
    if not (centred @ R[2] + shift[2] > 0).all():
        raise ValueError("no camera sees all points: they would stand behind it")
    scaled = K * np.array([[np.exp(best[6])], [np.exp(best[6])], [1.0]])
    scaled[:2, 2] = K[:2, 2]
    error = float(np.sqrt(np.square(sight.missed(best)).sum(1).mean()))
    return FoundCamera(scaled, R, shift - R @ mean, error)


@dataclass(frozen=True, eq=False)
class _Sight:
    """How a camera sees points: rotation vector, place of their mean, logarithm of its zoom."""

    points_px: Float[np.ndarray, "n 2"]
    centred: Float[np.ndarray, "n 3"]
    K: Float[np.ndarray, "3 3"]
    least_depth: float

    def missed(self, camera: Float[np.ndarray, "7"]) -> Float[np.ndarray, "n 2"]:
        """Projected points less their pixels."""
        seen = self.centred @ Rotation.from_rotvec(camera[:3]).as_matrix().T + camera[3:6]
        slopes = seen[:, :2] / np.maximum(seen[:, 2:], self.least_depth)
        focal = np.exp(camera[6]) * self.K[[0, 1], [0, 1]]
        return slopes * focal + self.K[:2, 2] - self.points_px

    def fitted(self, start: Float[np.ndarray, "7"], free_focal: bool) -> Float[np.ndarray, "7"]:
        """The nearest best camera."""
        if free_focal:
            return least_squares(lambda v: self.missed(v).ravel(), start, x_scale="jac").x
        found = least_squares(lambda v: self.missed(np.append(v, 0.0)).ravel(), start[:6])
        return np.append(found.x, 0.0)


def _starts(points_px: np.ndarray, centred: np.ndarray, K: np.ndarray) -> list[np.ndarray]:
    """First guesses, as `_Sight` has cameras."""
    rays = np.column_stack([points_px, np.ones(len(points_px))]) @ np.linalg.inv(K).T
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    aim = rays.mean(0) / np.linalg.norm(rays.mean(0))
    turn = Rotation.align_vectors([[0.0, 0.0, 1.0]], [aim])[0].as_matrix()
    ahead = rays @ turn.T
    flat = ahead[:, :2] / ahead[:, 2:]
    slopes = np.linalg.lstsq(centred, flat - flat.mean(0), rcond=None)[0].T
    u, sizes, v = np.linalg.svd(slopes, full_matrices=False)
    starts = [(_completed(u @ v), float(sizes.mean())), *_plane_starts(slopes, centred)]
    return [
        np.concatenate([Rotation.from_matrix(turn.T @ R).as_rotvec(), aim / max(size, 1e-9), [0]])
        for R, size in starts
    ]


def _plane_starts(slopes: np.ndarray, centred: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Rotations and scales if all points lay in one plane, which parallel rays see from two sides.

    Of the 2 x 2 part of a rotation that they show, the larger singular value is 1.
    """
    plane = np.linalg.svd(centred, full_matrices=False)[2]
    shown = slopes @ plane[:2].T
    size = max(float(np.linalg.norm(shown, 2)), 1e-9)
    shown = shown / size
    below = np.sqrt(np.maximum(1 - np.square(shown).sum(0), 0.0))
    if shown[:, 0] @ shown[:, 1] > 0:
        below[1] *= -1
    axes = [np.vstack([shown, sign * below]) for sign in (1.0, -1.0)]
    whole = [np.column_stack([a, np.cross(a[:, 0], a[:, 1])]) for a in axes]
    basis = np.vstack([plane[:2], np.cross(plane[0], plane[1])])
    return [(_nearest(a @ basis), size) for a in whole]


def _completed(rows: np.ndarray) -> np.ndarray:
    return np.vstack([rows, np.cross(rows[0], rows[1])])


def _nearest(matrix: np.ndarray) -> np.ndarray:
    u, _, v = np.linalg.svd(matrix)
    return u @ np.diag([1.0, 1.0, np.linalg.det(u @ v)]) @ v
