"""What is behind people: procedural pictures, or crops of the user's own.

Axes: b pictures, y x pixels. Colours are sRGB, 0 to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from vitruve.bodies.shapes import ShapesConfig, paint_shapes
from vitruve.io.images import list_images, load_image

ROUNDED = 24
"""Cells a side to which coarse noise is rounded."""


@dataclass(frozen=True)
class BackgroundConfig:
    """What procedural backgrounds are made of."""

    contrast: tuple[float, float] = (0.0, 1.0)
    """Strength of the coarse noise, drawn for each picture."""
    fine: float = 0.15
    """Largest strength of the fine noise."""
    shapes: ShapesConfig = field(default_factory=ShapesConfig)


def draw_backgrounds(
    pictures: int,
    size_px: tuple[int, int],
    generator: torch.Generator,
    config: BackgroundConfig | None = None,
) -> Float[Tensor, "b 3 y x"]:
    """Gradients, smooth noise of two sizes, and shapes over them; no two alike."""
    config = config or BackgroundConfig()
    low, high = config.contrast
    strength = low + (high - low) * torch.rand(pictures, 1, 1, 1, generator=generator)
    fine = config.fine * torch.rand(pictures, 1, 1, 1, generator=generator)
    # Two corners a side are a gradient, five a smooth noise.
    plain = _noise(pictures, 2, size_px, generator)
    smooth = _noise(pictures, 5, size_px, generator)
    rough = _noise(pictures, 24, size_px, generator)
    canvas = torch.lerp(plain, smooth, strength) + fine * (rough - 0.5)
    canvas = canvas.clamp_(0, 1)
    for picture in canvas:
        paint_shapes(picture, generator, config.shapes)
    # Few places are as colourful as random colours.
    colourful = torch.rand(pictures, 1, 1, 1, generator=generator)
    return torch.lerp(canvas.mean(1, keepdim=True), canvas, colourful)


def _noise(
    pictures: int, cells: int, size_px: tuple[int, int], generator: torch.Generator
) -> Float[Tensor, "b 3 y x"]:
    seeds = torch.rand(pictures, 3, cells, cells, generator=generator)
    if 2 < cells < ROUNDED:
        # Bicubic where bilinear would show its cells; the last steps are too small to see.
        seeds = interpolate(seeds, size=ROUNDED, mode="bicubic", align_corners=True)
    return interpolate(seeds, size=size_px[::-1], mode="bilinear", align_corners=True)


class PictureBackgrounds:
    """Random crops of the pictures of a folder."""

    def __init__(self, folder: str | Path) -> None:
        """List the pictures.

        Raises:
            FileError: The folder holds none.
            OSError: It does not exist.
        """
        self._files: Sequence[Path] = list_images(Path(folder))

    def draw(
        self, pictures: int, size_px: tuple[int, int], generator: torch.Generator
    ) -> Float[Tensor, "b 3 y x"]:
        """Crops of the size's proportions, each from a picture drawn anew, half of them mirrored.

        Raises:
            FileError: A picture is damaged.
        """
        return torch.stack([self._crop(size_px, generator) for _ in range(pictures)])

    def _crop(self, size_px: tuple[int, int], generator: torch.Generator) -> Float[Tensor, "3 y x"]:
        number, zoom, x, y, mirrored = torch.rand(5, generator=generator).tolist()
        picture = torch.from_numpy(load_image(self._files[int(number * len(self._files))]))
        height, width, _ = picture.shape
        largest = min(width / size_px[0], height / size_px[1])
        # Never enlarged, unless the whole picture is smaller than the crop.
        scale = largest * (1 - zoom) + min(1.0, largest) * zoom
        across, down = max(1, int(scale * size_px[0])), max(1, int(scale * size_px[1]))
        left, top = int(x * (width - across + 1)), int(y * (height - down + 1))
        part = picture[top : top + down, left : left + across].permute(2, 0, 1)[None].float() / 255
        crop = interpolate(part, size=size_px[::-1], mode="bilinear", antialias=True)[0]
        return crop.flip(-1) if mirrored < 0.5 else crop
