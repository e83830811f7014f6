"""Cut a rotated square out of a picture, to the pixel as MediaPipe does.

Axes: y x pixels of the source, n pixels of the square.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8


@dataclass(frozen=True)
class Square:
    """A square region of a picture."""

    x: float
    """Centre, pixels."""
    y: float
    """Centre, pixels."""
    side: float
    """Pixels."""
    angle: float = 0.0
    """Clockwise in the picture, radians."""

    def to_image(self, points: Float[np.ndarray, "*b 2"]) -> Float[np.ndarray, "*b 2"]:
        """Move points given in units of the square (0 to 1) to picture pixels."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        rotation = np.array([[cos, sin], [-sin, cos]])
        return (points - 0.5) @ rotation * self.side + (self.x, self.y)


def cut_square(
    image: UInt8[np.ndarray, "y x 3"], square: Square, n: int, *, replicate: bool
) -> UInt8[np.ndarray, "n n 3"]:
    """Sample ``square`` bilinearly into n x n pixels.

    OpenCV 3/4's ``warpPerspective`` as MediaPipe calls it: the corners map to (0, 0) and (n, n),
    integers are pixel positions (no half-pixel shift), there is no anti-aliasing, and positions
    are rounded to 1/32 pixel. The models were measured with these pixels, so they are kept.

    Args:
        image: RGB.
        square: What to cut.
        n: Side of the result.
        replicate: Outside the picture repeat its border; otherwise black.
    """
    height, width, _ = image.shape
    left, right, along_x = _axis_taps(*_positions(square, n, axis=0), width, replicate)
    top, bottom, along_y = _axis_taps(*_positions(square, n, axis=1), height, replicate)
    corners = [y * (3 * width) + x * 3 for y in (top, bottom) for x in (left, right)]
    (left_w, right_w), (top_w, bottom_w) = along_x, [w.astype(np.uint32) for w in along_y]
    flat = np.ascontiguousarray(image).reshape(-1)
    out = np.empty((n, n, 3), np.uint8)
    for channel in range(3):
        plane = flat[channel:]
        upper = plane[corners[0]] * left_w
        upper += plane[corners[1]] * right_w
        lower = plane[corners[2]] * left_w
        lower += plane[corners[3]] * right_w
        total = upper * top_w
        total += lower * bottom_w
        total += np.uint32(512)
        total >>= np.uint32(10)
        out[..., channel] = total
    return out


def _positions(square: Square, n: int, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Whole pixel and 1/32 fraction of each sample along one picture axis."""
    cos = square.side / n * np.cos(square.angle)
    sin = square.side / n * np.sin(square.angle)
    u = np.arange(n) - n / 2.0
    if axis == 0:
        position = square.x + cos * u[None] - sin * u[:, None]
    else:
        position = square.y + cos * u[:, None] + sin * u[None]
    fixed = np.rint(32 * position).astype(np.intp)
    return fixed >> 5, (fixed & 31).astype(np.uint16)


def _axis_taps(
    first: np.ndarray, fraction: np.ndarray, size: int, replicate: bool
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Both neighbours' indices along one axis, inside the picture, and their weights of 32."""
    second = first + 1
    weights = (np.uint16(32) - fraction, fraction)
    if not replicate:
        inside = [(i >= 0) & (i < size) for i in (first, second)]
        weights = (weights[0] * inside[0], weights[1] * inside[1])
    return np.clip(first, 0, size - 1), np.clip(second, 0, size - 1), weights
