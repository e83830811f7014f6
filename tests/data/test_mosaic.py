import numpy as np
import pytest

from vitruve.data.processing.mosaic import demosaic


def mosaic(image, pattern):
    raw = np.empty(image.shape[:2], np.uint8)
    for at, colour in enumerate(pattern):
        rows, columns = slice(at // 2, None, 2), slice(at % 2, None, 2)
        raw[rows, columns] = image[rows, columns, "rgb".index(colour)]
    return raw


@pytest.mark.parametrize("pattern", ["grbg", "rggb", "bggr", "gbrg"])
def test_a_slope_in_each_colour_comes_back(pattern):
    y, x = np.mgrid[:20, :30]
    image = np.stack([4 * x, 2 * y + 3 * x, 200 - 5 * y], axis=-1).astype(np.uint8)
    found = demosaic(mosaic(image, pattern), pattern)
    inside = slice(2, -2), slice(2, -2)
    assert np.abs(found[inside].astype(int) - image[inside]).max() <= 1
    assert np.abs(found.astype(int) - image).max() <= 5


def test_what_was_seen_stays():
    image = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    raw = mosaic(image, "grbg")
    assert (mosaic(demosaic(raw, "grbg"), "grbg") == raw).all()
