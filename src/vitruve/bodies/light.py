"""Light as spherical harmonics of degree 2: from everywhere, smooth, without cast shadows.

Ramamoorthi and Hanrahan, "An efficient representation for irradiance environment maps", SIGGRAPH
2001; coefficients drawn as by Varol et al., "Learning from synthetic humans" (SURREAL), CVPR 2017,
https://arxiv.org/abs/1701.01370.

Axes: b pictures, v vertices. Camera frame x right, y down, z forward.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.poses import TensorRecord

TINT = 0.15
"""Largest relative difference of the colours of the light from white."""
LEAST = 0.12
"""Light that reaches every point; SURREAL has none, and some of its bodies are black."""
_FLAT, _LINEAR, _CROSS, _POLAR, _POLAR_FLAT = 0.886227, 1.023328, 0.858086, 0.743125, 0.247708


@dataclass(frozen=True, eq=False)
class Light(TensorRecord):
    """The light of each picture."""

    coefficients: Float[Tensor, "b 3 9"]
    """Of red, green and blue, in the order of SURREAL."""
    R_light_cam: Float[Tensor, "b 3 3"]
    """Turns the camera's axes to the light's (y down), so that cameras can share one light."""


def draw_lights(pictures: int, generator: torch.Generator) -> Light:
    """Light for each picture, about the camera's axes.

    SURREAL's ranges: 0.7 U(-1, 1), the ambient term 0.5 + 0.9 U(0, 1), and light that comes from
    above, -0.7 U(0, 1) along y. Its light is white; ours is tinted a little.
    """
    light = 0.7 * (2 * torch.rand(pictures, 9, generator=generator) - 1)
    light[:, 0] = 0.5 + 0.9 * torch.rand(pictures, generator=generator)
    light[:, 1] = -0.7 * torch.rand(pictures, generator=generator)
    tint = 1 + TINT * (2 * torch.rand(pictures, 3, 1, generator=generator) - 1)
    return Light(tint * light[:, None], torch.eye(3).repeat(pictures, 1, 1))


def irradiance(normals_cam: Float[Tensor, "b v 3"], light: Light) -> Float[Tensor, "b v 3"]:
    """Red, green and blue light that falls on surfaces with these unit normals."""
    x, y, z = (normals_cam @ light.R_light_cam.mT).unbind(-1)
    basis = [
        torch.full_like(x, _FLAT),
        _LINEAR * y,
        _LINEAR * z,
        _LINEAR * x,
        _CROSS * x * y,
        _CROSS * y * z,
        _POLAR * z * z - _POLAR_FLAT,
        _CROSS * x * z,
        _CROSS / 2 * (x * x - y * y),
    ]
    return (torch.stack(basis, dim=-1) @ light.coefficients.mT).clamp(min=LEAST)
