"""Triangle meshes with part labels, and what each pixel shows of them.

Axes: b pictures, v vertices, f faces, n fragments (covered pixels, or samples within pixels, in
picture order). Camera frame, metres; pixel centres at .5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.bodies import raster
from vitruve.bodies.base import Body
from vitruve.bodies.raster import EMPTY, FACE_BITS
from vitruve.poses import TensorRecord

HAS_WARP = find_spec("warp") is not None


@dataclass(frozen=True, eq=False)
class Mesh(TensorRecord):
    """What does not change from picture to picture: triangles, rest pose and part labels."""

    faces: Int64[Tensor, "f 3"]
    """Vertex numbers of each triangle."""
    vertices_rest: Float[Tensor, "v 3"]
    """Rest pose, metres: where patterns are painted, so that they follow the body."""
    part_of_vertex: Int64[Tensor, "v"]
    """Part label of each vertex, 0 and up."""

    def __post_init__(self) -> None:
        """Check that numbers lie in range.

        Raises:
            ValueError: A face names a vertex that is not there, or a part is negative.
        """
        low, high = (int(x) for x in self.faces.aminmax()) if len(self.faces) else (0, -1)
        if low < 0 or high >= len(self.vertices_rest):
            raise ValueError(
                f"faces name vertices {low} to {high}; there are {len(self.vertices_rest)}"
            )
        if len(self.part_of_vertex) and int(self.part_of_vertex.min()) < 0:
            raise ValueError(f"part label {int(self.part_of_vertex.min())}: labels are 0 or more")

    def normals(self, vertices: Float[Tensor, "b v 3"]) -> Float[Tensor, "b v 3"]:
        """Outward unit normals of posed vertices, each the area-weighted mean over its faces."""
        corners = vertices[:, self.faces]
        across = torch.linalg.cross(
            corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
        )
        total = torch.zeros_like(vertices)
        for corner in range(3):
            total.index_add_(1, self.faces[:, corner], across)
        return torch.nn.functional.normalize(total * self._winding(), dim=-1)

    def _winding(self) -> Float[Tensor, ""]:
        """1 where faces turn counter-clockwise about their outward normals, else -1."""
        a, b, c = self.vertices_rest[self.faces].unbind(1)
        volume = (a * torch.linalg.cross(b, c)).sum()
        return torch.where(volume < 0, -1.0, 1.0)


def mesh_of_body(body: Body) -> Mesh:
    """The mesh of a body: painted on its default shape at rest."""
    with torch.no_grad():
        return Mesh(body.faces, body.rest().vertices, body.part_of_vertex)


@dataclass(frozen=True, eq=False)
class Fragments(TensorRecord):
    """What the covered pixels show."""

    pixel: Int64[Tensor, "n"]
    """Counted through all pictures, row by row."""
    picture: Int64[Tensor, "n"]
    face: Int64[Tensor, "n"]
    corners: Int64[Tensor, "n 3"]
    """Vertices of the face, counted through all pictures."""
    weights: Float[Tensor, "n 3"]
    """Perspective-correct weights of the corners; they sum to 1."""
    depth: Float[Tensor, "n"]
    """z, metres."""

    def interpolate(self, values: Float[Tensor, "bv c"]) -> Float[Tensor, "n c"]:
        """Values of vertices, all pictures' behind each other, at the fragments."""
        corners = (values.index_select(0, corner) for corner in self.corners.unbind(-1))
        weights = (weight[:, None] for weight in self.weights.unbind(-1))
        first, second, third = (c * w for c, w in zip(corners, weights, strict=True))
        return first.add_(second).add_(third)

    def part(self, mesh: Mesh) -> Int64[Tensor, "n"]:
        """The part whose corners together weigh most: borders run straight through faces."""
        a, b, c = mesh.part_of_vertex[mesh.faces].index_select(0, self.face).unbind(-1)
        weight_a, weight_b, weight_c = self.weights.unbind(-1)
        total_a = weight_a + weight_b * (a == b) + weight_c * (a == c)
        total_b = weight_b + weight_c * (b == c)
        first = torch.where(total_a >= total_b, a, b)
        return torch.where(torch.maximum(total_a, total_b) >= weight_c, first, c)


def find_fragments(
    vertices_cam: Float[Tensor, "b v 3"],
    faces: Int64[Tensor, "f 3"],
    intrinsics: Float[Tensor, "b 3 3"],
    size_px: tuple[int, int],
    *,
    zbuffer: Callable[..., Int64[Tensor, "b pixels"]] | None = None,
) -> Fragments:
    """The face that each pixel centre shows, and where on it.

    Args:
        vertices_cam: Camera frame, metres.
        faces: Vertex numbers.
        intrinsics: Pinholes, pixels.
        size_px: Width, height.
        zbuffer: Of `raster` or `raster_warp`; Warp's where it is installed. Both find the same.
    """
    zbuffer = zbuffer or fastest_zbuffer()
    vertices_px = raster.project_vertices(vertices_cam, intrinsics)
    keys = zbuffer(vertices_px, faces, size_px)
    pixel = (keys.flatten() != EMPTY).nonzero()[:, 0]
    face = keys.flatten()[pixel] & (2**FACE_BITS - 1)
    picture = pixel // keys.shape[1]
    corners = [column[face] + picture * vertices_cam.shape[1] for column in faces.T.contiguous()]
    row = pixel // size_px[0]
    centre_y = row - picture * size_px[1] + 0.5
    centre_x = pixel - row * size_px[0] + 0.5
    columns = vertices_px.flatten(0, 1).T.contiguous()
    # Seen from the pixel, corners are near and single precision is enough.
    x = [(columns[0][i] - centre_x).to(vertices_cam.dtype) for i in corners]
    y = [(columns[1][i] - centre_y).to(vertices_cam.dtype) for i in corners]
    z = [columns[2][i].to(vertices_cam.dtype) for i in corners]
    areas = [x[i] * y[i - 2] - y[i] * x[i - 2] for i in (1, 2, 0)]
    # What is linear in the picture is the weight over depth, not the weight.
    shares = [area / depth for area, depth in zip(areas, z, strict=True)]
    total = shares[0] + shares[1] + shares[2]
    depth = (areas[0] + areas[1] + areas[2]) / total
    weights = torch.stack([share / total for share in shares], dim=-1)
    return Fragments(pixel, picture, face, torch.stack(corners, dim=-1), weights, depth)


def fastest_zbuffer() -> Callable[..., Int64[Tensor, "b pixels"]]:
    """Warp's kernel where Warp is installed, else plain torch."""
    if not HAS_WARP:
        return raster.zbuffer
    from vitruve.bodies import raster_warp

    return raster_warp.zbuffer
