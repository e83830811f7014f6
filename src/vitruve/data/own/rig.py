"""Whether a calibration fits the clips: do the views see the same person at the same place?

Nobody's joints are known, but the middle of a mask is nearly the same point of the body in all
views. Triangulated and projected back it lies near where it was if calibration, names of clips and
moments fit each other. How near depends on the rig and on the person, for all cameras look at the
same place anyway; so the clips are also taken for each other's, and no exchange may fit better.

Axes: m moments, v views.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.studio.reader import Studio
from vitruve.geometry.triangulation import reprojection_error_px, triangulate

MAX_MOMENTS = 100
MOST_PERMUTED = 4
"""Views up to which every exchange of clips is tried; of more, each pair alone."""
CLEARLY_BETTER = 0.7
"""An exchange of clips that leaves this part of the distance is taken for the truth."""


@dataclass(frozen=True)
class RigFit:
    """How well views agree."""

    residual: float
    """Median distance of a mask's middle from where all views put it, a share of the crop's side;
    infinite where the views meet behind a camera."""
    better: tuple[tuple[str, str], ...] = ()
    """Clip, and the camera that seems to have taken it, where an exchange fits clearly better."""


def rig_fit(studio: Studio) -> RigFit | None:
    """How well the views of a folder of own pictures agree; None where no moment has two views."""
    moments = [m for m in map(studio.moment, range(studio.num_moments)) if len(m) > 1]
    if not moments:
        return None
    views = max(map(len, moments))
    whole = [m for m in moments if len(m) == views]
    whole = whole[:: max(1, len(whole) // MAX_MOMENTS)]
    clips = studio.column("clip")
    names = [str(clips[n]) for n in whole[0]]
    middles, lenses, places = _views(studio, whole)
    own = _residual(middles, lenses, places)
    found = {order: _residual(middles, lenses, places[:, order]) for order in _exchanges(views)}
    best = min(found, key=lambda order: found[order])
    if found[best] > CLEARLY_BETTER * own:
        return RigFit(own)
    exchanged = ((names[v], names[camera]) for v, camera in enumerate(best) if v != camera)
    return RigFit(own, tuple(exchanged))


def _views(
    studio: Studio, moments: list[range]
) -> tuple[Float[Tensor, "m v 2"], Float[Tensor, "m v 3 3"], Float[Tensor, "m v 3 4"]]:
    """Middles of masks in pixels of their crops, the crops' pinholes, and world to camera."""
    pictures = [[studio[n] for n in moment] for moment in moments]
    # Pixels are found by row and column, and their centres lie at .5.
    middles = [[p.mask.nonzero().double().mean(0).flip(0) + 0.5 for p in at] for at in pictures]
    lenses = [[p.intrinsics.double() for p in at] for at in pictures]
    places = [[torch.linalg.inv(p.T_world_cam.double())[:3] for p in at] for at in pictures]
    stacked = (torch.stack([torch.stack(at) for at in x]) for x in (middles, lenses, places))
    a, b, c = stacked
    # Crops of different pictures are as large.
    side = pictures[0][0].mask.shape[-1]
    scale = torch.tensor([1 / side, 1 / side, 1.0], dtype=torch.float64)
    return a / side, b * scale[:, None], c


def _residual(
    middles: Float[Tensor, "m v 2"],
    lenses: Float[Tensor, "m v 3 3"],
    places: Float[Tensor, "m v 3 4"],
) -> float:
    """Median over moments and views; moments are triangulated one by one, each by its crops."""
    errors = []
    for seen, K, T in zip(middles, lenses, places, strict=True):
        points, _ = triangulate(seen, K @ T)
        errors.append(reprojection_error_px(points, seen, K @ T))
    return float(torch.stack(errors).median())


def _exchanges(views: int) -> Iterator[tuple[int, ...]]:
    """Which camera each clip may be of instead."""
    order = tuple(range(views))
    if views <= MOST_PERMUTED:
        yield from (other for other in permutations(order) if other != order)
        return
    for a, b in combinations(order, 2):
        yield tuple(b if v == a else a if v == b else v for v in order)
