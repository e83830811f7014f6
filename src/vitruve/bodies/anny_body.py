"""Anny, the default body: people of all ages from a few plain numbers, free for every use.

Brégier et al., "Human Mesh Modeling for Anny Body", 2025, https://arxiv.org/abs/2511.03589: the
shape is a product of linear interpolations of its phenotypes, each bone turns with the surface it
carries (a Procrustes fit whose moment matrix is linear in the shape), and linear blend skinning
moves the vertices. Code Apache-2.0, assets CC0.

Our file holds what those equations need for the phenotypes that can be set, in half precision, with
the rest pose turned into a T. ``tools/make_anny_body.py`` writes it from the package ``anny``: the
coarse body, which ships with us, or the full one.

Axes as in `base`; r blend shapes as modelled, n their compact basis, p phenotypes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.bodies.base import Anatomy, Body, Figure, ShapeParameter, Surface
from vitruve.bodies.parts import HUMAN_PARTS
from vitruve.geometry.nearest_rotation import nearest_rotation
from vitruve.io.tensor_file import read_tensors

COARSE = Path(str(files("vitruve.bodies") / "anny_coarse.safetensors"))
"""The body that ships with the package."""

PHENOTYPES = {
    "gender": (0.0, 1.0),
    "age": (-1 / 3, 0.0, 1 / 3, 2 / 3, 1.0),
    "muscle": (0.0, 0.5, 1.0),
    "weight": (0.0, 0.5, 1.0),
    "height": (0.0, 1.0),
    "proportions": (0.0, 1.0),
}
"""Phenotypes and the values, evenly spaced, at which Anny has a shape of its own."""

SHAPE_PARAMETERS = (
    ShapeParameter("gender", 0.0, 1.0, 0.5, "0 male, 1 female"),
    ShapeParameter("age", 0.6, 1.0, 2 / 3, "0 baby, 1/3 child, 2/3 young adult, 1 old"),
    ShapeParameter("muscle", 0.2, 0.85, 0.5, "0 least, 1 most"),
    ShapeParameter("weight", 0.15, 0.85, 0.5, "0 least, 1 most"),
    ShapeParameter("height", 0.15, 0.6, 0.38, "0 smallest, 1 tallest; at 0.38 about 1.71 m"),
    ShapeParameter("proportions", 0.2, 1.0, 0.5, "0 those of a statue, 1 uncommon"),
)
"""Their plain ranges are those of adults; babies and children lie at lower ages."""
_SIDED_ROLES = {
    "{s}_hip": "upperleg01",
    "{s}_knee": "lowerleg01",
    "{s}_ankle": "foot",
    "{s}_collar": "clavicle",
    "{s}_shoulder": "upperarm01",
    "{s}_elbow": "lowerarm01",
    "{s}_wrist": "wrist",
}
ROLES = {
    "pelvis": "root",
    "spine1": "spine03",
    "spine2": "spine02",
    "spine3": "spine01",
    "neck": "neck01",
    "head": "head",
} | {
    role.replace("{s}", side): f"{bone}.{letter}"
    for side, letter in (("left", "L"), ("right", "R"))
    for role, bone in _SIDED_ROLES.items()
}
"""Bones of Anny that move as SMPL's; the feet of the coarse body have no toes to move."""


@dataclass(frozen=True)
class AnnyConfig:
    """Which body."""

    file: Path = COARSE
    """A file that ``tools/make_anny_body.py`` wrote."""


class AnnyBody(Body):
    """Anny read from our file, without the package ``anny``.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged or no body file.
    """

    _to_basis: Float[Tensor, "r n"]
    _variation: Int64[Tensor, "r p"]
    model_axes: Float[Tensor, "k 3 3"]
    """How anny's own axes of each bone stand in our rest pose."""

    def __init__(self, config: AnnyConfig = AnnyConfig()) -> None:
        tensors, document = read_tensors(config.file, "anny body")
        anatomy = _anatomy(document, config.file)
        _check(tensors, len(anatomy.bone_names), config.file)
        super().__init__(anatomy, _surface(tensors))
        self.config = config
        for name in ("vertices", "heads", "moments"):
            base = tensors[name].float()
            self.register_buffer(f"_{name}", base.flatten(), persistent=False)
            basis = tensors[f"{name}_basis"].float().flatten(1)
            self.register_buffer(f"_{name}_basis", basis, persistent=False)
        self.register_buffer("_to_basis", tensors["to_basis"].float(), persistent=False)
        self.register_buffer("_variation", tensors["variation"].long(), persistent=False)
        self.register_buffer("model_axes", tensors["rest_turns"].float(), persistent=False)

    def figure(self, shape: Float[Tensor, "*b s"]) -> Figure:
        """The body of these phenotypes, in the pose its model was built in."""
        coefficients = self._interpolate(shape) @ self._to_basis
        made = {
            name: getattr(self, f"_{name}") + coefficients @ getattr(self, f"_{name}_basis")
            for name in ("vertices", "heads", "moments")
        }
        moments = made["moments"].unflatten(-1, (-1, 3, 3))
        # The root carries no vertex, so it has no turn of its own.
        turns = torch.cat(
            [
                self.model_axes[0].expand_as(moments[..., :1, :, :]),
                nearest_rotation(moments[..., 1:, :, :]),
            ],
            dim=-3,
        )
        return Figure(
            made["vertices"].unflatten(-1, (-1, 3)),
            made["heads"].unflatten(-1, (-1, 3)),
            self.model_axes @ turns.mT,
        )

    def _interpolate(self, shape: Float[Tensor, "*b p"]) -> Float[Tensor, "*b r"]:
        """How much of each blend shape as modelled: a product over the phenotypes."""
        product = shape.new_ones(*shape.shape[:-1], len(self._variation))
        for p, anchors in enumerate(PHENOTYPES.values()):
            near = _between(shape[..., p], anchors)
            # The last column is for blend shapes that this phenotype leaves alone.
            table = torch.cat([near, torch.ones_like(near[..., :1])], dim=-1)
            product = product * table[..., self._variation[:, p]]
        return product


def _between(value: Float[Tensor, "*b"], anchors: tuple[float, ...]) -> Float[Tensor, "*b n"]:
    """Weights of a linear interpolation; at an anchor the slope is that towards the next one."""
    last = len(anchors) - 1
    along = (value.clamp(anchors[0], anchors[-1]) - anchors[0]) * (
        last / (anchors[-1] - anchors[0])
    )
    below = along.detach().floor().clamp(max=last - 1)
    share = (along - below)[..., None]
    one_hot = torch.nn.functional.one_hot
    low, high = (one_hot(i.long(), last + 1).to(value) for i in (below, below + 1))
    return low * (1 - share) + high * share


def _anatomy(document: Mapping[str, Any], file: Path) -> Anatomy:
    try:
        names, parents = tuple(document["bone_names"]), tuple(document["parents"])
        landmarks = tuple(document["landmarks"])
        sound = all(isinstance(p, int) for p in parents) and len(names) == len(parents)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file} lacks {error}; write it again") from None
    if not sound or missing_roles(names):
        raise ValueError(f"{file} lacks bones of Anny: {missing_roles(names)}; write it again")
    return Anatomy("anny", names, parents, HUMAN_PARTS, SHAPE_PARAMETERS, ROLES, landmarks)


def missing_roles(names: tuple[str, ...]) -> list[str]:
    """Bones a body of Anny cannot do without that are not among ``names``."""
    return sorted(set(ROLES.values()) - set(names))


def _check(tensors: Mapping[str, Tensor], bones: int, file: Path) -> None:
    """A file from outside may lack tensors or hold ones of other shapes."""
    try:
        v, n = len(tensors["vertices"]), tensors["to_basis"].shape[1]
        r, landmarks = len(tensors["to_basis"]), len(tensors["landmark_weights"])
        expected = {
            "vertices": (v, 3), "vertices_basis": (n, v, 3),
            "heads": (bones, 3), "heads_basis": (n, bones, 3),
            "moments": (bones, 3, 3), "moments_basis": (n, bones, 3, 3),
            "rest_turns": (bones, 3, 3), "variation": (r, len(PHENOTYPES)), "to_basis": (r, n),
            "faces": (len(tensors["faces"]), 3), "part_of_vertex": (v,),
            "bones": tensors["bone_weights"].shape, "landmark_vertices": (landmarks, 3),
        }  # fmt: skip
    except (KeyError, IndexError) as error:
        raise ValueError(f"{file} lacks tensor {error}; write it again") from None
    for name, shape in expected.items():
        if name not in tensors or tensors[name].shape != shape:
            raise ValueError(f"{file}: tensor {name!r} is missing or not of shape {shape}")
    for name, least in (
        ("faces", v), ("bones", bones), ("landmark_vertices", v), ("part_of_vertex", 256),
    ):  # fmt: skip
        if tensors[name].long().min() < 0 or tensors[name].long().max() >= least:
            raise ValueError(f"{file}: tensor {name!r} points outside the body")


def _surface(tensors: Mapping[str, Tensor]) -> Surface:
    """Dense weights out of the file's sparse ones."""
    v, k = len(tensors["vertices"]), len(tensors["heads"])
    weights = torch.zeros(v, k).scatter_add_(
        1, tensors["bones"].long(), tensors["bone_weights"].float()
    )
    landmarks = torch.zeros(len(tensors["landmark_vertices"]), v).scatter_add_(
        1, tensors["landmark_vertices"].long(), tensors["landmark_weights"].float()
    )
    return Surface(
        tensors["faces"].long(),
        tensors["part_of_vertex"].long(),
        weights / weights.sum(-1, keepdim=True),
        landmarks / landmarks.sum(-1, keepdim=True),
    )
