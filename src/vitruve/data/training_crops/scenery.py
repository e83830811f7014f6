"""What is put behind people: parts of a bank of pictures that is made once.

Axes: k pictures of the bank, y x pixels, n pixels of a crop.
"""

from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from vitruve.bodies.background import PictureBackgrounds, draw_backgrounds

PICTURES = 64
"""In the bank: drawing one takes longer than everything else that is done to a crop."""
LARGER = 1.5
"""Side of a picture of the bank over that of a crop."""
_SEED = 0


class Scenery:
    """Backgrounds by chance: which picture, which part of it, and which way round."""

    def __init__(self, side_px: int, folder: str = "") -> None:
        """Make the bank: drawn pictures, or crops of those in a folder.

        Raises:
            FileError: The folder holds no pictures, or a damaged one.
            OSError: It does not exist.
        """
        self.side_px = side_px
        size = round(LARGER * side_px)
        drawn = torch.Generator().manual_seed(_SEED)
        if folder:
            bank = PictureBackgrounds(Path(folder)).draw(PICTURES, (size, size), drawn)
        else:
            bank = draw_backgrounds(PICTURES, (size, size), drawn)
        self._bank: UInt8[Tensor, "k 3 y x"] = (255 * bank + 0.5).to(torch.uint8)

    def draw(self, generator: torch.Generator) -> Float[Tensor, "3 n n"]:
        """One background, 0 to 1."""
        number, x, y, mirrored, upright = torch.rand(5, generator=generator).tolist()
        n, room = self.side_px, self._bank.shape[-1] - self.side_px + 1
        left, top = int(x * room), int(y * room)
        picture = self._bank[int(number * len(self._bank)), :, top : top + n, left : left + n]
        if mirrored < 0.5:
            picture = picture.flip(-1)
        return (picture if upright < 0.5 else picture.transpose(-1, -2)).float() / 255
