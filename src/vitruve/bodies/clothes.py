"""Dress bodies: which parts share a garment, and garments of random colours and patterns.

Axes: b pictures, p parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.bodies.mesh import Mesh
from vitruve.bodies.texture import SKINS, Textures

GARMENTS = ("skin", "hair", "shirt", "trousers", "shoes")
_WORN = {
    "hair": "hair",
    "trunk": "shirt",
    "upper_arm": "shirt",
    "pelvis": "trousers",
    "thigh": "trousers",
    "foot": "shoes",
}
"""What covers a part, sides left out; a name that is not here is skin."""
_LONG = {"forearm": "shirt", "shank": "trousers"}
"""What covers a part if the garment is long."""

HAIRLINE = 1.15
"""Height plus depth, both 0 to 1 over the head from chin and face, above which hair grows."""


@dataclass(frozen=True)
class ClothesConfig:
    """How often people wear what."""

    long_sleeves: float = 0.5
    long_trousers: float = 0.7
    barefoot: float = 0.15
    overall: float = 0.1
    """Share of people whose shirt and trousers are of one cloth."""
    plain: float = 0.35
    """Share of garments without a pattern."""
    striped: float = 0.25
    checked: float = 0.2
    """The rest is blotched."""


def with_hair(mesh: Mesh, part_names: Sequence[str]) -> tuple[Mesh, tuple[str, ...]]:
    """Make the top and back of the head a part of its own, ``hair``: behind all other parts.

    Bodies whose parts have no ``head`` are left as they are.

    Args:
        mesh: Rest pose as in `base`: facing -y, z up.
        part_names: Of its parts.
    """
    if "head" not in part_names:
        return mesh, tuple(part_names)
    head = mesh.part_of_vertex == part_names.index("head")
    low, high = mesh.vertices_rest[head].aminmax(dim=0)
    _, back, up = ((mesh.vertices_rest - low) / (high - low)).unbind(-1)
    part = mesh.part_of_vertex.masked_fill(head & (up + back > HAIRLINE), len(part_names))
    return replace(mesh, part_of_vertex=part), (*part_names, "hair")


def dress(
    part_names: Sequence[str],
    pictures: int,
    generator: torch.Generator,
    config: ClothesConfig | None = None,
) -> Textures:
    """Clothes for as many people.

    Args:
        part_names: Parts of the body, such as ``left_thigh``; unknown ones are skin.
        pictures: How many people.
        generator: Of all that is random.
        config: How often what is worn.
    """
    config = config or ClothesConfig()
    worn = _worn(part_names, pictures, generator, config)
    cloth = _draw_garments(pictures, generator, config)
    person = torch.arange(pictures)[:, None]
    per_part = {name: getattr(cloth, name)[person, worn] for name in _PER_PART}
    return Textures(**per_part, shift=cloth.shift)


_PER_PART = ("colours", "waves", "phases", "widths", "bend", "grain")


def _worn(
    part_names: Sequence[str], pictures: int, generator: torch.Generator, config: ClothesConfig
) -> Int64[Tensor, "b p"]:
    """Number in ``GARMENTS`` of what covers each part."""
    drawn = torch.rand(4, pictures, generator=generator)
    long = {"forearm": drawn[0] < config.long_sleeves, "shank": drawn[1] < config.long_trousers}
    skin = torch.zeros(pictures, dtype=torch.int64)
    columns = []
    for sided in part_names:
        name = sided.removeprefix("left_").removeprefix("right_")
        if name in _LONG:
            columns.append(torch.where(long[name], GARMENTS.index(_LONG[name]), skin))
        else:
            columns.append(skin + GARMENTS.index(_WORN.get(name, "skin")))
    worn = torch.stack(columns, dim=1)
    bare = (worn == GARMENTS.index("shoes")) & (drawn[2] < config.barefoot)[:, None]
    whole = (worn == GARMENTS.index("trousers")) & (drawn[3] < config.overall)[:, None]
    return worn.masked_fill(bare, 0).masked_fill(whole, GARMENTS.index("shirt"))


def _draw_garments(pictures: int, generator: torch.Generator, config: ClothesConfig) -> Textures:
    """One texture for each garment of each person."""
    shape = (pictures, len(GARMENTS))

    def rand(*tail: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(*shape, *tail, generator=generator)

    kind = rand()
    plain = kind < config.plain
    blotched = kind >= config.plain + config.striped + config.checked
    checked = (kind >= config.plain + config.striped) & ~blotched
    # Skin and hair.
    plain[:, :2], blotched[:, :2], checked[:, :2] = True, False, False
    colours = _colours(shape, generator)
    colours[:, :2] = _skin_and_hair(pictures, generator)[:, :, None]
    widths = rand(2, low=0.25, high=0.6)
    widths[..., 1] *= checked
    widths[plain] = 0
    coarse, fine = rand(1, 1, low=2.0, high=8.0), rand(1, 1, low=4.0, high=30.0)
    waves = _directions(shape, generator) * torch.where(blotched[..., None, None], coarse, fine)
    bend = rand(low=0.7, high=1.5) * blotched
    grain = rand(low=0.02, high=0.12)
    shift = 100 * torch.rand(pictures, 3, generator=generator)
    return Textures(colours, waves, rand(2), widths, bend, grain, shift)


def _directions(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Level stripes and upright ones, each a little askew, in either order."""
    upright = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    askew = 0.15 * torch.randn(*shape, 2, 3, generator=generator)
    swap = torch.rand(*shape, 1, 1, generator=generator) < 0.5
    return torch.where(swap, upright.flip(0), upright) + askew


def _colours(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Any hue; half of the first colours are dull, as most clothes are."""
    colour = torch.rand(*shape, 2, 3, generator=generator)
    dull = torch.rand(*shape, 1, 1, generator=generator) < 0.5
    grey = colour.mean(-1, keepdim=True)
    return torch.where(dull, grey + 0.3 * (colour - grey), colour)


def _skin_and_hair(pictures: int, generator: torch.Generator) -> Float[Tensor, "b 2 3"]:
    skins = torch.tensor(SKINS)
    place = (len(SKINS) - 1) * torch.rand(pictures, generator=generator)
    lighter = place.long().clamp(max=len(SKINS) - 2)
    skin = torch.lerp(skins[lighter], skins[lighter + 1], (place - lighter)[:, None])
    brown = torch.tensor([0.45, 0.30, 0.18]) * 1.6 * torch.rand(pictures, 1, generator=generator)
    grey = 0.8 * torch.rand(pictures, 1, generator=generator).expand(-1, 3)
    greyness = torch.rand(pictures, 1, generator=generator) ** 4
    hair = torch.lerp(brown + 0.03, grey, greyness)
    return torch.stack([skin, hair], dim=1) + 0.03 * torch.randn(
        pictures, 2, 3, generator=generator
    )
