"""Joints from bone rotations and bone rotations from joints, on any tree.

Axes: *b any leading axes, j joints. ``parents`` holds each joint's parent, -1 for a root, in any
order. A joint's local rotation turns its children's offsets; x_global = R_global x_local.
"""

from functools import lru_cache
from itertools import pairwise
from typing import cast

import roma
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

TIE_BREAK = 1e-9
"""Pull of a joint with several children towards no rotation; decides only what they leave open."""
OPPOSITE = 1e-12
"""1 + cosine below which two directions count as opposite."""


def parents_first(parents: tuple[int, ...]) -> tuple[int, ...]:
    """Joint indices ordered so that every parent comes before its children.

    Raises:
        ValueError: A parent index is out of range, or the tree has a cycle.
    """
    wrong = [p for p in parents if not -1 <= p < len(parents)]
    if wrong:
        raise ValueError(f"parent {wrong[0]} is no joint; give -1 (root) to {len(parents) - 1}")
    children = children_of(parents)
    order = [joint for joint, parent in enumerate(parents) if parent < 0]
    for joint in order:
        order.extend(children[joint])
    if len(order) < len(parents):
        lost = sorted(set(range(len(parents))) - set(order))
        raise ValueError(f"joints {lost} form a cycle of parents; every chain must end in -1")
    return tuple(order)


@lru_cache(maxsize=256)
def depth_levels(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Joints by their distance from the root, the roots first.

    Raises:
        ValueError: ``parents`` is no tree.
    """
    depth = [0] * len(parents)
    for joint in parents_first(parents):
        depth[joint] = depth[parents[joint]] + 1 if parents[joint] >= 0 else 0
    return tuple(
        tuple(joint for joint, d in enumerate(depth) if d == level)
        for level in range(max(depth, default=-1) + 1)
    )


def children_of(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Children of each joint, in index order."""
    return tuple(
        tuple(child for child, parent in enumerate(parents) if parent == joint)
        for joint in range(len(parents))
    )


def bone_lengths(
    joints: Float[Tensor, "*b j 3"], parents: tuple[int, ...]
) -> Float[Tensor, "*b j"]:
    """Distance of each joint from its parent; 0 for a root."""
    above = torch.tensor([i if p < 0 else p for i, p in enumerate(parents)], device=joints.device)
    return (joints - joints[..., above, :]).norm(dim=-1)


def angle_at(
    a: Float[Tensor, "*b 3"], b: Float[Tensor, "*b 3"], c: Float[Tensor, "*b 3"]
) -> Float[Tensor, "*b"]:
    """Angle at ``b`` between bones to ``a`` and ``c``, radians: pi when straight, 0 when folded.

    A bone without length gives 0.
    """
    u, v = a - b, c - b
    return torch.atan2(torch.linalg.cross(u, v).norm(dim=-1), (u * v).sum(-1))


def forward_kinematics(
    local_rotations: Float[Tensor, "*b j 3 3"],
    offsets: Float[Tensor, "*#b j 3"],
    root: Float[Tensor, "*#b 3"],
    parents: tuple[int, ...],
) -> tuple[Float[Tensor, "*b j 3"], Float[Tensor, "*b j 3 3"]]:
    """Joints of a posed tree.

    Args:
        local_rotations: Each joint relative to its parent.
        offsets: Rest position of each joint relative to its parent; a root's is added to ``root``.
        root: Where the tree stands.
        parents: The tree.

    Returns:
        Joints in the unit of ``offsets``, and global rotations.

    Raises:
        ValueError: ``parents`` is no tree.
    """
    levels = depth_levels(parents)
    order = [joint for level in levels for joint in level]
    first = list(levels[0])
    turned = [local_rotations[..., first, :, :]]
    start = root[..., None, :] + offsets[..., first, :]
    placed = [start.expand(*local_rotations.shape[:-3], len(first), 3)]
    for above, level in pairwise(levels):
        # A level at a time: a body has a hundred joints, but only a dozen levels.
        at = [above.index(parents[joint]) for joint in level]
        frame, here = turned[-1][..., at, :, :], list(level)
        placed.append(placed[-1][..., at, :] + (frame @ offsets[..., here, :, None])[..., 0])
        turned.append(frame @ local_rotations[..., here, :, :])
    back = [order.index(joint) for joint in range(len(parents))]
    return torch.cat(placed, dim=-2)[..., back, :], torch.cat(turned, dim=-3)[..., back, :, :]


def inverse_kinematics(
    joints: Float[Tensor, "*b j 3"],
    offsets: Float[Tensor, "j 3"],
    parents: tuple[int, ...],
    valid: Bool[Tensor, "*b j"] | None = None,
) -> Float[Tensor, "*b j 3 3"]:
    """Twist-free local rotations that take rest offsets to the observed bone directions.

    A joint with one child swings by the smallest rotation from its parent's frame, so nothing
    twists about a bone that positions cannot see. A joint with several takes the rotation that fits
    their directions best. Leaves, and joints whose bones have no length or an invalid end, keep
    their parent's frame. A bone that points exactly against its rest direction turns half round
    about a fixed axis; crossing that point is the one place where a smooth motion gives a jump.

    Positions come back exactly through ``forward_kinematics`` when bone lengths are those of
    ``offsets`` and bones of one joint keep their angles; otherwise directions are kept where
    possible.

    Raises:
        ValueError: ``parents`` is no tree.
    """
    if valid is None:
        valid = torch.ones_like(joints[..., 0], dtype=torch.bool)
    x = torch.where(valid[..., None], joints, 0).double()
    rest = offsets.double()
    eye = torch.eye(3, dtype=x.dtype, device=x.device).expand(*x.shape[:-2], 3, 3)
    children = children_of(parents)
    global_rotations: dict[int, Tensor] = {-1: eye}
    local: dict[int, Tensor] = {}
    for joint in parents_first(parents):
        frame = global_rotations[parents[joint]]
        kids = list(children[joint])
        bones = (x[..., kids, :] - x[..., joint, None, :]) @ frame
        seen = valid[..., kids] & valid[..., joint, None]
        local[joint] = _turn(rest[kids].expand_as(bones), bones, seen) if kids else eye
        global_rotations[joint] = frame @ local[joint]
    return torch.stack([local[i] for i in range(len(parents))], dim=-3).to(joints.dtype)


def _unit(v: Float64[Tensor, "*b 3"]) -> Float64[Tensor, "*b 3"]:
    length = v.norm(dim=-1, keepdim=True)
    return torch.where(length > 0, v / torch.where(length > 0, length, 1), 0)


def _swing(a: Float64[Tensor, "*b 3"], b: Float64[Tensor, "*b 3"]) -> Float64[Tensor, "*b 3 3"]:
    """Smallest rotation from direction ``a`` to ``b``: I + [v] + [v]^2 / (1 + cos), v = a x b."""
    a, b = _unit(a), _unit(b)
    v, cos = torch.linalg.cross(a, b), (a * b).sum(-1)[..., None, None]
    opposite = 1 + cos < OPPOSITE
    nil = torch.zeros_like(v[..., 0])
    x, y, z = v.unbind(-1)
    skew = torch.stack([nil, -z, y, z, nil, -x, -y, x, nil], dim=-1).unflatten(-1, (3, 3))
    eye = torch.eye(3, dtype=a.dtype, device=a.device)
    small = eye + skew + skew @ skew / torch.where(opposite, 1, 1 + cos)
    least = torch.nn.functional.one_hot(a.abs().argmin(-1), 3).to(a.dtype)
    axis = _unit(torch.linalg.cross(a, least))
    half_turn = 2 * axis[..., None] * axis[..., None, :] - eye
    return torch.where(opposite, half_turn, small)


def _turn(
    rest: Float64[Tensor, "*b k 3"], bones: Float64[Tensor, "*b k 3"], seen: Bool[Tensor, "*b k"]
) -> Float64[Tensor, "*b 3 3"]:
    """Rotation of a joint that takes its rest bones to the observed ones."""
    if rest.shape[-2] > 1:
        return _best_fit(rest, bones, seen)
    return _swing(rest[..., 0, :], torch.where(seen, bones[..., 0, :], rest[..., 0, :]))


def _best_fit(
    rest: Float64[Tensor, "*b k 3"], bones: Float64[Tensor, "*b k 3"], seen: Bool[Tensor, "*b k"]
) -> Float64[Tensor, "*b 3 3"]:
    """Rotation of rest bones onto observed ones; long bones say more about it than short ones."""
    weight = torch.where(seen, rest.norm(dim=-1), 0)
    weight = weight / weight.sum(-1, keepdim=True).clamp(min=torch.finfo(weight.dtype).tiny)
    moment = torch.einsum("...k,...ki,...km->...im", weight, _unit(bones), _unit(rest))
    eye = torch.eye(3, dtype=moment.dtype, device=moment.device)
    return cast(Tensor, roma.special_procrustes(moment + TIE_BREAK * eye, method="svd"))
