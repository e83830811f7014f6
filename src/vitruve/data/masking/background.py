"""Who moves before a camera that stands still: pixels that differ from the empty scene.

The scene is the median of frames of the whole clip, so that the first frame has a mask as good as
the last; models that learn on the way, such as mixtures of Gaussians, begin with nothing. Behind
somebody who stays in one place it comes from the frames in which it is seen (`scene_growth`).
People are then taken out of the frames, and the median and the noise around it are taken again,
twice. What is hidden in nearly every frame is a part of the scene. A pixel is compared as
Horprasert, Harwood and Davis do ("A statistical approach for real-time robust background
subtraction and shadow detection", ICCV 1999 Frame-Rate Workshop): its colour against the scene's,
apart from its brightness, so that a shadow is no person.

Axes: n frames, y x pixels.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image
from scipy import ndimage

from vitruve.data.masking.scene_growth import grow_scene, median_of_seen
from vitruve.io.errors import FileError

FREE_SHARE = 0.04
"""Of the frames; where fewer show the scene, what was taken for it stays."""
GROWTH_PX = 320
"""Pictures along whose longer side the scene grows."""
MOST_AWAY = 40.0
"""Most that one pixel tells against the scene, as a negative log likelihood."""
_MAD_TO_STD = 1.4826


@dataclass(frozen=True)
class BackgroundConfig:
    """How the scene is learnt, and what differs from it."""

    frames: int = 48
    """Frames, spread over the clip, that the scene is learnt from."""
    side_px: int = 640
    """Pictures are compared at this many pixels along the longer side, at most."""
    threshold: float = 4.0
    """Standard deviations from which a pixel's colour differs."""
    least_noise: float = 4.0
    """Least standard deviation of a pixel, of 255."""
    shadow: float = 0.6
    """What is darker than this share of the scene's brightness is no shadow, 0 to 1."""
    highlight: float = 1.2
    """What is brighter than this share of the scene's brightness is no reflection."""


@dataclass(frozen=True, eq=False)
class Background:
    """The empty scene, in the size at which pictures are compared."""

    mean: Float32[np.ndarray, "y x 3"]
    """0 to 255."""
    std: Float32[np.ndarray, "y x 3"]
    config: BackgroundConfig

    def small(self, image: UInt8[np.ndarray, "Y X 3"]) -> UInt8[np.ndarray, "y x 3"]:
        """A picture in the scene's size.

        Raises:
            FileError: The picture has another shape than the scene.
        """
        height, width = self.mean.shape[:2]
        ratio = image.shape[1] / image.shape[0] * height / width
        if abs(ratio - 1) > 0.02:
            raise FileError(
                f"a picture of {image.shape[1]}x{image.shape[0]} pixels among those of a camera "
                f"that stands still, whose shape is {width}x{height}; cut the clip"
            )
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))

    def differs(self, image: UInt8[np.ndarray, "y x 3"]) -> Bool[np.ndarray, "y x"]:
        """Which pixels of a picture in the scene's size do not show the scene."""
        seen, brightness = self._lit(image)
        colour = np.linalg.norm((seen - brightness[..., None] * self.mean) / self.std, axis=-1)
        away = np.abs((seen - self.mean) / self.std).max(-1)
        limit = self.config.threshold
        odd = (brightness < self.config.shadow) | (brightness > self.config.highlight)
        # The majority of a pixel and its neighbours.
        return ndimage.median_filter((colour > limit) | (odd & (away > limit)), 3)

    def cost(self, image: UInt8[np.ndarray, "y x 3"]) -> Float32[np.ndarray, "y x"]:
        """Negative log likelihood of pixels, in the scene's size, that show it, up to a constant.

        A shadow or a reflection costs nothing.
        """
        seen, brightness = self._lit(image)
        lit = np.clip(brightness, self.config.shadow, self.config.highlight)[..., None] * self.mean
        away = 0.5 * np.square((seen - lit) / self.std).sum(-1)
        return np.minimum(away, MOST_AWAY) + np.log(self.std).sum(-1)

    def _lit(
        self, image: UInt8[np.ndarray, "y x 3"]
    ) -> tuple[Float32[np.ndarray, "y x 3"], Float32[np.ndarray, "y x"]]:
        """Colours, exposed as the scene's are, and brightness, 1 where it is the scene's."""
        seen = image.astype(np.float32)
        # Cameras that expose by themselves change all pixels alike.
        gain = np.median(seen.mean(-1)) / max(1.0, float(np.median(self.mean.mean(-1))))
        seen = seen / np.clip(gain, 0.7, 1.4)
        weighed = self.mean / self.std**2
        return seen, (seen * weighed).sum(-1) / np.maximum((self.mean * weighed).sum(-1), 1e-6)


def learn_background(
    frames: Iterable[UInt8[np.ndarray, "Y X 3"]], config: BackgroundConfig
) -> Background:
    """The empty scene behind frames of one camera that stands still.

    Args:
        frames: Spread over the clip; somebody may be in each of them.
        config: How.

    Raises:
        FileError: There are fewer than three frames: nothing could have moved.
    """
    small = [shrink(frame, config.side_px) for frame in frames]
    if len(small) < 3:
        raise FileError(
            f"the scene behind {len(small)} pictures cannot be told; give a clip of a camera that "
            "stands still, or masks by grabcut or chroma"
        )
    if len({frame.shape for frame in small}) > 1:
        raise FileError("pictures of one camera that stands still must have one size")
    stack = np.stack(small)
    first = _scene(stack, config)
    second = _without_people(first, stack, _people_before(first, stack))
    return _without_people(second, stack, _differing(second, stack))


def shrink(image: UInt8[np.ndarray, "Y X 3"], side_px: int) -> UInt8[np.ndarray, "y x 3"]:
    """A picture with this many pixels along its longer side, at most."""
    factor = side_px / max(image.shape[:2])
    if factor >= 1:
        return image
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _scene(stack: UInt8[np.ndarray, "n y x 3"], config: BackgroundConfig) -> Background:
    middle = np.median(stack, axis=0).astype(np.float32)
    away = np.median(np.abs(stack - middle.astype(np.int16)), axis=0)
    return Background(middle, _noise(away, config), config)


def _noise(away: np.ndarray, config: BackgroundConfig) -> Float32[np.ndarray, "y x 3"]:
    """Standard deviation of pixels by their median distance from the median."""
    # An edge that trembles is as wide as a pixel or two.
    spread = ndimage.maximum_filter(_MAD_TO_STD * away, (3, 3, 1))
    return np.maximum(spread, config.least_noise).astype(np.float32)


def _differing(scene: Background, stack: UInt8[np.ndarray, "n y x 3"]) -> Bool[np.ndarray, "n y x"]:
    """Who does not show the scene, and a little around them."""
    return np.stack([ndimage.binary_dilation(scene.differs(f), iterations=3) for f in stack])


def _people_before(
    first: Background, stack: UInt8[np.ndarray, "n y x 3"]
) -> Bool[np.ndarray, "n y x"]:
    """Who hides the scene, also where they are in most frames and so in their median."""
    small = np.stack([shrink(frame, GROWTH_PX) for frame in stack])
    scene = grow_scene(small, float(np.median(first.std)))
    y, x = (np.arange(n) * s // n for n, s in zip(stack.shape[1:3], small.shape[1:3], strict=True))
    grown, hidden = scene.grown[np.ix_(y, x)], ~scene.seen[:, y][:, :, x]
    return np.where(grown, hidden, _differing(first, stack))


def _without_people(
    first: Background, stack: UInt8[np.ndarray, "n y x 3"], people: Bool[np.ndarray, "n y x"]
) -> Background:
    free = (~people).sum(0)
    again = people.any(0) & (free >= max(2, FREE_SHARE * len(stack)))
    hidden = people[:, again, None]
    mean, spread = first.mean.copy(), first.std / _MAD_TO_STD
    mean[again] = median_of_seen(stack[:, again].astype(np.int16), hidden)
    spread[again] = median_of_seen(np.abs(stack[:, again] - mean[again].astype(np.int16)), hidden)
    return Background(mean, _noise(spread, first.config), first.config)
