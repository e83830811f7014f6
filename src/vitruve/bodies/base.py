"""A body that can be posed: one interface for people and animals, mesh models and capsules.

World frame: z up, floor at z = 0, metres. In its rest pose every body stands on the floor and
faces -y; x points to its left, y to its back, z up. A person rests in a T: legs straight down, feet
forward, arms straight out to the sides, palms down. A four-legged animal rests standing.

A pose is one rotation matrix per bone, about the axes of the body in its rest pose and about the
head of the bone: a bone without rotation is carried along by its parent as it rests. So the same
rotation of the same bone moves every body alike: about +x the body leans forward and the leg
swings back; about +y it leans to its left; about +z it turns to its left.

Axes: *b any leading axes, v vertices, f faces, k bones, s shape parameters, l landmarks.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from vitruve.bodies.ranges import JointRange
from vitruve.geometry.kinematics import forward_kinematics
from vitruve.poses import TensorRecord

SOLE_HEIGHT = 0.04
"""Vertices of the rest body below this height are its soles, metres."""


@dataclass(frozen=True)
class ShapeParameter:
    """One number of a body's shape."""

    name: str
    low: float
    high: float
    """Plain range: bodies look right from ``low`` to ``high``, and nothing stops at the ends."""
    default: float
    meaning: str = ""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What is fixed about a body."""

    name: str
    bone_names: tuple[str, ...]
    parents: tuple[int, ...]
    """Parent of each bone, -1 for the root, which is bone 0."""
    part_names: tuple[str, ...]
    shape_parameters: tuple[ShapeParameter, ...]
    roles: Mapping[str, str]
    """What a bone is to samplers and inverse kinematics (``left_knee``) to its name."""
    landmarks: tuple[str, ...] = ()
    """Names of points on the surface."""
    ranges: tuple[JointRange, ...] = ()
    """How far joints turn when poses are drawn, if not as `RANGES_OF_BODIES` has it."""


@dataclass(frozen=True, eq=False)
class Surface(TensorRecord):
    """The mesh of a body, whatever its shape and pose."""

    faces: Int64[Tensor, "f 3"]
    """Vertices of each triangle, counter-clockwise from outside."""
    part_of_vertex: Int64[Tensor, "v"]
    """Index into ``part_names``."""
    weights: Float[Tensor, "v k"]
    """How much each bone carries each vertex; rows sum to 1."""
    landmark_weights: Float[Tensor, "l v"]
    """Each landmark as a mean of vertices; rows sum to 1."""


@dataclass(frozen=True, eq=False)
class Figure(TensorRecord):
    """A body of some shape before it is posed, as its model was built."""

    vertices: Float[Tensor, "*b v 3"]
    heads: Float[Tensor, "*b k 3"]
    to_rest: Float[Tensor, "*b k 3 3"] | None = None
    """Turns each bone from how the model was built to the rest pose; None if it was built in it."""


@dataclass(frozen=True, eq=False)
class PosedBody(TensorRecord):
    """A body in the world."""

    vertices: Float[Tensor, "*b v 3"]
    """Metres."""
    T_world_bone: Float[Tensor, "*b k 4 4"]
    """Places each bone: origin at its head, axes those of the body in its rest pose."""

    @property
    def bone_heads(self) -> Float[Tensor, "*b k 3"]:
        """Where each bone begins, metres."""
        return self.T_world_bone[..., :3, 3]


class Body(nn.Module, ABC):
    """A mesh that bones move.

    Differentiable with respect to pose, shape and place. Its tensors are buffers that move with
    ``to``; there is nothing to train.
    """

    def __init__(self, anatomy: Anatomy, surface: Surface) -> None:
        super().__init__()
        self.anatomy = anatomy
        shape = [p.default for p in anatomy.shape_parameters]
        buffers = {
            "faces": surface.faces,
            "part_of_vertex": surface.part_of_vertex,
            "weights": surface.weights,
            "landmark_weights": surface.landmark_weights,
            "default_shape": torch.tensor(shape, dtype=surface.weights.dtype),
        }
        for name, tensor in buffers.items():
            self.register_buffer(name, tensor, persistent=False)

    faces: Int64[Tensor, "f 3"]
    part_of_vertex: Int64[Tensor, "v"]
    weights: Float[Tensor, "v k"]
    landmark_weights: Float[Tensor, "l v"]
    default_shape: Float[Tensor, "s"]

    @property
    def num_bones(self) -> int:
        """Length of every ``k`` axis."""
        return len(self.anatomy.bone_names)

    def bone(self, name: str) -> int:
        """Index of a bone by its name or its role.

        Raises:
            KeyError: The body has no such bone.
        """
        known = self.anatomy.roles.get(name, name)
        if known not in self.anatomy.bone_names:
            raise KeyError(f"{self.anatomy.name} has no bone {name!r}")
        return self.anatomy.bone_names.index(known)

    @abstractmethod
    def figure(self, shape: Float[Tensor, "*b s"]) -> Figure:
        """The body of this shape before it is posed."""

    def corrected(
        self, figure: Figure, pose: Float[Tensor, "*b k 3 3"]
    ) -> Float[Tensor, "*#b v 3"]:
        """Vertices of the figure after what the pose does to them before bones move them."""
        del pose
        return figure.vertices

    def rest_pose(self, *batch: int) -> Float[Tensor, "*b k 3 3"]:
        """No rotation of any bone."""
        eye = torch.eye(3, dtype=self.weights.dtype, device=self.weights.device)
        return eye.expand(*batch, self.num_bones, 3, 3)

    def forward(
        self,
        pose: Float[Tensor, "*b k 3 3"],
        shape: Float[Tensor, "*#b s"] | None = None,
        root: Float[Tensor, "*#b 3"] | None = None,
    ) -> PosedBody:
        """Pose the body.

        Args:
            pose: A rotation per bone.
            shape: Its shape; the default if None.
            root: Where the head of the root bone is, metres; above the origin, as high as
                when the rest body stands on the floor, if None.
        """
        if shape is None:
            shape = self.default_shape.expand(*[1] * (pose.dim() - 3), -1)
        figure = self.figure(shape)
        return self.place(figure, pose, self._standing(figure) if root is None else root)

    def place(
        self,
        figure: Figure,
        pose: Float[Tensor, "*b k 3 3"],
        root: Float[Tensor, "*#b 3"],
        vertices: Sequence[int] | None = None,
    ) -> PosedBody:
        """Pose a figure, or only some of its vertices: all a fit needs are the joints' own."""
        offsets, parents = self._offsets(figure), self.anatomy.parents
        heads, turned = forward_kinematics(pose, offsets, root, parents)
        points, weights = self.corrected(figure, pose), self.weights
        if vertices is not None:
            points, weights = points[..., list(vertices), :], weights[list(vertices)]
        moved = _skin(points, weights, figure, heads, turned)
        return PosedBody(moved, _transforms(turned, heads))

    def rest(self, shape: Float[Tensor, "*b s"] | None = None) -> PosedBody:
        """The body in its rest pose, standing on the floor with its root above the origin."""
        batch = () if shape is None else shape.shape[:-1]
        return self(self.rest_pose(*batch), shape)

    def landmarks(self, posed: PosedBody) -> Float[Tensor, "*b l 3"]:
        """The named points on the surface, metres."""
        return self.landmark_weights @ posed.vertices

    def _offsets(self, figure: Figure) -> Float[Tensor, "*b k 3"]:
        """Each head from its parent's in the rest pose; the root's is zero."""
        above = [max(p, 0) for p in self.anatomy.parents]
        offsets = figure.heads - figure.heads[..., above, :]
        if figure.to_rest is None:
            return offsets
        # The root turns nothing: its head stays where the root is put.
        return (figure.to_rest[..., above, :, :] @ offsets[..., None])[..., 0]

    @cached_property
    def _soles(self) -> list[int]:
        """Vertices on which the default body stands."""
        with torch.no_grad():
            z = self(self.rest_pose(), root=self.default_shape.new_zeros(3)).vertices[:, 2]
        return torch.nonzero(z < z.min() + SOLE_HEIGHT)[:, 0].tolist()

    def _standing(self, figure: Figure) -> Float[Tensor, "*b 3"]:
        """Where the root of the rest body is when its soles touch the floor."""
        pose = self.rest_pose(*figure.heads.shape[:-2])
        nowhere = torch.zeros_like(figure.heads[..., 0, :])
        lowest = self.place(figure, pose, nowhere, self._soles).vertices[..., 2].amin(-1)
        return torch.stack([nowhere[..., 0], nowhere[..., 1], -lowest], dim=-1)


def _skin(
    points: Float[Tensor, "*#b w 3"],
    weights: Float[Tensor, "w k"],
    figure: Figure,
    heads: Float[Tensor, "*b k 3"],
    turned: Float[Tensor, "*b k 3 3"],
) -> Float[Tensor, "*b w 3"]:
    """Linear blend skinning: each point goes where the mean of its bones takes it."""
    carried = turned if figure.to_rest is None else turned @ figure.to_rest
    moved = heads - (carried @ figure.heads[..., None])[..., 0]
    # Coordinates before vertices: sums then run along memory, which is several times as fast.
    affine = torch.cat([carried, moved[..., None]], dim=-1).flatten(-2).mT.contiguous()
    blended = nn.functional.linear(affine, weights).unflatten(-2, (3, 4))
    turned_points = (blended[..., :3, :] * points.mT[..., None, :, :]).sum(-2)
    return (turned_points + blended[..., 3, :]).mT


def _transforms(
    rotations: Float[Tensor, "*b k 3 3"], places: Float[Tensor, "*b k 3"]
) -> Float[Tensor, "*b k 4 4"]:
    below = torch.zeros_like(rotations[..., :1, :])
    top = torch.cat([rotations, places[..., None]], dim=-1)
    last = torch.cat([below, torch.ones_like(places[..., :1, None])], dim=-1)
    return torch.cat([top, last], dim=-2)
