"""The z-buffer of `raster` as one Warp kernel: the same keys, many times faster, CPU or CUDA.

Warp (NVIDIA, Apache-2.0) comes with the extra ``body``. The kernel is compiled on first use and
kept in Warp's cache.
"""

import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, no_type_check

import torch
import warp as wp  # pyright: ignore[reportMissingImports] - an extra
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.bodies.raster import (
    DEPTH_STEPS,
    EMPTY,
    FACE_BITS,
    FARTHEST_M,
    INSIDE,
    LEAST_AREA_PX,
    NEAREST_M,
)


def _start_warp() -> None:
    """Start it in silence: without a GPU its library says so on stderr, whatever its log level."""
    wp.config.log_level = wp.LOG_ERROR
    if torch.cuda.is_available():
        wp.init()
        return
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            wp.init()
    finally:
        os.dup2(kept, 2)
        os.close(kept)


_start_warp()
_NEAREST = wp.constant(wp.float64(NEAREST_M))
_FARTHEST = wp.constant(wp.float64(FARTHEST_M))
_STEPS = wp.constant(wp.float64(DEPTH_STEPS))
_INSIDE = wp.constant(wp.float64(INSIDE))
_LEAST_AREA = wp.constant(wp.float64(LEAST_AREA_PX))
_FACES = wp.constant(wp.int64(2**FACE_BITS))


def zbuffer(
    vertices_px: Float[Tensor, "b v 3"], faces: Int64[Tensor, "f 3"], size_px: tuple[int, int]
) -> Int64[Tensor, "b pixels"]:
    """What `raster.zbuffer` gives."""
    width, height = size_px
    pictures = len(vertices_px)
    keys = torch.full((pictures, height * width), EMPTY, device=faces.device)
    arrays = [
        wp.from_torch(vertices_px.detach().contiguous(), dtype=wp.vec3d),
        wp.from_torch(faces.to(torch.int32).contiguous(), dtype=wp.vec3i),
        wp.from_torch(keys),
    ]
    device: Any = wp.device_from_torch(faces.device)
    with wp.ScopedStream(wp.stream_from_torch(faces.device)) if device.is_cuda else nullcontext():
        wp.launch(_draw, (pictures, len(faces)), [*arrays, width, height], device=device)
    return keys


@wp.kernel
@no_type_check
def _draw(
    vertices_px: wp.array2d(dtype=wp.vec3d),
    faces: wp.array(dtype=wp.vec3i),
    keys: wp.array2d(dtype=wp.int64),
    width: int,
    height: int,
) -> None:
    picture, number = wp.tid()
    face = faces[number]
    a = vertices_px[picture, face[0]]
    b = vertices_px[picture, face[1]]
    c = vertices_px[picture, face[2]]
    if wp.min(a[2], wp.min(b[2], c[2])) < _NEAREST:
        return
    area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    if wp.abs(area) < _LEAST_AREA:
        return
    half = wp.float64(0.5)
    one = wp.float64(1.0)
    # Bounds are clamped before they become integers: far outside would not fit.
    left = wp.max(wp.ceil(wp.min(a[0], wp.min(b[0], c[0])) - half), wp.float64(0.0))
    right = wp.min(wp.floor(wp.max(a[0], wp.max(b[0], c[0])) - half), wp.float64(width - 1))
    top = wp.max(wp.ceil(wp.min(a[1], wp.min(b[1], c[1])) - half), wp.float64(0.0))
    bottom = wp.min(wp.floor(wp.max(a[1], wp.max(b[1], c[1])) - half), wp.float64(height - 1))
    if left > right or top > bottom:
        return
    for y in range(int(top), int(bottom) + 1):
        for x in range(int(left), int(right) + 1):
            px = wp.float64(x) + half
            py = wp.float64(y) + half
            first = ((b[0] - px) * (c[1] - py) - (b[1] - py) * (c[0] - px)) / area
            second = ((c[0] - px) * (a[1] - py) - (c[1] - py) * (a[0] - px)) / area
            third = one - first - second
            if first >= _INSIDE and second >= _INSIDE and third >= _INSIDE:
                depth = one / (first / a[2] + second / b[2] + third / c[2])
                if depth > wp.float64(0.0) and depth < _FARTHEST:
                    step = wp.int64(depth / _FARTHEST * _STEPS)
                    wp.atomic_min(keys, picture, y * width + x, step * _FACES + wp.int64(number))
