"""What happens to a picture between the scene and the file: occluders, blur, sensor noise.

Axes: b pictures, y x pixels.
"""

from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, pad

from vitruve.bodies.render import NO_PART, Rendering
from vitruve.bodies.shapes import ShapesConfig, paint_shapes


@dataclass(frozen=True)
class PhotoConfig:
    """How good the pictures are."""

    occluded: float = 0.0
    """Share of pictures with shapes before the person."""
    occluders: ShapesConfig = field(default_factory=lambda: ShapesConfig(most=3, size=(0.06, 0.25)))
    blurred: float = 0.3
    """Share of pictures that are not sharp."""
    blur: tuple[float, float] = (0.001, 0.008)
    """Standard deviation of the blur over the picture's shorter side."""
    noise: float = 0.02
    """Largest standard deviation of the sensor's noise, of a range of 1."""


def take_photo(rendering: Rendering, generator: torch.Generator, config: PhotoConfig) -> Rendering:
    """The renderings as a camera would have taken them.

    What an occluder hides is no longer in mask, coverage, depth, parts and normals.
    """
    pictures = len(rendering.image)
    drawn = torch.rand(4, pictures, generator=generator)
    hidden = torch.zeros_like(rendering.mask)
    image = rendering.image.clone()
    for i in range(pictures):
        if drawn[0, i] < config.occluded:
            hidden[i] = paint_shapes(image[i], generator, config.occluders)
        if drawn[1, i] < config.blurred:
            low, high = config.blur
            sigma = low + (high - low) * drawn[2, i].item()
            image[i] = blur(image[i], sigma * min(image.shape[-2:]))
    noise = torch.randn(image.shape, generator=generator) * drawn[3, :, None, None, None]
    image = (image + config.noise * noise.to(image.device)).clamp_(0, 1)
    return replace(
        rendering,
        image=image,
        coverage=rendering.coverage.masked_fill(hidden, 0),
        mask=rendering.mask & ~hidden,
        depth=rendering.depth.masked_fill(hidden, 0),
        parts=rendering.parts.masked_fill(hidden, NO_PART),
        normals=rendering.normals.masked_fill(hidden[:, None], 0),
    )


def blur(image: Float[Tensor, "c y x"], sigma_px: float) -> Float[Tensor, "c y x"]:
    """Gaussian blur; the border's pixels go on beyond it."""
    reach = max(1, round(3 * sigma_px))
    offset = torch.arange(-reach, reach + 1, device=image.device)
    kernel = torch.exp(-0.5 * (offset / max(sigma_px, 1e-3)) ** 2)
    kernel = kernel / kernel.sum()
    padded = pad(image[:, None], (reach,) * 4, mode="replicate")
    return conv2d(conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))[:, 0]
