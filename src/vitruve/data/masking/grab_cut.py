"""A mask that follows the edges of the picture, from a rough one, from a box or from bones.

Rother, Kolmogorov and Blake, "GrabCut: interactive foreground extraction using iterated graph
cuts", SIGGRAPH 2004: the colours of the person and of the scene are mixtures of Gaussians, a cut
that is short and runs along edges parts them, and both are found in turn. Colours and cut are
those of `colour_cut`.

Axes: y x pixels, n bones.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy import ndimage

from vitruve.data.masking.colour_cut import ColourMixture, cut
from vitruve.data.processing.masks import inside_box, mask_box


@dataclass(frozen=True)
class GrabCutConfig:
    """How masks are refined."""

    side_px: int = 200
    """Longer side of what is looked at, pixels at most."""
    margin: float = 0.15
    """What is looked at around the box, as a share of its longer side; it shows the scene."""
    band: float = 0.06
    """How far an edge may move from that of a rough mask, as a share of the longer side."""
    limbs: tuple[float, float] = (0.012, 0.09)
    """Around bones: how far everything is the person, and how far nothing is, as shares of how far
    the bones reach."""
    rounds: int = 3
    """Times that colours and cut are found in turn."""
    steps: int = 150
    """Of each cut."""
    gaussians: int = 5
    """Of the person's colours, and of the scene's."""
    smoothness: float = 50.0
    """Cost of a cut between two pixels of one colour: the paper's gamma."""


def refine_mask(
    image: UInt8[np.ndarray, "Y X 3"], mask: Bool[np.ndarray, "Y X"], config: GrabCutConfig
) -> Bool[np.ndarray, "Y X"]:
    """The mask, its edge moved to where the picture has one; an empty mask stays empty."""
    if not mask.any():
        return mask
    part = _part_around(image, mask_box(mask), config)
    start = part.small(mask.astype(np.uint8) * np.uint8(255)) > 127
    width = config.band * max(start.shape)
    grown = np.asarray(ndimage.distance_transform_edt(~start)) <= width
    shrunk = np.asarray(ndimage.distance_transform_edt(np.pad(start, 1)))[1:-1, 1:-1] > width
    return part.back(_iterate(part.small(image), start, grown, shrunk, config))


def mask_in_box(
    image: UInt8[np.ndarray, "Y X 3"], box_px: Float[np.ndarray, "4"], config: GrabCutConfig
) -> Bool[np.ndarray, "Y X"]:
    """The person in a box: left, top, right, bottom; what lies outside is the scene."""
    inside = inside_box((image.shape[0], image.shape[1]), box_px)
    if not inside.any():
        return inside
    part = _part_around(image, mask_box(inside), config)
    start = part.small(inside.astype(np.uint8) * np.uint8(255)) > 127
    return part.back(_iterate(part.small(image), start, start, np.zeros_like(start), config))


def mask_along(
    image: UInt8[np.ndarray, "Y X 3"], lines_px: Float[np.ndarray, "n 2 2"], config: GrabCutConfig
) -> Bool[np.ndarray, "Y X"]:
    """The person whose bones are these lines: never far from them, and always on them."""
    points = lines_px.reshape(-1, 2)
    box = np.concatenate([points.min(0), points.max(0)])
    reach = config.limbs[1] * float((box[2:] - box[:2]).max())
    box = np.clip(box + np.array([-reach, -reach, reach, reach]), 0, [*image.shape[1::-1]] * 2)
    if (box[2:] - box[:2] < 2).any():
        return np.zeros(image.shape[:2], bool)
    part = _part_around(image, box, config)
    colours = part.small(image)
    away = _distance(colours.shape[:2], (lines_px - part.low) * part.factor)
    thin, thick = (share * float((points.max(0) - points.min(0)).max()) for share in config.limbs)
    near, far = away <= thin * part.factor, away <= thick * part.factor
    start = away <= (thin + thick) / 2 * part.factor
    return part.back(_iterate(colours, start, far, near, config))


@dataclass(frozen=True)
class _Part:
    """What of a picture is looked at, and how small."""

    shape: tuple[int, int]
    """Of the whole picture."""
    low: Float[np.ndarray, "2"]
    """Its corner, pixels."""
    whole: tuple[int, int]
    """Width, height in the picture."""
    size: tuple[int, int]
    """Width, height as it is looked at."""

    @property
    def factor(self) -> float:
        """Pixels looked at for one of the picture."""
        return self.size[0] / self.whole[0]

    def small(self, values: UInt8[np.ndarray, "Y X *c"]) -> UInt8[np.ndarray, "y x *c"]:
        """The part of a picture or a mask."""
        x, y = self.low.astype(int)
        cut = values[y : y + self.whole[1], x : x + self.whole[0]]
        return np.asarray(Image.fromarray(cut).resize(self.size, Image.Resampling.BOX))

    def back(self, share: Float[np.ndarray, "y x"]) -> Bool[np.ndarray, "Y X"]:
        """A mask of the whole picture, from how much of the part's pixels is the person."""
        x, y = self.low.astype(int)
        fine = Image.fromarray((255 * share).astype(np.uint8))
        fine = fine.resize(self.whole, Image.Resampling.BILINEAR)
        found = np.zeros(self.shape, bool)
        found[y : y + self.whole[1], x : x + self.whole[0]] = np.asarray(fine) > 127
        return found


def _part_around(
    image: UInt8[np.ndarray, "Y X 3"], box_px: Float[np.ndarray, "4"], config: GrabCutConfig
) -> _Part:
    room = config.margin * float((box_px[2:] - box_px[:2]).max())
    low = np.maximum(np.floor(box_px[:2] - room), 0)
    high = np.minimum(np.ceil(box_px[2:] + room), image.shape[1::-1])
    width, height = (high - low).astype(int).tolist()
    factor = min(1.0, config.side_px / max(width, height))
    size = (max(2, round(width * factor)), max(2, round(height * factor)))
    return _Part((image.shape[0], image.shape[1]), low, (width, height), size)


def _distance(shape: tuple[int, int], lines: Float[np.ndarray, "n 2 2"]) -> np.ndarray:
    """From each pixel's centre to the nearest line, pixels."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    at = np.stack([x, y], -1)
    found = np.full(shape, np.inf)
    for start, end in lines:
        along = end - start
        share = (at - start) @ along / max(float(along @ along), 1e-9)
        foot = start + np.clip(share, 0, 1)[..., None] * along
        found = np.minimum(found, np.linalg.norm(at - foot, axis=-1))
    return found


def _iterate(
    image: UInt8[np.ndarray, "y x 3"],
    start: Bool[np.ndarray, "y x"],
    grown: Bool[np.ndarray, "y x"],
    shrunk: Bool[np.ndarray, "y x"],
    config: GrabCutConfig,
) -> Float[np.ndarray, "y x"]:
    """How much of each pixel is the person: always inside ``grown``, and all of ``shrunk``."""
    colours = image.astype(np.float64)
    person, share = start, start.astype(np.float64)
    fewest = 4 * config.gaussians
    for _ in range(config.rounds):
        if person.sum() < fewest or (~person).sum() < fewest:
            break
        flat = colours.reshape(-1, 3)
        ours, scene = (ColourMixture(colours[area], config.gaussians) for area in (person, ~person))
        prefers = (ours.cost(flat) - scene.cost(flat)).reshape(person.shape)
        prefers = np.where(shrunk, -np.inf, np.where(grown, prefers, np.inf))
        share = cut(prefers, colours, share, config.smoothness, config.steps)
        person = share > 0.5
    return share
