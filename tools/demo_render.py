"""A small z-buffer renderer for the demo clip: one lit body, a tiled floor, a wall, soft shadows.

Deterministic, NumPy only. Axes: v vertices, f faces, c candidate pixels, y x pixels.
World frame z up; pixel centres at .5; pictures are rendered at twice the size and averaged.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

SUPERSAMPLING = 2
LIGHT = np.array([-0.42, -0.55, 1.0]) / np.linalg.norm([-0.42, -0.55, 1.0])
"""Towards the main light."""
FILL = np.array([0.8, -0.6, 0.25]) / np.linalg.norm([0.8, -0.6, 0.25])
AMBIENT, MAIN, SECOND = 0.42, 0.62, 0.16
WALL_Y = 2.6
"""Where the wall stands, metres behind the origin."""
TILE = 0.6
FLOOR_COLOUR = np.array([0.70, 0.66, 0.60])
WALL_COLOUR = np.array([0.78, 0.80, 0.80])
SKIRTING, SKIRTING_COLOUR = 0.09, np.array([0.93, 0.93, 0.92])


@dataclass(frozen=True)
class View:
    """A pinhole camera without distortion."""

    intrinsics: np.ndarray
    """(3, 3) pixels."""
    T_world_cam: np.ndarray
    """(4, 4)."""
    size: tuple[int, int]
    """Width, height, pixels."""

    def enlarged(self, factor: int) -> "View":
        """The same view with more pixels."""
        scaled = np.diag([factor, factor, 1.0]) @ self.intrinsics
        return View(scaled, self.T_world_cam, (self.size[0] * factor, self.size[1] * factor))

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixels (v, 2) and depths (v,) of world points."""
        local = (points - self.T_world_cam[:3, 3]) @ self.T_world_cam[:3, :3]
        homogeneous = local @ self.intrinsics.T
        return homogeneous[:, :2] / homogeneous[:, 2:], local[:, 2]


def rasterise(
    pixels: np.ndarray, depth: np.ndarray, faces: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which face each covered pixel shows: flat pixel indices, faces, barycentric weights.

    Every pixel of every face's bounding box is a candidate; the nearest that is inside wins, the
    lower face index where two are equally near.
    """
    width, height = size
    corners = pixels[faces]
    low = np.clip(np.ceil(corners.min(1) - 0.5), 0, None).astype(np.int64)
    high = np.minimum(np.floor(corners.max(1) - 0.5), (width - 1, height - 1)).astype(np.int64)
    extent = np.clip(high - low + 1, 0, None)
    counts = extent.prod(1)
    face = np.repeat(np.arange(len(faces)), counts)
    within = np.arange(len(face)) - np.repeat(np.cumsum(counts) - counts, counts)
    x = low[face, 0] + within % extent[face, 0]
    y = low[face, 1] + within // extent[face, 0]
    weights, inside = _barycentric(corners[face], np.stack([x, y], -1) + 0.5)
    # What is linear in the picture is the weight over depth, not the weight.
    weights = weights / depth[faces[face]]
    near = 1.0 / np.where(inside, weights.sum(1), np.inf)
    face, flat, near = face[inside], (y * width + x)[inside], 1.0 / weights[inside].sum(1)
    order = np.lexsort((face, near, flat))
    first = np.concatenate([[True], np.diff(flat[order]) > 0])
    chosen = order[first]
    return flat[chosen], face[chosen], weights[inside][chosen] * near[chosen, None]


def _barycentric(corners: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (c, 3) of points in their triangles, and which points are inside."""
    a, b, d = corners[:, 0] - points, corners[:, 1] - points, corners[:, 2] - points
    areas = np.stack([_cross(b, d), _cross(d, a), _cross(a, b)], -1)
    total = areas.sum(1)
    inside = (np.sign(total)[:, None] * areas >= 0).all(1) & (np.abs(total) > 1e-9)
    return areas / np.where(inside, total, 1.0)[:, None], inside


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


class Studio:
    """The empty room seen by a camera; draws bodies into it."""

    def __init__(self, view: View) -> None:
        self._view = view.enlarged(SUPERSAMPLING)
        self._room, self._floor = _draw_room(self._view)

    def draw(self, vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray) -> np.ndarray:
        """One picture (y, x, 3), 8 bit RGB."""
        picture = self._room * (1 - self._shadow(vertices, faces))[..., None]
        flat, face, weights = rasterise(*self._view.project(vertices), faces, self._view.size)
        corners = faces[face]
        normals = (vertex_normals(vertices, faces)[corners] * weights[..., None]).sum(1)
        colour = (colours[corners] * weights[..., None]).sum(1)
        picture.reshape(-1, 3)[flat] = colour * _lit(normals)[:, None]
        height, width, _ = picture.shape
        blocks = (height // SUPERSAMPLING, SUPERSAMPLING, width // SUPERSAMPLING, SUPERSAMPLING, 3)
        pooled = picture.reshape(blocks)
        return (255 * np.clip(pooled.mean((1, 3)), 0, 1) + 0.5).astype(np.uint8)

    def _shadow(self, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
        """How much of the light is missing at each pixel of the floor, 0 to 1."""
        cast = vertices - vertices[:, 2:] / LIGHT[2] * LIGHT
        soft = 0.34 * self._blurred(cast, faces, 5.0)
        low = faces[(vertices[faces][..., 2] < 0.25).all(1)]
        if len(low):
            below = vertices * (1, 1, 0)
            closeness = np.clip(1 - vertices[low][..., 2].min() / 0.25, 0, 1)
            soft = np.maximum(soft, 0.6 * closeness * self._blurred(below, low, 3.5))
        return soft * self._floor

    def _blurred(self, flat_vertices: np.ndarray, faces: np.ndarray, sigma: float) -> np.ndarray:
        width, height = self._view.size
        mask = np.zeros(height * width)
        mask[rasterise(*self._view.project(flat_vertices), faces, self._view.size)[0]] = 1
        return gaussian_filter(mask.reshape(height, width), sigma)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (v, 3), faces weighted by area."""
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(total, faces[:, corner], normal)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def _lit(normals: np.ndarray) -> np.ndarray:
    unit = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    # Wrapped main light: soft, as from a large window.
    main = np.clip((unit @ LIGHT + 0.25) / 1.25, 0, None)
    return AMBIENT + 0.1 * unit[:, 2] + MAIN * main + SECOND * np.clip(unit @ FILL, 0, None)


def _draw_room(view: View) -> tuple[np.ndarray, np.ndarray]:
    """The empty room (y, x, 3) and where the floor is (y, x)."""
    width, height = view.size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(view.intrinsics).T
    rays = rays @ view.T_world_cam[:3, :3].T
    eye = view.T_world_cam[:3, 3]
    to_wall = (WALL_Y - eye[1]) / rays[..., 1]
    on_wall = eye + to_wall[..., None] * rays
    floor = on_wall[..., 2] < 0
    with np.errstate(divide="ignore"):
        on_floor = eye + (-eye[2] / rays[..., 2])[..., None] * rays
    room = np.where(floor[..., None], _floor_colour(on_floor), _wall_colour(on_wall))
    return room, floor.astype(float)


def _floor_colour(points: np.ndarray) -> np.ndarray:
    """Square tiles of slightly differing grey with thin joints, darker towards the wall."""
    tile = np.floor(points[..., :2] / TILE)
    tint = np.modf(np.abs(np.sin(tile @ np.array([12.9898, 78.233])) * 43758.5453))[0]
    to_joint = np.abs(points[..., :2] / TILE - np.round(points[..., :2] / TILE)).min(-1) * TILE
    joint = 1 - 0.13 * np.exp(-((to_joint / 0.008) ** 2))
    far = 1 - 0.04 * np.clip(points[..., 1], -2, WALL_Y)
    return FLOOR_COLOUR * (joint * far * (0.975 + 0.05 * tint))[..., None]


def _wall_colour(points: np.ndarray) -> np.ndarray:
    light = 0.93 + 0.05 * np.tanh(points[..., 2] - 1) - 0.015 * np.abs(points[..., 0] + 0.8)
    plain = WALL_COLOUR * light[..., None]
    return np.where(points[..., 2:] < SKIRTING, SKIRTING_COLOUR, plain)
