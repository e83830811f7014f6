"""Which pixels of a mask matter most: those far from its middle, inside and outside.

The geodesic weighting of Yang et al., "Mask as Supervision", 2023,
https://arxiv.org/abs/2312.07051, Eq. (9). Inside, exp(a D / max D) + b with D the way from the
middle that stays inside the mask; outside, c D / max D + d with D the distance from the mask; all
divided by its mean, so that it moves weight and adds none. The released code of X as Supervision
adds both maps everywhere, which nearly levels them.

Axes: n pictures, y x pixels.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from scipy.ndimage import distance_transform_edt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from torch import Tensor

_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""From a pixel to its neighbours, one way; ways back are implied."""


@dataclass(frozen=True)
class GeodesicConfig:
    """Settings of the weighting."""

    inside: tuple[float, float] = (2.0, 1.0)
    """a and b."""
    outside: tuple[float, float] = (2.0, 1.0)
    """c and d."""
    way: Literal["pixels", "fast_marching"] = "pixels"
    """Ways inside run from pixel to pixel, eight neighbours each, and so are up to 8 % too long; or
    are those of the paper, which need the extra ``masks``."""
    kept: int = 4096
    """Maps of masks seen before that are kept in memory."""


class GeodesicWeights:
    """Weights of masks, by their content: the same mask is measured once."""

    def __init__(self, config: GeodesicConfig) -> None:
        self.config = config
        self._kept: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def __call__(self, masks: Float[Tensor, "n y x"]) -> Float[Tensor, "n y x"]:
        """Weights of mean 1 in each picture."""
        inside = (masks.detach() > 0.5).cpu().numpy()
        return torch.from_numpy(np.stack([self._of(mask) for mask in inside])).to(masks)

    def _of(self, mask: Bool[np.ndarray, "y x"]) -> Float32[np.ndarray, "y x"]:
        shape = np.array(mask.shape).tobytes()
        key = hashlib.blake2b(shape + np.packbits(mask).tobytes(), digest_size=16).digest()
        if key not in self._kept:
            self._kept[key] = geodesic_weights(mask, self.config)
            if len(self._kept) > self.config.kept:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def geodesic_weights(
    mask: Bool[np.ndarray, "y x"], config: GeodesicConfig
) -> Float32[np.ndarray, "y x"]:
    """Weights of one mask, of mean 1; all 1 where there is nobody.

    Raises:
        ImportError: ``way`` is fast_marching and scikit-fmm is not installed.
    """
    if not mask.any():
        return np.ones(mask.shape, np.float32)
    (a, b), (c, d) = config.inside, config.outside
    within, beyond = _shares(_ways_inside(mask, config.way), mask), np.zeros(mask.shape)
    if not mask.all():
        beyond = _shares(np.asarray(distance_transform_edt(~mask)), ~mask)
    weights = np.where(mask, np.exp(a * within) + b, c * beyond + d)
    return (weights / weights.mean()).astype(np.float32)


def _shares(distance: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Distances over the largest finite one; parts that cannot be reached are farthest."""
    finite = distance[of & np.isfinite(distance)]
    largest = max(finite.max(initial=0.0), 1e-9)
    return np.minimum(distance / largest, 1.0)


def _ways_inside(mask: np.ndarray, way: Literal["pixels", "fast_marching"]) -> np.ndarray:
    """Length of the way from the mask's middle; infinite outside and where none leads."""
    rows, columns = np.nonzero(mask)
    nearest = ((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2).argmin()
    match way:
        case "pixels":
            found = np.full(mask.shape, np.inf)
            found[rows, columns] = dijkstra(_graph(mask), directed=False, indices=int(nearest))
            return found
        case "fast_marching":
            return _fast_marching(mask, (int(rows[nearest]), int(columns[nearest])))
        case _:
            assert_never(way)


def _graph(mask: np.ndarray) -> coo_array:
    """Neighbouring pixels of the mask and how far they are from each other."""
    height, width = mask.shape
    number = np.full((height + 1, width + 2), -1)
    number[:-1, 1:-1][mask] = np.arange(mask.sum())
    here = number[:-1, 1:-1]
    starts, ends, lengths = [], [], []
    for down, right in _STEPS:
        there = number[down : down + height, 1 + right : 1 + right + width]
        both = (here >= 0) & (there >= 0)
        starts.append(here[both])
        ends.append(there[both])
        lengths.append(np.full(both.sum(), np.hypot(down, right)))
    size = int(mask.sum())
    joined = tuple(np.concatenate(parts) for parts in (lengths, starts, ends))
    return coo_array((joined[0], joined[1:]), shape=(size, size))


def _fast_marching(mask: np.ndarray, start: tuple[int, int]) -> np.ndarray:
    try:
        import skfmm  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError(
            "way='fast_marching' needs scikit-fmm: install the extra masks, or take way='pixels'"
        ) from error
    surface = np.ones(mask.shape)
    surface[start] = -1
    found = skfmm.travel_time(np.ma.MaskedArray(surface, ~mask), np.ones(mask.shape))
    return np.ma.filled(found, np.inf)
