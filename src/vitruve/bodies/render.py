"""Pictures of bodies: textured, lit, antialiased, before any background; exact for any pinhole.

Axes: b pictures, v vertices, f faces, y x pixels. Camera frame x right, y down, z forward, metres;
pixel centres at .5. Lens distortion is not drawn: give the intrinsics of the ideal pinhole.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn.functional import normalize

from vitruve.bodies.light import Light, irradiance
from vitruve.bodies.mesh import Fragments, Mesh, find_fragments
from vitruve.bodies.texture import Textures
from vitruve.poses import TensorRecord

NO_PART = -1


@dataclass(frozen=True, eq=False)
class Rendering(TensorRecord):
    """What was rendered. Mask, depth, parts and normals are those of the pixels' centres."""

    image: Float[Tensor, "b 3 y x"]
    """sRGB, 0 to 1."""
    coverage: Float[Tensor, "b y x"]
    """Share of each pixel that shows the body."""
    mask: Bool[Tensor, "b y x"]
    """Whether the pixel's centre shows the body."""
    depth: Float[Tensor, "b y x"]
    """z, metres; 0 where ``mask`` is False."""
    parts: Int64[Tensor, "b y x"]
    """Part labels; ``NO_PART`` where ``mask`` is False."""
    normals: Float[Tensor, "b 3 y x"]
    """Outward unit normals in the camera frame; 0 where ``mask`` is False."""


def render(
    mesh: Mesh,
    vertices_cam: Float[Tensor, "b v 3"],
    intrinsics: Float[Tensor, "b 3 3"],
    background: Float[Tensor, "b 3 y x"],
    *,
    textures: Textures,
    light: Light,
    samples: int = 2,
    zbuffer: Callable[..., Int64[Tensor, "b pixels"]] | None = None,
) -> Rendering:
    """Render one body into each picture.

    Faces that reach nearer than `raster.NEAREST_M`, or behind the camera, are left out whole.

    Args:
        mesh: The body's mesh.
        vertices_cam: Where its vertices are, metres.
        intrinsics: Ideal pinholes, pixels.
        background: What is behind, and the size of the pictures.
        textures: Of each picture's body.
        light: Of each picture.
        samples: A pixel's colour is the mean of ``samples`` x ``samples`` points.
        zbuffer: Of `raster` or `raster_warp`; Warp's where it is installed. Both find the same.

    Raises:
        ValueError: ``samples`` is less than 1.
    """
    if samples < 1:
        raise ValueError(f"samples {samples}: a pixel needs at least 1 x 1")
    height, width = background.shape[-2:]
    find = _Finder(mesh, vertices_cam, intrinsics, (width, height), zbuffer)
    normals = mesh.normals(vertices_cam)
    drawn = find(samples)
    colour = _shade(drawn, mesh, irradiance(normals, light), textures)
    colour = _mean_of_samples(drawn, colour, (len(background), height, width), samples)
    coverage = colour[:, 3]
    image = background * (1 - coverage[:, None]) + colour[:, :3]
    return _with_geometry(find(1), mesh, normals, image, coverage)


def _shade(
    drawn: Fragments, mesh: Mesh, lit: Float[Tensor, "b v 3"], textures: Textures
) -> Float[Tensor, "n 4"]:
    """Red, green, blue and a 1 for each fragment."""
    # Light changes slowly over a body: it is evaluated at vertices and interpolated.
    values = torch.cat([lit, mesh.vertices_rest.expand(len(lit), -1, -1)], -1)
    light, place = drawn.interpolate(values.flatten(0, 1)).split(3, dim=-1)
    colour = textures.paint(drawn.picture, drawn.part(mesh), place) * light
    return torch.cat([colour.clamp_(max=1), torch.ones_like(colour[:, :1])], -1)


@dataclass(frozen=True, eq=False)
class _Finder:
    """Finds what samples show."""

    mesh: Mesh
    vertices_cam: Float[Tensor, "b v 3"]
    intrinsics: Float[Tensor, "b 3 3"]
    size_px: tuple[int, int]
    zbuffer: Callable[..., Int64[Tensor, "b pixels"]] | None

    def __call__(self, samples: int) -> Fragments:
        scale = self.intrinsics.new_tensor([samples, samples, 1])[:, None]
        size = (self.size_px[0] * samples, self.size_px[1] * samples)
        return find_fragments(
            self.vertices_cam, self.mesh.faces, scale * self.intrinsics, size, zbuffer=self.zbuffer
        )


def _with_geometry(
    seen: Fragments,
    mesh: Mesh,
    normals: Float[Tensor, "b v 3"],
    image: Float[Tensor, "b 3 y x"],
    coverage: Float[Tensor, "b y x"],
) -> Rendering:
    pictures, _, height, width = image.shape
    size = (pictures, height, width)
    mask = torch.zeros(size, dtype=torch.bool, device=image.device)
    mask.view(-1)[seen.pixel] = True
    depth = image.new_zeros(size)
    depth.view(-1)[seen.pixel] = seen.depth
    parts = torch.full(size, NO_PART, device=image.device)
    parts.view(-1)[seen.pixel] = seen.part(mesh)
    normal = normalize(seen.interpolate(normals.flatten(0, 1)), dim=-1)
    return Rendering(image, coverage, mask, depth, parts, _spread(seen, normal, size))


def _spread(
    fragments: Fragments, values: Float[Tensor, "n c"], size: tuple[int, int, int]
) -> Float[Tensor, "b c y x"]:
    """Values at their pixels, 0 elsewhere."""
    pictures, height, width = size
    canvas = values.new_zeros(pictures * height * width, values.shape[1])
    canvas[fragments.pixel] = values
    return canvas.view(pictures, height, width, -1).permute(0, 3, 1, 2)


def _mean_of_samples(
    fragments: Fragments, values: Float[Tensor, "n c"], size: tuple[int, int, int], samples: int
) -> Float[Tensor, "b c y x"]:
    """Mean over each pixel's samples, 0 where they show nothing."""
    pictures, height, width = size
    row, column = fragments.pixel // (width * samples), fragments.pixel % (width * samples)
    sample = row % samples * samples + column % samples
    pixel = row // samples * width + column // samples
    # A layer for each sample: adding layers is faster than adding neighbours, and in fixed order.
    layers = values.new_zeros(samples**2, pictures * height * width, values.shape[1])
    layers.view(-1, values.shape[1])[sample * layers.shape[1] + pixel] = values
    return layers.mean(0).view(pictures, height, width, -1).permute(0, 3, 1, 2)
