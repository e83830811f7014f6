import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vitruve.geometry.projection import (
    back_project,
    distort,
    normalise_points,
    project,
    undistort,
    undistort_px,
)

K = torch.tensor([[1145.0, 0, 512.5], [0, 1143, 515.4], [0, 0, 1]], dtype=torch.float64)
TERMS = torch.tensor(
    [-0.2, 0.25, -0.0009, -0.0014, -0.006, 0.01, -0.02, 0.003, 0.0012, -0.0007, 0.0008, 0.0005],
    dtype=torch.float64,
)
POINTS = torch.tensor([[0.3, -0.4, 2.0], [-0.7, 0.5, 3.0], [0.05, 0.9, 2.5]], dtype=torch.float64)
# cv2.projectPoints of OpenCV 5.0.0 for POINTS, K and the first 5, 8 or 12 TERMS.
OPENCV = {
    5: [[682.1601055, 289.3840149], [249.0498860, 703.0713945], [534.6765390, 917.4911859]],
    8: [[682.0671888, 289.5076875], [249.2310383, 702.9422260], [534.6548626, 917.1016912]],
    12: [[682.1499329, 289.5670700], [249.3385931, 703.0212737], [534.8199372, 917.2302215]],
}


@pytest.mark.parametrize("terms", OPENCV)
def test_projection_is_opencvs(terms):
    expected = torch.tensor(OPENCV[terms], dtype=torch.float64)
    torch.testing.assert_close(project(POINTS, K, TERMS[:terms]), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("terms", OPENCV)
def test_undistort_inverts_opencv(terms):
    pixels = torch.tensor(OPENCV[terms], dtype=torch.float64)
    straight = undistort_px(pixels, K, TERMS[:terms])
    torch.testing.assert_close(straight, project(POINTS, K), rtol=0, atol=1e-6)


def test_linear_projection_is_videopose3ds():
    # VideoPose3D's project_to_2d_linear on camera 0 of Human3.6M's S1, in its -1..1 image units.
    intrinsics = torch.tensor([[2.2900989, 0, 0.025083065], [0, 2.2875624, 0.028902981], [0, 0, 1]])
    points = torch.tensor(
        [[0.29691100, -0.43679714, 5.41582584], [-0.79072136, -1.52128315, 5.59882259]]
    )
    expected = torch.tensor([[0.15063281, -0.15559348], [-0.29834747, -0.59266162]])
    torch.testing.assert_close(project(points, intrinsics), expected, rtol=0, atol=1e-6)


def test_back_projection_is_p_stmos():
    # P-STMO's uvd2xyz: image points over half the width, depths relative to a root at 5.3267527 m;
    # joints relative to the root.
    intrinsics = torch.tensor([[2.2900989, 0, 0.0250831], [0, 2.2875624, 0.0288731], [0, 0, 1]])
    points = torch.tensor(
        [[0.2442295, 0.6781783], [-0.9086731, -1.9918382], [0.0166573, 0.2057313]]
    )
    depth = 5.3267527 + torch.tensor([0.0, 0.9716230, -0.7835948])
    found = back_project(points, depth, intrinsics)
    expected = torch.tensor(
        [[-3.0778079, -7.0756059, 0.9716230], [-0.5264480, -1.1607080, -0.7835950]]
    )
    torch.testing.assert_close(found[1:] - found[:1], expected, rtol=0, atol=3e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([0, 5, 8, 12]))
def test_back_projection_inverts_projection(seed, terms):
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(2, 4, 7, 3, generator=generator, dtype=torch.float64)
    depth = 1 + 9 * uniform[..., 2]
    points = torch.cat([(uniform[..., :2] - 0.5) * depth[..., None], depth[..., None]], dim=-1)
    noise = torch.rand(12, generator=generator, dtype=torch.float64)
    distortion = (TERMS * (0.5 + noise))[:terms] if terms else None
    pixels = project(points, K, distortion)
    back = back_project(pixels, depth, K, distortion)
    torch.testing.assert_close(back, points, rtol=0, atol=1e-8)
    again = project(back, K, distortion)
    torch.testing.assert_close(again, pixels, rtol=0, atol=1e-6)


def test_float32_stays_float32_and_cameras_broadcast():
    cameras = K.float().expand(2, 1, 3, 3)
    points = POINTS.float().expand(2, 5, 3, 3)
    pixels = project(points, cameras, TERMS.float())
    assert pixels.dtype == torch.float32
    assert pixels.shape == (2, 5, 3, 2)
    normalised = normalise_points(pixels, cameras, TERMS.float())
    torch.testing.assert_close(normalised, points[..., :2] / points[..., 2:], atol=1e-6, rtol=0)


def test_gradients_of_lens_and_its_inverse():
    points = (POINTS[:, :2] / POINTS[:, 2:]).requires_grad_()
    terms = TERMS.clone().requires_grad_()
    assert torch.autograd.gradcheck(distort, (points, terms))
    assert torch.autograd.gradcheck(undistort, (points, terms))


def test_beyond_the_lens_stays_finite():
    strong = torch.tensor([-0.4, 0.0, 0, 0, 0], dtype=torch.float64)
    far = torch.tensor([[3.0, 0.0], [0.3, 0.1]], dtype=torch.float64)
    straight = undistort(far, strong)
    assert straight.isfinite().all()
    torch.testing.assert_close(distort(straight, strong)[1], far[1], rtol=0, atol=1e-9)


def test_points_behind_the_camera_stay_on_their_side():
    pixels = project(torch.tensor([[0.5, -0.5, -2.0], [0.0, 0.0, 0.0]]), K.float())
    assert pixels.isfinite().all()
    assert pixels[0, 0] > 10_000
    assert pixels[0, 1] < -10_000


def test_wrong_number_of_terms_is_named():
    with pytest.raises(ValueError, match="distortion has 4 terms"):
        project(POINTS, K, TERMS[:4])


def test_autocast_does_not_round_pixels():
    seen, points = project(POINTS.float(), K.float()), POINTS.float()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(project(points, K.float()), seen)
