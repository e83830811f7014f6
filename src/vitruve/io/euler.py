"""Euler angles of motion files. Angles in radians; R = R_first R_second R_third, moving axes."""

import numpy as np
from jaxtyping import Float64


def axis_rotation(axis: int, angle: Float64[np.ndarray, "*b"]) -> Float64[np.ndarray, "*b 3 3"]:
    """Rotation about x (0), y (1) or z (2)."""
    cos, sin = np.cos(angle), np.sin(angle)
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    rotation = np.zeros((*np.shape(angle), 3, 3))
    rotation[..., axis, axis] = 1.0
    rotation[..., i, i] = rotation[..., j, j] = cos
    rotation[..., i, j], rotation[..., j, i] = -sin, sin
    return rotation


def to_zxy(rotations: Float64[np.ndarray, "t j 3 3"]) -> Float64[np.ndarray, "t j 3"]:
    """Angles about z, x, y, in this order, that never jump while the rotation does not.

    Of the two triples that give one rotation, each frame takes the one nearer to the last frame's,
    with whole turns added.
    """
    r = rotations
    x = np.arctan2(r[..., 2, 1], np.hypot(r[..., 0, 1], r[..., 1, 1]))
    locked = np.hypot(r[..., 0, 1], r[..., 1, 1]) < 1e-9
    z = np.where(
        locked, np.arctan2(r[..., 1, 0], r[..., 0, 0]), np.arctan2(-r[..., 0, 1], r[..., 1, 1])
    )
    y = np.where(locked, 0.0, np.arctan2(-r[..., 2, 0], r[..., 2, 2]))
    angles = np.stack([z, x, y], axis=-1)
    other = np.stack([z + np.pi, np.pi - x, y + np.pi], axis=-1)
    for t in range(1, len(angles)):
        last = angles[t - 1]
        near = [a - np.round((a - last) / (2 * np.pi)) * 2 * np.pi for a in (angles[t], other[t])]
        first, second = (np.abs(a - last).sum(-1, keepdims=True) for a in near)
        angles[t] = np.where(second < first - 1e-9, near[1], near[0])
    return angles
