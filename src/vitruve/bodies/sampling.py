"""Plausible bodies out of nothing: the curated poses of X-as-Supervision, on any body.

Yang et al., "X as Supervision: Contending with Depth Ambiguity in Unsupervised Monocular 3D Pose
Estimation", section 3.3.2 and appendix: every pose parameter is an independent truncated Gaussian.
A component stays as in the rest pose with some probability; else it goes to one of its sides, each
as likely, by a clipped normal number whose 95 % reach the range of that side.

Ours differs in three ways. Each body makes its own choices; the authors' code shares the sides and
the kept components over a batch. A bone twists about itself first and swings then; they take
the components as one axis-angle vector, whose large twists swing the bone elsewhere. A body that
runs through itself is drawn again, and every body stands on the floor.

Axes: n bodies, k bones, s shape parameters, r joint ranges.
"""

from dataclasses import dataclass
from typing import cast

import roma
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from vitruve.bodies.base import Body
from vitruve.bodies.limbs import limbs_of
from vitruve.bodies.ranges import RANGES_OF_BODIES, JointRange
from vitruve.poses import TensorRecord

WITHIN = 1.96
"""Standard deviations within which 95 % of a normal variable lie."""
MAX_ROUNDS = 50
"""How often bodies are drawn again before the settings count as impossible."""


@dataclass(frozen=True)
class SamplingConfig:
    """How bodies are drawn."""

    keep_share: float = 0.4
    """Probability that a component of a joint's rotation stays as in the rest pose."""
    shape_share: float = 0.75
    """How much of each shape parameter's plain range is used; 0 gives the default shape."""
    max_overlap: float = 0.02
    """How deep two limbs may run into each other, metres; infinite turns the check off."""
    ranges: tuple[JointRange, ...] | None = None
    """How far joints turn; those of the body if None."""


@dataclass(frozen=True, eq=False)
class BodySample(TensorRecord):
    """What poses a batch of bodies."""

    pose: Float[Tensor, "n k 3 3"]
    shape: Float[Tensor, "n s"]
    root: Float[Tensor, "n 3"]
    """Above the origin; the lowest vertex is on the floor."""


def sample_bodies(
    body: Body, count: int, generator: Generator, config: SamplingConfig | None = None
) -> BodySample:
    """Draw plausible bodies; the same seed gives the same bodies.

    Args:
        body: Whose.
        count: How many.
        generator: Source of all randomness, on the CPU.
        config: How.

    Raises:
        ValueError: The settings hardly ever give a plausible body, or nothing is known about
            this body's joints.
    """
    config = config or SamplingConfig()
    limbs, kept, found = limbs_of(body), [], 0
    for _ in range(MAX_ROUNDS):
        # Always the same number: what is drawn must not depend on what was refused.
        drawn = _draw(body, count, generator, config)
        with torch.no_grad():
            posed = body(drawn.pose, drawn.shape, drawn.root)
        plausible = limbs.overlap(posed.bone_heads) <= config.max_overlap
        lowest = posed.vertices[..., 2].amin(-1, keepdim=True)
        on_floor = drawn.root - torch.cat([torch.zeros_like(drawn.root[:, :2]), lowest], dim=-1)
        placed = BodySample(drawn.pose, drawn.shape, on_floor)
        kept.append(placed.map(lambda x, chosen=plausible: x[chosen]))
        found += int(plausible.sum())
        if found >= count:
            return BodySample.join(kept).map(lambda x: x[:count])
    raise ValueError(
        f"{found} of {MAX_ROUNDS * count} bodies were plausible and {count} were asked for; "
        f"allow more than max_overlap={config.max_overlap} m or narrow the ranges"
    )


def sample_poses(
    body: Body, count: int, generator: Generator, config: SamplingConfig | None = None
) -> Float[Tensor, "n k 3 3"]:
    """Draw poses without asking whether they are plausible.

    Raises:
        ValueError: No joint ranges are given and none are known of this body.
    """
    config = config or SamplingConfig()
    name = body.anatomy.name
    ranges = config.ranges or body.anatomy.ranges or RANGES_OF_BODIES.get(name)
    if ranges is None:
        raise ValueError(f"no joint ranges are known of body {name!r}; give SamplingConfig.ranges")
    spans = torch.tensor([[r.about_x, r.about_y, r.about_z] for r in ranges]).deg2rad()
    mean = torch.tensor([r.mean for r in ranges]).deg2rad()
    always = torch.tensor([r.always for r in ranges])[:, None]
    size = (count, len(ranges), 3)
    keep = (torch.rand(size, generator=generator) < config.keep_share) & ~always
    side = (torch.rand(size, generator=generator) < 0.5).long()
    reach = torch.where(side == 1, spans[..., 1], spans[..., 0])
    away = torch.randn(size, generator=generator).abs() / WITHIN
    value = mean + (2 * side - 1) * reach * away.clamp(max=1)
    rotations = _swing_after_twist(torch.where(keep, 0, value), ranges)
    pose = body.rest_pose(count).clone()
    pose[:, [body.bone(r.role) for r in ranges]] = rotations.to(pose)
    return pose


def sample_shapes(
    body: Body, count: int, generator: Generator, config: SamplingConfig | None = None
) -> Float[Tensor, "n s"]:
    """Draw shapes: truncated Gaussians about the default shape."""
    config = config or SamplingConfig()
    parameters = body.anatomy.shape_parameters
    default = torch.tensor([p.default for p in parameters])
    spans = torch.tensor([[p.default - p.low, p.high - p.default] for p in parameters])
    side = (torch.rand(count, len(parameters), generator=generator) < 0.5).long()
    reach = config.shape_share * torch.where(side == 1, spans[:, 1], spans[:, 0])
    away = torch.randn(count, len(parameters), generator=generator).abs() / WITHIN
    return (default + (2 * side - 1) * reach * away.clamp(max=1)).to(body.default_shape)


def _draw(body: Body, count: int, generator: Generator, config: SamplingConfig) -> BodySample:
    pose = sample_poses(body, count, generator, config)
    shape = sample_shapes(body, count, generator, config)
    return BodySample(pose, shape, shape.new_zeros(count, 3))


def _swing_after_twist(
    components: Float[Tensor, "n r 3"], ranges: tuple[JointRange, ...]
) -> Float[Tensor, "n r 3 3"]:
    along = torch.eye(3)[["xyz".index(r.along) for r in ranges]]
    twist, swing = components * along, components * (1 - along)
    turned = roma.rotvec_to_rotmat(swing) @ roma.rotvec_to_rotmat(twist)
    return cast(Tensor, turned)
