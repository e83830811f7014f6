"""Whether a calibration fits the clips: do the views see the same person at the same place?

Nobody's joints are known, but the middle of a mask is nearly the same point of the body in all
views. Triangulated and projected back it lies near where it was if calibration, names of clips and
moments fit each other, and far from it if one of them is wrong.

Axes: v views.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.studio_reader import Studio
from vitruve.geometry.triangulation import reprojection_error_px, triangulate

MAX_MOMENTS = 200


def rig_residual(studio: Studio) -> float | None:
    """Median distance of the masks' middles from where the other views put them.

    Returns:
        A share of the crop's side; None where no moment has two views. Infinite where the views
        meet behind a camera.
    """
    moments = [m for m in map(studio.moment, range(studio.num_moments)) if len(m) > 1]
    step = max(1, len(moments) // MAX_MOMENTS)
    found = [_residual(studio, moment) for moment in moments[::step]]
    return float(torch.cat(found).median()) if found else None


def _residual(studio: Studio, moment: range) -> Float[Tensor, "v"]:
    pictures = [studio[n] for n in moment]
    side = pictures[0].mask.shape[-1]
    # Pixels are found by row and column, and their centres lie at .5.
    middle = torch.stack([p.mask.nonzero().double().mean(0).flip(0) + 0.5 for p in pictures])
    turned = [torch.linalg.inv(p.T_world_cam.double())[:3] for p in pictures]
    lenses = [p.intrinsics.double() for p in pictures]
    projections = torch.stack([K @ T for K, T in zip(lenses, turned, strict=True)])
    points, _ = triangulate(middle, projections)
    return reprojection_error_px(points, middle, projections) / side
