"""Studio: synthetic people seen by four calibrated cameras, with everything known about them.

A scene is one person in new clothes, one piece of motion, and the four cameras of one published
Human3.6M rig. Every scene follows from its number and the settings alone, so any process can make
any shard, and how many do changes nothing. People and motions are split: nobody and no clip of
training is in validation or test.
"""

import hashlib
from dataclasses import dataclass, field

import torch

from vitruve.bodies.background import BackgroundConfig
from vitruve.bodies.clothes import ClothesConfig
from vitruve.bodies.photo import PhotoConfig

SPLITS = ("train", "validation", "test")
"""Number of a split in the shards is its place here."""
SCENES_PER_SHARD = 16
CAMERAS = 4
MAX_SIDE_PX = 1024


@dataclass(frozen=True)
class StudioConfig:
    """What Studio makes; every field changes the pictures."""

    scenes: int
    """How many scenes; each has ``frames`` times 4 pictures."""
    size_px: int = 128
    """Side of the square crop around the person."""
    frames: int = 8
    """Frames of a scene."""
    seed: int = 0
    body: str = "anny"
    """A body of `vitruve.bodies`; of those that are read from a file, NAME:FILE."""
    people: int = 1000
    """How many people of different shape there are."""
    motions: str = ""
    """Clips that ``vitruve data motions`` put on the body; empty for drawn poses."""
    backgrounds: str = ""
    """Folder of pictures for backgrounds; empty for made up ones."""
    held_out: tuple[float, float] = (0.1, 0.1)
    """Shares of people, clips and scenes for validation and test."""
    margin: tuple[float, float] = (0.05, 0.3)
    """What a crop adds around the person's box, relative to it."""
    flat_parts: float = 0.0
    """Share of scenes whose person is painted in one colour for each part."""
    parts: bool = False
    """Also write part maps."""
    quality: int = 92
    """Of the JPEG pictures, 1 to 100."""
    clothes: ClothesConfig = field(default_factory=ClothesConfig)
    background: BackgroundConfig = field(default_factory=BackgroundConfig)
    photo: PhotoConfig = field(default_factory=PhotoConfig)

    def __post_init__(self) -> None:
        """Check what the command line may get wrong.

        Raises:
            ValueError: A number is out of range.
        """
        ranges = {
            "scenes": (1, 10**7),
            "size_px": (16, MAX_SIDE_PX),
            "frames": (1, 1000),
            "people": (10, 10**7),
            "quality": (1, 100),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} {getattr(self, name)}: must be {low} to {high}")
        validation, test = self.held_out
        if min(self.held_out) < 0 or validation + test >= 1:
            raise ValueError(f"held_out {self.held_out}: two shares whose sum is less than 1")

    @property
    def pictures(self) -> int:
        """How many there will be."""
        return self.scenes * self.frames * CAMERAS

    @property
    def shards(self) -> int:
        """How many there will be."""
        return -(-self.scenes // SCENES_PER_SHARD)

    def scenes_of(self, shard: int) -> range:
        """Numbers of the scenes of a shard."""
        first = shard * SCENES_PER_SHARD
        return range(first, min(first + SCENES_PER_SHARD, self.scenes))

    def pictures_of(self, shard: int) -> int:
        """How many pictures a shard has."""
        return len(self.scenes_of(shard)) * self.frames * CAMERAS


def generator_of(*what: object) -> torch.Generator:
    """Random numbers that follow from names and numbers alone."""
    digest = hashlib.blake2b(repr(what).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


def split_of(config: StudioConfig, *what: object) -> int:
    """Which split something belongs to, whatever else there is."""
    place = torch.rand((), generator=generator_of(config.seed, "split", *what)).item()
    validation, test = config.held_out
    return 1 if place < validation else 2 if place < validation + test else 0
