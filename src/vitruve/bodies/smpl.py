"""SMPL, SMPL-X and SMAL, from model files that the user has the right to use.

Loper et al., "SMPL: A Skinned Multi-Person Linear Model", SIGGRAPH Asia 2015,
https://smpl.is.tue.mpg.de; Pavlakos et al., "Expressive Body Capture", CVPR 2019,
https://arxiv.org/abs/1904.05866 (SMPL-X; its face expressions stay neutral here); Zuffi et al.,
"3D Menagerie", CVPR 2017, https://arxiv.org/abs/1611.07700 (SMAL). None of these files is
ours to give away.

The models come y up or z up, facing along different axes. Ours are turned into the axes of
`base`, by where their limbs are, so that poses mean what they mean for every body.

Axes as in `base`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.bodies.base import Anatomy, Body, Figure, ShapeParameter, Surface
from vitruve.bodies.joint_rules import SMAL_LANDMARKS, SMPL_LANDMARKS, SMPLX_LANDMARKS
from vitruve.bodies.parts import HUMAN_PARTS, HUMAN_ROLES, human_part
from vitruve.bodies.smpl_file import SmplFile, read_smpl_file
from vitruve.skeletons import skeleton


@dataclass(frozen=True)
class SmplConfig:
    """Which model, and its file."""

    model: Literal["smpl", "smplx", "smal"] = "smpl"
    file: Path | None = None
    """The .npz or .pkl of the model's authors."""
    num_betas: int = 10
    """Shape parameters to use; fewer if the file has fewer. SMPL-X's expressions come after 300."""


@dataclass(frozen=True)
class _Kind:
    """What is known of a model without its file."""

    skeleton: str
    vertices: int
    landmarks: Mapping[str, int]
    left: str
    right: str
    high: str
    low: str
    """Joints that say which way is left, and which is up."""
    page: str


KINDS: dict[str, _Kind] = {
    "smpl": _Kind(
        "smpl_24", 6890, SMPL_LANDMARKS, "left_hip", "right_hip", "head", "left_ankle",
        "https://smpl.is.tue.mpg.de",
    ),
    "smplx": _Kind(
        "smplx_55", 10475, SMPLX_LANDMARKS, "left_hip", "right_hip", "head", "left_ankle",
        "https://smpl-x.is.tue.mpg.de",
    ),
    "smal": _Kind(
        "smal_35", 3889, SMAL_LANDMARKS, "left_leg1", "right_leg1", "spine", "left_foot",
        "https://smal.is.tue.mpg.de",
    ),
}  # fmt: skip
SMAL_ROLES = {
    "pelvis": "root",
    "spine1": "spine",
    "spine2": "spine1",
    "spine3": "spine3",
    "neck": "neck",
    "head": "head",
    "tail1": "tail1",
    "tail2": "tail3",
    "tail3": "tail5",
} | {
    f"{side}_{role}": f"{side}_{bone}"
    for side in ("left", "right")
    for role, bone in {
        "front_upper": "leg1",
        "front_elbow": "leg2",
        "front_wrist": "leg3",
        "front_paw": "foot",
        "hip": "leg_back1",
        "knee": "leg_back2",
        "hock": "leg_back3",
        "rear_paw": "foot_back",
        "ear": "ear",
    }.items()
}
"""Bones of SMAL that move as those of `capsule_shapes.DOG`."""


class SmplBody(Body):
    """A model of the SMPL family.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: No file is named, or it is no file of this model.
    """

    _template: Float[Tensor, "v 3"]
    _shape_basis: Float[Tensor, "s v3"]
    _pose_basis: Float[Tensor, "k9 v3"]
    _regressor: Float[Tensor, "k v"]
    turn_house_file: Float[Tensor, "3 3"]
    """Turns the axes of the model's file into those of the house."""

    def __init__(self, config: SmplConfig) -> None:
        kind = KINDS[config.model]
        if config.file is None:
            raise ValueError(
                f"body {config.model!r} needs its model file: get it from {kind.page} and "
                f"name it, {config.model}:FILE (.npz, or .pkl)"
            )
        file = read_smpl_file(config.file)
        names = skeleton(kind.skeleton).names
        if len(file.parents) != len(names):
            raise ValueError(
                f"{config.file} has {len(file.parents)} joints; {config.model} has {len(names)}"
            )
        betas = min(config.num_betas, file.shape_basis.shape[2])
        super().__init__(_anatomy(config.model, names, file, betas), _surface(config.model, file))
        self.config = config
        template, regressor = _tensor(file.vertices), _tensor(file.regressor)
        axes = _axes(config, names, regressor @ template)
        shape_basis = axes @ _tensor(file.shape_basis[..., :betas])
        pose_basis = _tensor(file.pose_basis).unflatten(-1, (-1, 3, 3))
        buffers = {
            "_template": template @ axes.T,
            "_shape_basis": shape_basis.permute(2, 0, 1).flatten(1),
            # The features, rotations less identity, are turned into the axes of the house too.
            "_pose_basis": torch.einsum(
                "xc,vckij,ai,bj->kabvx", axes, pose_basis, axes, axes
            ).flatten(3).flatten(0, 2),
            "_regressor": regressor,
            "turn_house_file": axes,
        }  # fmt: skip
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor, persistent=False)

    def figure(self, shape: Float[Tensor, "*b s"]) -> Figure:
        """Template and shape blend shapes, and the joints regressed from them."""
        vertices = self._template + (shape @ self._shape_basis).unflatten(-1, (-1, 3))
        return Figure(vertices, self._regressor @ vertices)

    def corrected(
        self, figure: Figure, pose: Float[Tensor, "*b k 3 3"]
    ) -> Float[Tensor, "*#b v 3"]:
        """Pose blend shapes, linear in the rotations of all bones but the root."""
        feature = pose[..., 1:, :, :] - torch.eye(3, dtype=pose.dtype, device=pose.device)
        moved = feature.flatten(-3) @ self._pose_basis
        return figure.vertices + moved.unflatten(-1, (-1, 3))


def _anatomy(model: str, names: tuple[str, ...], file: SmplFile, betas: int) -> Anatomy:
    roles = {name: name for name in HUMAN_ROLES if name in names}
    if model == "smal":
        roles = SMAL_ROLES | {name: name for name in names if name not in SMAL_ROLES}
    parameters = tuple(
        ShapeParameter(f"beta_{i}", -2.0, 2.0, 0.0, "standard deviations") for i in range(betas)
    )
    return Anatomy(
        model, names, file.parents, _parts(model, names)[0], parameters, roles,
        tuple(_landmarks(model, file)),
    )  # fmt: skip


def _landmarks(model: str, file: SmplFile) -> dict[str, int]:
    """Vertices are only known on the authors' own mesh; left is where the body's left is.

    Those who listed the vertices of SMAL did not agree on whose left is meant.
    """
    kind, names = KINDS[model], skeleton(KINDS[model].skeleton).names
    if len(file.vertices) != kind.vertices:
        return {}
    joints, found = file.regressor @ file.vertices, dict(kind.landmarks)
    leftwards = joints[names.index(kind.left)] - joints[names.index(kind.right)]
    for left in [name for name in found if name.startswith("left_")]:
        right = left.replace("left", "right", 1)
        if (file.vertices[found[left]] - file.vertices[found[right]]) @ leftwards < 0:
            found[left], found[right] = found[right], found[left]
    return found


def _parts(model: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], list[int]]:
    """Names of the parts, and the part of each bone."""
    if model == "smal":
        of_bone = [_animal_part(name) for name in names]
        parts = tuple(dict.fromkeys(of_bone))
        return parts, [parts.index(part) for part in of_bone]
    of_bone = [_human_part(name) for name in names]
    return HUMAN_PARTS, [HUMAN_PARTS.index(part) for part in of_bone]


def _human_part(name: str) -> str:
    if name in HUMAN_ROLES:
        return human_part(name)
    if name == "jaw" or name.endswith("eye_joint"):
        return "head"
    return f"{name.partition('_')[0]}_hand"


def _animal_part(name: str) -> str:
    side, _, rest = name.partition("_")
    if side not in ("left", "right"):
        starts = {"neck": "neck", "head": "head", "mouth": "head", "tail": "tail"}
        return next((part for start, part in starts.items() if name.startswith(start)), "trunk")
    if rest == "ear":
        return f"{side}_ear"
    end = "rear" if rest.endswith(("back", "back1", "back2", "back3")) else "front"
    kind = {"1": "upper", "2": "lower"}.get(rest[-1], "paw")
    return f"{side}_{end}_{kind}"


def _surface(model: str, file: SmplFile) -> Surface:
    names = skeleton(KINDS[model].skeleton).names
    weights = _tensor(file.weights)
    points = torch.tensor(list(_landmarks(model, file).values()), dtype=torch.long)
    return Surface(
        torch.from_numpy(file.faces),
        torch.tensor(_parts(model, names)[1])[weights.argmax(1)],
        weights / weights.sum(1, keepdim=True),
        torch.nn.functional.one_hot(points, len(file.vertices)).float(),
    )


def _axes(
    config: SmplConfig, names: tuple[str, ...], joints: Float[Tensor, "k 3"]
) -> Float[Tensor, "3 3"]:
    """Axes of the house out of the file's: nearest to left and up, whichever they are."""
    kind = KINDS[config.model]
    at = dict(zip(names, joints, strict=True))
    left, up = (
        _nearest_axis(at[a] - at[b]) for a, b in ((kind.left, kind.right), (kind.high, kind.low))
    )
    back = torch.linalg.cross(up, left)
    if back.norm() < 0.5:
        raise ValueError(f"{config.file}: left and up are one axis: no body of {config.model}")
    return torch.stack([left, back, up])


def _nearest_axis(direction: Float[Tensor, "3"]) -> Float[Tensor, "3"]:
    axis = torch.zeros(3)
    largest = int(direction.abs().argmax())
    axis[largest] = torch.sign(direction[largest])
    return axis


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))
