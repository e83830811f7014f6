import numpy as np
import pytest

from vitruve.pipeline.blazepose_decode import (
    anchor_centres,
    decode_people,
    refine_landmarks,
    roi_from_points,
    weighted_nms,
)


def _person(x, y, size=0.2):
    half = size / 2
    box = [(x - half, y - half), (x + half, y + half)]
    return np.array([*box, (x, y), (x, y - 1), (x, y + 1), (x, y + 2)])


def test_anchor_grid():
    anchors = anchor_centres()
    assert anchors.shape == (28 * 28 * 2 + 14 * 14 * 2 + 7 * 7 * 6, 2)
    np.testing.assert_allclose(anchors[:4] * 224, [(4, 4), (4, 4), (12, 4), (12, 4)])
    np.testing.assert_allclose(anchors[1568] * 224, (8, 8))
    np.testing.assert_allclose(anchors[-1] * 224, (208, 208))


def test_decoding_adds_the_anchor_and_drops_the_unsure():
    raw = np.zeros((3, 12), np.float32)
    raw[:, :6] = (11.2, 22.4, 44.8, 44.8, 2.24, -2.24)
    raw[2, 2] = -1
    anchors = np.array([(0.5, 0.5), (0.1, 0.1), (0.5, 0.5)])
    points, scores = decode_people(raw, np.array([200.0, -3.0, 5.0], np.float32), anchors, 0.5)
    assert points.shape == (1, 6, 2)
    np.testing.assert_allclose(points[0, 0], (0.45, 0.5), atol=1e-6)
    np.testing.assert_allclose(points[0, 1], (0.65, 0.7), atol=1e-6)
    np.testing.assert_allclose(points[0, 2], (0.51, 0.49), atol=1e-6)
    np.testing.assert_allclose(points[0, 3], (0.5, 0.5), atol=1e-6)
    assert scores[0] == pytest.approx(1.0)


def test_nms_averages_a_group_by_score_and_keeps_its_best():
    points = np.stack([_person(0.30, 0.5), _person(0.34, 0.5), _person(0.8, 0.5)])
    groups = weighted_nms(points, np.array([0.9, 0.6, 0.7]))
    assert [score for _, score in groups] == [0.9, 0.7]
    np.testing.assert_allclose(groups[0][0], (0.9 * points[0] + 0.6 * points[1]) / 1.5)
    np.testing.assert_allclose(groups[1][0], points[2])


def test_nms_of_nothing():
    assert weighted_nms(np.zeros((0, 6, 2)), np.zeros(0)) == []


@pytest.mark.parametrize(
    ("toward", "angle"), [((0, -10), 0.0), ((10, 0), np.pi / 2), ((-10, 0), -np.pi / 2)]
)
def test_square_points_at_the_scale_point(toward, angle):
    square = roi_from_points(np.array([(50.0, 60.0), (50.0 + toward[0], 60.0 + toward[1])]))
    assert (square.x, square.y, square.side) == (50, 60, pytest.approx(25))
    assert square.angle == pytest.approx(angle)


def _refine_literally(points, heatmaps):
    n, _, num = heatmaps.shape
    out = points.copy()
    for k in range(num):
        column, row = (int(v) for v in np.trunc(points[k] * n))
        if not (0 <= column < n and row >= 0):
            continue
        best = x = y = total = 0.0
        for r in range(max(row - 4, 0), min(row + 5, n)):
            for c in range(max(column - 4, 0), min(column + 5, n)):
                weight = 1 / (1 + np.exp(-float(heatmaps[r, c, k])))
                best, total = max(best, weight), total + weight
                x, y = x + weight * c, y + weight * r
        if best >= 0.5:
            out[k] = x / total / n, y / total / n
    return out


def test_refinement_equals_a_literal_loop():
    rng = np.random.default_rng(0)
    heatmaps = rng.normal(-4, 2, (64, 64, 12)).astype(np.float32)
    points = rng.uniform(-0.1, 1.2, (12, 2))
    points[:2] = (0.001, 0.999), (0.5, 1.02)
    found = refine_landmarks(points, heatmaps)
    np.testing.assert_allclose(found, _refine_literally(points, heatmaps), atol=1e-12)
    assert not np.allclose(found, points)


def test_an_unsure_heatmap_moves_nothing():
    points = np.array([(0.5, 0.5)])
    found = refine_landmarks(points, np.full((64, 64, 1), -9.0, np.float32))
    np.testing.assert_array_equal(found, points)
