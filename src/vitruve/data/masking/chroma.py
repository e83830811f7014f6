"""Who stands before a screen of one colour: pixels that do not have it.

Colour is compared as hue and strength (the CB and CR of ITU-R BT.601), so that folds and shadows of
the screen are screen. A chair that is covered in another colour goes with a second key.

Axes: y x pixels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy import ndimage

NAMED = {"green": (0, 177, 64), "blue": (0, 71, 187)}
"""RGB of the usual screens."""


@dataclass(frozen=True)
class ChromaConfig:
    """Which colours are not the person's."""

    keys: tuple[str, ...] = ("green",)
    """Colours of screens and furniture: green, blue or #rrggbb."""
    angle_deg: float = 30.0
    """How far a hue may be from a key's."""
    strength: float = 12.0
    """Least strength of a colour that has a hue, of 128; greys have none."""

    def __post_init__(self) -> None:
        """Refuse what is no colour.

        Raises:
            ValueError: A key is none.
        """
        if not self.keys:
            raise ValueError("chroma needs a key, such as green")
        for key in self.keys:
            rgb_of(key)


def rgb_of(key: str) -> tuple[int, int, int]:
    """Red, green and blue of a named colour or of ``#rrggbb``.

    Raises:
        ValueError: It is neither.
    """
    if key in NAMED:
        return NAMED[key]
    try:
        digits = bytes.fromhex(key.removeprefix("#")) if key.startswith("#") else b""
    except ValueError:
        digits = b""
    if len(digits) != 3:
        raise ValueError(f"key {key!r} is no colour: give {', '.join(NAMED)} or #rrggbb")
    return digits[0], digits[1], digits[2]


def not_keyed(image: UInt8[np.ndarray, "y x 3"], config: ChromaConfig) -> Bool[np.ndarray, "y x"]:
    """Pixels of none of the keys' colours."""
    chroma = ndimage.gaussian_filter(_chroma(image), (0.7, 0.7, 0))
    strength = np.linalg.norm(chroma, axis=-1)
    keyed = np.zeros(image.shape[:2], bool)
    for key in config.keys:
        wanted = _chroma(np.array([[rgb_of(key)]], np.uint8))[0, 0]
        cosine = chroma @ (wanted / max(np.linalg.norm(wanted), 1e-6))
        keyed |= cosine > strength * np.cos(np.radians(config.angle_deg))
    return ~(keyed & (strength > config.strength))


def _chroma(image: UInt8[np.ndarray, "y x 3"]) -> Float[np.ndarray, "y x 2"]:
    weights = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
    return image.astype(np.float32) @ weights.T
