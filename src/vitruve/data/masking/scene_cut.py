"""Somebody before a scene that is known, cut out along edges.

GrabCut (see `grab_cut`) guesses the scene's colours from what is around the person, and the
person's from one picture. Where the camera stands still more is known: the scene's colour at each
pixel (`background`), and the person's from all frames together. So what differs little from the
scene, as dark clothes before something dark, is still told by what it looks like and by its
neighbours. After Sun, Zhang, Tang and Shum, "Background cut", ECCV 2006, without its weaker edges
where the scene has them too.

Axes: y x pixels of the scene, Y X of pictures, n pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image
from scipy import ndimage

from vitruve.data.masking.background import (
    Background,
    BackgroundConfig,
    learn_background,
    shrink,
)
from vitruve.data.masking.colour_cut import ColourMixture, cut
from vitruve.data.processing.masks import clean_mask, mask_box

_FEWEST = 100
"""Pixels that tell what colours somebody has."""


@dataclass(frozen=True)
class SceneCutConfig:
    """How the person is cut out of a scene that is known."""

    room: float = 0.25
    """What is looked at around all that differs from the scene, as a share of its longer side."""
    gaussians: int = 5
    """Of the person's colours."""
    smoothness: float = 100.0
    """Cost of a cut between two pixels of one colour: twice GrabCut's, for half its neighbours."""
    steps: int = 150
    """Of each cut."""


class SceneCut:
    """Pictures of one camera that stands still to masks of who is before its scene."""

    def __init__(
        self,
        frames: Iterable[UInt8[np.ndarray, "Y X 3"]],
        background: BackgroundConfig,
        config: SceneCutConfig,
    ) -> None:
        """Learn the scene, and the colours of who moves before it.

        Args:
            frames: Spread over the clip; somebody may be in each of them.
            background: How the scene is learnt.
            config: How the person is cut out.

        Raises:
            FileError: There are fewer than three frames, or not all of one size.
        """
        small = [shrink(frame, background.side_px) for frame in frames]
        self.config, self._scene = config, learn_background(small, background)
        pixels = np.concatenate([_surely(self._scene, frame) for frame in small])
        self._person = None
        if len(pixels) >= _FEWEST:
            self._person = ColourMixture(pixels.astype(np.float64), config.gaussians)

    def __call__(self, image: UInt8[np.ndarray, "Y X 3"]) -> Bool[np.ndarray, "Y X"]:
        """Who is before the scene.

        Raises:
            FileError: The picture has another shape than the scene.
        """
        small = self._scene.small(image)
        found = self._scene.differs(small)
        if self._person is not None and found.any():
            found = self._cut(small, found)
        mask = Image.fromarray(found).convert("L")
        size = (image.shape[1], image.shape[0])
        return np.asarray(mask.resize(size, Image.Resampling.BILINEAR)) > 127

    def _cut(
        self, image: UInt8[np.ndarray, "y x 3"], start: Bool[np.ndarray, "y x"]
    ) -> Bool[np.ndarray, "y x"]:
        assert self._person is not None
        part = _around(start, self.config.room)
        colours = image[part].astype(np.float64)
        person = self._person.cost(colours.reshape(-1, 3)).reshape(colours.shape[:2])
        prefers = person - self._scene.cost(image)[part]
        share = cut(
            prefers, colours, start[part].astype(float), self.config.smoothness, self.config.steps
        )
        found = np.zeros_like(start)
        found[part] = share > 0.5
        return found


def _surely(scene: Background, image: UInt8[np.ndarray, "y x 3"]) -> UInt8[np.ndarray, "n 3"]:
    """Colours inside the person, where a picture differs from the scene in one piece."""
    mask, kind = clean_mask(scene.differs(image))
    inside = np.asarray(ndimage.binary_erosion(mask), bool)
    return image[inside] if kind == "good" else image[:0, 0]


def _around(mask: Bool[np.ndarray, "y x"], room: float) -> tuple[slice, slice]:
    """The part of the picture that a mask, which is not empty, lies in."""
    left, top, right, bottom = mask_box(mask)
    more = room * max(right - left, bottom - top)
    low, high = (np.array(c) for c in ((top - more, left - more), (bottom + more, right + more)))
    (y, x), (y_end, x_end) = np.maximum(low, 0).astype(int), np.ceil(high).astype(int)
    return slice(y, y_end), slice(x, x_end)
