"""Recorded motion onto a body: the pose, shape and place that put its joints where they were seen.

A closed-form guess (`first_guess`) is refined by gradient descent over the whole clip at once. One
shape and one set of joint offsets serve every frame: a dataset's shoulder is a fixed distance from
the body's, and no rotation should have to make up for it. Joints beyond their range, unusual
shapes, large offsets and jerks cost something. Then feet are laid flat and the clip is put on
the floor.

Axes: t frames, j joints, k bones, m bones that move, s shape parameters.
"""

from dataclasses import dataclass
from typing import cast

import roma
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from vitruve.bodies.base import Body, Figure
from vitruve.bodies.first_guess import GUIDES, TREE, first_guess, flat_feet
from vitruve.bodies.joints import JointMap, joint_map, joints_of
from vitruve.bodies.ranges import HUMAN_RANGES
from vitruve.poses import TensorRecord
from vitruve.skeletons import Skeleton, conversion

LOOSE = ("shoulder", "head", "neck", "thorax", "spine", "pelvis", "forehead", "clavicle", "nose")
"""Joints that datasets place differently, by a word in their names."""
_SPANS = {r.role: (r.about_x, r.about_y, r.about_z) for r in HUMAN_RANGES}
_MEANS = {r.role: r.mean for r in HUMAN_RANGES}
_OTHERS = ((15.0, 15.0),) * 3
"""Degrees for bones without a range of their own."""
_FREE = ("hip", "shoulder", "knee")
"""Joints that people turn twice as far as poses are drawn."""


@dataclass(frozen=True)
class RetargetConfig:
    """How hard joints are followed, and what else counts."""

    steps: int = 120
    step_size: float = 0.03
    joint_std: float = 0.01
    """How near a joint is expected to come, metres; errors beyond three times this count less."""
    range_std: float = 0.1
    """How far beyond its range a joint may turn, radians."""
    rest_std: float = 1.0
    """How far a bone usually turns from its rest, radians."""
    change_std: float = 10.0
    """How fast a bone usually turns, radians per second."""
    offset_std: float = 0.01
    """How far a joint's definition may lie from the body's, metres."""
    loose_offset_std: float = 0.06
    """The same for the joints of `LOOSE`."""


@dataclass(frozen=True, eq=False)
class RetargetedMotion(TensorRecord):
    """A clip on a body."""

    pose: Float[Tensor, "t k 3 3"]
    shape: Float[Tensor, "s"]
    root: Float[Tensor, "t 3"]
    offsets: Float[Tensor, "j 3"]
    """Where each joint was seen from the body's own, in the frame of the bone that carries it."""
    lift: Float[Tensor, ""]
    """How much higher than recorded the clip stands, so that its feet are on the floor, metres."""
    residual: Float[Tensor, "t j"]
    """How far each joint, offset included, is from where it was seen, lift aside, metres."""
    distance: Float[Tensor, "t j"]
    """The same without the offset."""
    valid: Bool[Tensor, "t j"]
    """Joints that were seen and that the body can tell."""


def retarget(
    body: Body,
    joints_world: Float[Tensor, "t j 3"],
    skeleton: Skeleton,
    fps: float,
    *,
    valid: Bool[Tensor, "t j"] | None = None,
    config: RetargetConfig | None = None,
) -> RetargetedMotion:
    """Fit a person's body to a clip.

    Args:
        body: A person.
        joints_world: World frame, floor at 0, metres.
        skeleton: What the joints are.
        fps: Frames per second.
        valid: Which joints were seen; all if None.
        config: How.

    Raises:
        ValueError: The joints do not give a Human3.6M skeleton, which the first guess needs.
    """
    config = config or RetargetConfig()
    if valid is None:
        valid = torch.ones_like(joints_world[..., 0], dtype=torch.bool)
    seen = joints_world.to(body.weights)
    core = _core(seen, skeleton, valid)
    fit = _Fit(body, core, seen, skeleton, valid & joint_map(body, skeleton).valid)
    optimiser = torch.optim.Adam(fit.parameters(), lr=config.step_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    for _ in range(config.steps):
        optimiser.zero_grad()
        fit.cost(fps, config).backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return fit.result(core)


def _core(
    seen: Float[Tensor, "t j 3"], skeleton: Skeleton, valid: Bool[Tensor, "t j"]
) -> Float[Tensor, "t 17 3"]:
    """The joints of Human3.6M."""
    core, known = conversion(skeleton, TREE).apply(seen, valid)
    if not known.all():
        lost = TREE.names[int(torch.nonzero(~known.all(0))[0])]
        raise ValueError(
            f"{skeleton.name} does not give {lost!r} in every frame; retargeting needs the "
            "seventeen joints of h36m_17, so fill gaps first"
        )
    return core


class _Fit(nn.Module):
    """Everything that is fitted, and what it costs."""

    def __init__(
        self,
        body: Body,
        core: Float[Tensor, "t 17 3"],
        seen: Float[Tensor, "t j 3"],
        skeleton: Skeleton,
        valid: Bool[Tensor, "t j"],
    ) -> None:
        super().__init__()
        self.body, self.seen, self.valid = body, seen, valid
        self.map: JointMap = joint_map(body, skeleton)
        self.carriers = _carriers(body, self.map)
        self.loose = torch.tensor([any(w in name for w in LOOSE) for name in skeleton.names])
        roles = [r for r in GUIDES if r != "pelvis" and r in body.anatomy.roles]
        self.moving = [body.bone(role) for role in roles]
        spans = torch.tensor([_span(r) for r in roles]).deg2rad().to(seen)
        mean = torch.tensor([_MEANS.get(r, (0.0, 0.0, 0.0)) for r in roles]).deg2rad().to(seen)
        self.low, self.high, self.mean = mean - spans[..., 0], mean + spans[..., 1], mean
        shape = _scaled_shape(body, core)
        rest_joints, _ = joints_of(body, body.rest(shape), TREE)
        self.guess = first_guess(body, core, rest_joints)
        turns = cast(Tensor, roma.rotmat_to_rotvec(self.guess[:, self.moving]))
        pelvis = body.rest(shape).bone_heads[0] - rest_joints[0]
        self.turns = nn.Parameter(turns)
        self.root_turn = nn.Parameter(torch.zeros_like(core[:, 0]))
        self.root = nn.Parameter(core[:, 0] + (self.guess[:, 0] @ pelvis))
        self.shape = nn.Parameter(shape)
        self.offsets = nn.Parameter(torch.zeros_like(seen[0]))

    def pose(self) -> Float[Tensor, "t k 3 3"]:
        """Rotations of all bones."""
        pose = self.guess.clone()
        pose[:, self.moving] = cast(Tensor, roma.rotvec_to_rotmat(self.turns))
        turned = cast(Tensor, roma.rotvec_to_rotmat(self.root_turn)) @ self.guess[:, 0]
        pose[:, 0] = turned
        return pose

    def joints(self, pose: Float[Tensor, "t k 3 3"]) -> tuple[Tensor, Tensor]:
        """The body's joints, and where they are seen."""
        figure: Figure = self.body.figure(self.shape[None])
        posed = self.body.place(figure, pose, self.root, self.map.vertices)
        own = self.map.joints(posed.bone_heads, posed.vertices)
        frames = posed.T_world_bone[:, self.carriers, :3, :3]
        return own, own + (frames @ self.offsets[..., None])[..., 0]

    def cost(self, fps: float, config: RetargetConfig) -> Float[Tensor, ""]:
        """Negative log likelihood of a frame, up to a constant."""
        _, found = self.joints(self.pose())
        error = torch.where(self.valid[..., None], found - self.seen, 0) / config.joint_std
        missed = (9 * (error.square().sum(-1) / 9 + 1).log()).sum(-1).mean()
        beyond = (self.low - self.turns).relu() + (self.turns - self.high).relu()
        turned = (beyond / config.range_std).square() + (
            (self.turns - self.mean) / config.rest_std
        ).square()
        change = self.turns.diff(dim=0) * (fps / config.change_std)
        moved = change.square().sum((1, 2)).mean() if len(self.turns) > 1 else 0.0
        reach = torch.where(self.loose, config.loose_offset_std, config.offset_std)
        offset = (self.offsets / reach[:, None].to(self.offsets)).square().sum()
        return missed + turned.sum((1, 2)).mean() + moved + offset + self._oddity()

    def result(self, core: Float[Tensor, "t 17 3"]) -> RetargetedMotion:
        """What was found, its feet flat on the floor."""
        pose = flat_feet(self.body, self.pose(), core)
        own, found = self.joints(pose)
        residual, distance = ((x - self.seen).norm(dim=-1) for x in (found, own))
        lift = -_height(self, pose, core)
        root = self.root + lift * torch.tensor([0.0, 0.0, 1.0]).to(self.root)
        shape, offsets = self.shape.detach().clone(), self.offsets.detach().clone()
        return RetargetedMotion(pose, shape, root, offsets, lift, residual, distance, self.valid)

    def _oddity(self) -> Float[Tensor, ""]:
        """How unusual the shape is."""
        spans = torch.tensor([p.high - p.low for p in self.body.anatomy.shape_parameters])
        away = (self.shape - self.body.default_shape) / spans.to(self.shape)
        return (2 * away).square().sum()


def _span(role: str) -> tuple[tuple[float, float], ...]:
    spans = _SPANS.get(role, _OTHERS)
    wider = 2.0 if any(word in role for word in _FREE) else 1.3
    return tuple((wider * float(a), wider * float(b)) for a, b in spans)


def _carriers(body: Body, found: JointMap) -> list[int]:
    """The bone that carries each joint most."""
    through_skin = found.of_vertices.abs() @ body.weights[list(found.vertices)]
    return (found.of_heads.abs() + through_skin).argmax(1).tolist()


def _scaled_shape(body: Body, core: Float[Tensor, "t 17 3"]) -> Float[Tensor, "s"]:
    """The default shape with the one parameter that makes bodies tall set by the legs."""
    chain = [TREE.index(f"left_{joint}") for joint in ("hip", "knee", "ankle")]
    wanted = _length(core[:, chain]).median()
    names = [p.name for p in body.anatomy.shape_parameters]
    tall = next((i for i, name in enumerate(names) if name in ("height", "size")), 0)
    parameter = body.anatomy.shape_parameters[tall]
    trials = torch.linspace(parameter.low, parameter.high, 15).to(core)
    shapes = body.default_shape.repeat(len(trials), 1)
    shapes[:, tall] = trials
    joints, _ = joints_of(body, body.rest(shapes), TREE)
    return shapes[(_length(joints[:, chain]) - wanted).abs().argmin()]


def _length(chain: Float[Tensor, "*b n 3"]) -> Float[Tensor, "*b"]:
    return chain.diff(dim=-2).norm(dim=-1).sum(-1)


def _height(
    fit: _Fit, pose: Float[Tensor, "t k 3 3"], core: Float[Tensor, "t 17 3"]
) -> Float[Tensor, ""]:
    """How high the clip's lowest vertices are while an ankle is at its lowest."""
    posed = fit.body.place(fit.body.figure(fit.shape[None]), pose, fit.root)
    ankles = torch.stack([core[:, TREE.index(f"{s}_ankle"), 2] for s in ("left", "right")])
    lowest = ankles.amin(0)
    standing = lowest <= lowest.quantile(0.3)
    return posed.vertices[standing][..., 2].amin(-1).median()
