"""Which face each pixel shows: a z-buffer in plain torch, for any pinhole, on any device.

Axes: b pictures, v vertices, f faces, n candidate pixels of some faces. Pixel centres at .5; depth
is z of the camera frame, metres. Arithmetic is in float64, so that `raster_warp` finds the same.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.geometry.projection import project

NEAREST_M = 0.05
"""Faces that reach nearer than this, or behind the camera, are left out whole."""
FARTHEST_M = 100.0
EMPTY = torch.iinfo(torch.int64).max
"""Key of a pixel that shows no face."""
FACE_BITS = 32
DEPTH_STEPS = 2.0**31 - 1
"""Steps between depth 0 and ``FARTHEST_M``: one is 0.05 micrometres."""
INSIDE = -1e-9
"""Least weight of a pixel that a face covers; below 0, so that no edge leaves a crack."""
LEAST_AREA_PX = 1e-12
"""Twice the area below which a face is seen from its side and shows nothing."""
_CANDIDATES = 2_000_000


def project_vertices(
    vertices_cam: Float[Tensor, "b v 3"], intrinsics: Float[Tensor, "b 3 3"]
) -> Float[Tensor, "b v 3"]:
    """Pixel x, pixel y and depth of every vertex, float64."""
    vertices_cam = vertices_cam.double()
    return torch.cat([project(vertices_cam, intrinsics.double()), vertices_cam[..., 2:]], dim=-1)


def zbuffer(
    vertices_px: Float[Tensor, "b v 3"], faces: Int64[Tensor, "f 3"], size_px: tuple[int, int]
) -> Int64[Tensor, "b pixels"]:
    """The key of what each pixel shows: quantised depth above, face number below.

    The least key wins, so the answer does not depend on the order of the work.

    Args:
        vertices_px: What `project_vertices` gives.
        faces: Vertex numbers of each triangle, of either winding.
        size_px: Width, height.

    Returns:
        One key for each pixel, row by row; ``EMPTY`` where there is no face.
    """
    width, height = size_px
    corners = vertices_px[:, faces].flatten(0, 1)
    low, high = _bounds(corners, size_px)
    extent = high - low + 1
    area = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    drawn = (extent > 0).all(-1) & (corners[..., 2].amin(-1) >= NEAREST_M)
    drawn &= area.abs() >= LEAST_AREA_PX
    drawn = drawn.nonzero()[:, 0]
    keys = torch.full((len(vertices_px) * height * width,), EMPTY, device=faces.device)
    side = extent[drawn].amax(-1)
    # Faces of like size share one square of candidate pixels: sides 1, 2, 4, ...
    least, most = 0, 1
    while least < int(side.max() if len(drawn) else 0):
        alike = drawn[(side > least) & (side <= most)]
        for some in alike.split(max(1, _CANDIDATES // most**2)):
            pixel, key = _candidates(corners[some], low[some], high[some], most)
            key = torch.where(key == EMPTY, key, key | (some % len(faces))[:, None])
            start = (some // len(faces))[:, None] * (height * width)
            flat = start + pixel[..., 1] * width + pixel[..., 0]
            covered = key != EMPTY
            keys.scatter_reduce_(0, flat[covered], key[covered], "amin")
        least, most = most, 2 * most
    return keys.view(len(vertices_px), height * width)


def _bounds(
    corners: Float[Tensor, "bf 3 3"], size_px: tuple[int, int]
) -> tuple[Int64[Tensor, "bf 2"], Int64[Tensor, "bf 2"]]:
    """First and last column and row whose centres lie within each face's box and the picture."""
    last = corners.new_tensor(size_px) - 1
    low = torch.ceil(corners[..., :2].amin(1) - 0.5).clamp(min=0)
    high = torch.minimum(torch.floor(corners[..., :2].amax(1) - 0.5), last)
    # Far outside is as good as just outside, and fits an integer.
    return torch.minimum(low, last + 1).long(), high.clamp(min=-1).long()


def _candidates(
    corners: Float[Tensor, "n 3 3"],
    low: Int64[Tensor, "n 2"],
    high: Int64[Tensor, "n 2"],
    side: int,
) -> tuple[Int64[Tensor, "n square 2"], Int64[Tensor, "n square"]]:
    """Pixels of each face's square, and their keys without the face number."""
    step = torch.arange(side, device=low.device)
    square = torch.cartesian_prod(step, step).view(-1, 2).flip(-1)
    pixel = low[:, None] + square
    weights = _face_weights(corners[:, None], pixel + 0.5)
    depth = 1.0 / (weights / corners[:, None, :, 2]).sum(-1)
    covered = (weights >= INSIDE).all(-1) & (pixel <= high[:, None]).all(-1)
    covered &= (depth < FARTHEST_M) & (depth > 0)
    step_number = (depth.clamp(0, FARTHEST_M) / FARTHEST_M * DEPTH_STEPS).long()
    return pixel, torch.where(covered, step_number << FACE_BITS, EMPTY)


def _face_weights(
    corners: Float[Tensor, "*#b 3 c"], points_px: Float[Tensor, "*#b 2"]
) -> Float[Tensor, "*b 3"]:
    """Barycentric weights of points in the picture; beyond 0 to 1 outside the face."""
    a, b, c = corners[..., :2].unbind(-2)
    area = _cross(b - a, c - a)
    first = _cross(b - points_px, c - points_px) / area
    second = _cross(c - points_px, a - points_px) / area
    return torch.stack([first, second, 1.0 - first - second], dim=-1)


def _cross(a: Float[Tensor, "*#b c"], b: Float[Tensor, "*#b c"]) -> Float[Tensor, "*b"]:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
