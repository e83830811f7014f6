import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitruve.pipeline.image_warp import Square, cut_square


def _literal(image, square, n, replicate):
    """The same rule, one pixel and one neighbour at a time."""
    height, width, _ = image.shape
    step = square.side / n
    cos, sin = step * math.cos(square.angle), step * math.sin(square.angle)
    out = np.zeros((n, n, 3), np.uint8)
    for row in range(n):
        for column in range(n):
            u, v = column - n / 2, row - n / 2
            x = int(np.rint(32 * (square.x + cos * u - sin * v)))
            y = int(np.rint(32 * (square.y + cos * v + sin * u)))
            total = np.zeros(3, int)
            for dy in (0, 1):
                for dx in (0, 1):
                    weight = (x % 32 if dx else 32 - x % 32) * (y % 32 if dy else 32 - y % 32)
                    xi, yi = x // 32 + dx, y // 32 + dy
                    if 0 <= xi < width and 0 <= yi < height:
                        total += weight * image[yi, xi].astype(int)
                    elif replicate:
                        inside = image[min(max(yi, 0), height - 1), min(max(xi, 0), width - 1)]
                        total += weight * inside.astype(int)
            out[row, column] = (total + 512) >> 10
    return out


@settings(deadline=None, max_examples=25)
@given(
    x=st.floats(-5, 20),
    y=st.floats(-5, 20),
    side=st.floats(1, 40),
    angle=st.floats(-4, 4),
    replicate=st.booleans(),
)
def test_pixels_equal_a_literal_loop(x, y, side, angle, replicate):
    image = np.random.default_rng(0).integers(0, 256, (13, 11, 3), dtype=np.uint8)
    square = Square(x, y, side, angle)
    found = cut_square(image, square, 9, replicate=replicate)
    np.testing.assert_array_equal(found, _literal(image, square, 9, replicate))


def test_identity_cut_returns_the_picture():
    image = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        cut_square(image, Square(4.0, 4.0, 8.0), 8, replicate=False), image
    )


def test_a_transposed_view_is_read_right():
    image = np.random.default_rng(2).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    view = image.transpose(1, 0, 2)
    np.testing.assert_array_equal(cut_square(view, Square(4.0, 4.0, 8.0), 8, replicate=False), view)


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.0])
def test_to_image_agrees_with_the_cut(angle):
    square = Square(100.0, 80.0, 40.0, angle)
    corner = square.to_image(np.array([[0.0, 0.0]]))[0]
    assert np.hypot(*(corner - (100, 80))) == pytest.approx(20 * math.sqrt(2))
    right = square.to_image(np.array([[1.0, 0.5]]))[0]
    np.testing.assert_allclose(right, (100 + 20 * math.cos(angle), 80 + 20 * math.sin(angle)))
