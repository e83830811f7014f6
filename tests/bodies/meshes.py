"""Small meshes with known shapes."""

import math

import torch

from vitruve.bodies.mesh import Mesh

PARTS = ("head", "trunk", "pelvis", "left_thigh")


def ball(rings: int = 24, radius: float = 1.0) -> Mesh:
    """A sphere; parts from its top (+z) down."""
    latitude = torch.linspace(0, math.pi, rings + 1)
    longitude = torch.arange(2 * rings) * math.pi / rings
    across = latitude.sin()[:, None]
    height = latitude.cos()[:, None].expand(-1, 2 * rings)
    points = torch.stack([across * longitude.cos(), across * longitude.sin(), height], -1)
    here = torch.arange(rings)[:, None] * 2 * rings + torch.arange(2 * rings)
    east = torch.arange(rings)[:, None] * 2 * rings + (torch.arange(2 * rings) + 1) % (2 * rings)
    south, south_east = here + 2 * rings, east + 2 * rings
    faces = torch.stack([here, south, south_east, here, south_east, east], -1).reshape(-1, 3)
    vertices = radius * points.reshape(-1, 3)
    part = ((1 - vertices[:, 2] / radius) / 2 * len(PARTS)).long().clamp(max=len(PARTS) - 1)
    return Mesh(faces, vertices, part)


def cube() -> Mesh:
    """A cube of side 1 about the origin, its faces wound counter-clockwise from outside."""
    corners = torch.cartesian_prod(*[torch.tensor([-0.5, 0.5])] * 3)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [f for a, b, c, d in quads for f in ((a, b, c), (a, c, d))]
    return Mesh(torch.tensor(faces), corners, torch.zeros(8, dtype=torch.int64))


def pinhole(focal: float, x: float, y: float) -> torch.Tensor:
    """Intrinsics of one camera, as a batch of one."""
    return torch.tensor([[[focal, 0.0, x], [0.0, focal, y], [0.0, 0.0, 1.0]]])
