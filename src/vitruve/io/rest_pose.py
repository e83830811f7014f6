"""One rigid, standing figure per clip, and the rotations that move it: what BVH and GLB need.

World axes (z up). The rest figure looks along -y with its left at +x, arms out, legs down, so that
it faces +z once y is up, as rigs for retargeting expect. Axes: t frames, j joints, k children.
"""

from dataclasses import dataclass

import numpy as np
import roma
import torch
from jaxtyping import Bool, Float64
from torch import Tensor

from vitruve.geometry.kinematics import (
    children_of,
    forward_kinematics,
    inverse_kinematics,
    parents_first,
)
from vitruve.poses import PoseSequence
from vitruve.skeletons import Skeleton

_OUT = (
    "elbow",
    "radius",
    "wrist",
    "palm",
    "hand",
    "finger",
    "thumb",
    "index",
    "middle",
    "ring",
    "pinky",
)
_DOWN = ("knee", "ankle")
_FORWARD = ("toe", "foot")
_TINY = 1e-9
_ALIGNMENT_ROUNDS = 3


@dataclass(frozen=True)
class RiggedClip:
    """A rest figure and what moves it."""

    offsets: Float64[Tensor, "j 3"]
    """Rest position of each joint relative to its parent, metres; 0 for the root."""
    rotations: Float64[Tensor, "t j 3 3"]
    """Of each joint relative to its parent."""
    joints: Float64[Tensor, "t j 3"]
    """The clip's joints with gaps bridged in a straight line."""
    error_m: Float64[Tensor, "t j"]
    """How far the rigid figure's joints lie from ``joints``."""

    @property
    def root(self) -> int:
        """The joint whose offset is 0 and that carries the translation."""
        return int(self.offsets.norm(dim=-1).argmin())


def rig(sequence: PoseSequence, file_kind: str) -> RiggedClip:
    """Fit a figure of constant bone lengths to a clip.

    Args:
        sequence: The clip.
        file_kind: Named in errors.

    Raises:
        ValueError: The joints are no single tree, or the root is never valid.
    """
    skeleton = sequence.skeleton
    root = single_root(skeleton, file_kind)
    valid = sequence.valid.cpu()
    if not valid[:, root].any():
        raise ValueError(
            f"joint {skeleton.names[root]!r} is valid in no frame, and {file_kind} hangs every "
            "joint on it; write trc, c3d, csv, npz or json instead"
        )
    never = ~valid.any(0)
    joints = _bridge(sequence.joints_world.detach().cpu().double(), valid)
    joints, valid = _onto_parents(joints, valid, skeleton.parents)
    offsets = _rest_offsets(skeleton, joints, valid)
    seen = valid.any(0).expand_as(valid)
    rotations = inverse_kinematics(joints, offsets, skeleton.parents, seen)
    fitted, _ = forward_kinematics(rotations, offsets, joints[:, root], skeleton.parents)
    joints = torch.where(never[:, None], fitted, joints)
    return RiggedClip(offsets, rotations, joints, (fitted - joints).norm(dim=-1))


def single_root(skeleton: Skeleton, file_kind: str) -> int:
    """The one joint without parent.

    Raises:
        ValueError: There are several.
    """
    roots = [j for j, p in enumerate(skeleton.parents) if p < 0]
    if len(roots) != 1:
        named = ", ".join(skeleton.names[j] for j in roots[:6])
        raise ValueError(
            f"skeleton {skeleton.name!r} has {len(roots)} roots ({named}); {file_kind} needs one: "
            "convert to such a skeleton first, or write trc, c3d, csv, npz or json"
        )
    return roots[0]


def _bridge(
    joints: Float64[Tensor, "t j 3"], valid: Bool[Tensor, "t j"]
) -> Float64[Tensor, "t j 3"]:
    bridged = joints.numpy().copy()
    rows = np.arange(len(bridged))
    for j, seen in enumerate(valid.numpy().T):
        if seen.any() and not seen.all():
            for axis in range(3):
                bridged[~seen, j, axis] = np.interp(rows[~seen], rows[seen], bridged[seen, j, axis])
        elif not seen.any():
            bridged[:, j] = 0
    return torch.from_numpy(bridged)


def _onto_parents(
    joints: Float64[Tensor, "t j 3"], valid: Bool[Tensor, "t j"], parents: tuple[int, ...]
) -> tuple[Float64[Tensor, "t j 3"], Bool[Tensor, "t j"]]:
    """Put joints that are never seen onto their parents: what hangs on them keeps its place."""
    joints, valid, absent = joints.clone(), valid.clone(), ~valid.any(0)
    for joint in parents_first(parents):
        if absent[joint]:
            joints[:, joint], valid[:, joint] = joints[:, parents[joint]], valid[:, parents[joint]]
    return joints, valid


def _rest_offsets(
    skeleton: Skeleton, joints: Float64[Tensor, "t j 3"], valid: Bool[Tensor, "t j"]
) -> Float64[Tensor, "j 3"]:
    wanted = _standing_directions(skeleton, joints, valid)
    offsets = torch.zeros_like(wanted)
    for joint, children in enumerate(children_of(skeleton.parents)):
        kids = [k for k in children if (valid[:, k] & valid[:, joint]).any()]
        if not kids:
            continue
        seen = valid[:, kids] & valid[:, joint, None]
        bones = joints[:, kids] - joints[:, joint, None]
        length = bones.norm(dim=-1).masked_fill(~seen, torch.nan).nanmedian(dim=0).values
        # Siblings keep the angles they have in the clip: only then can one rotation move them all.
        directions = wanted[kids]
        if len(kids) > 1 and seen.all(-1).any():
            shape = _mean_shape(_unit(bones[seen.all(-1)]))
            directions = shape @ _align(shape[None], directions[None])[0].T
        offsets[kids] = directions * length[:, None]
    return offsets


def _mean_shape(directions: Float64[Tensor, "t k 3"]) -> Float64[Tensor, "k 3"]:
    mean = directions[0]
    for _ in range(_ALIGNMENT_ROUNDS):
        turn = _align(directions, mean.expand_as(directions))
        mean = _unit((directions @ turn.transpose(-1, -2)).mean(0))
    return mean


def _align(
    moving: Float64[Tensor, "*b k 3"], target: Float64[Tensor, "*b k 3"]
) -> Float64[Tensor, "*b 3 3"]:
    eye = torch.eye(3, dtype=moving.dtype)
    moment = target.transpose(-1, -2) @ moving + _TINY * eye
    return torch.as_tensor(roma.special_procrustes(moment, method="svd"))


def _standing_directions(
    skeleton: Skeleton, joints: Float64[Tensor, "t j 3"], valid: Bool[Tensor, "t j"]
) -> Float64[Tensor, "j 3"]:
    """Unit direction of the bone to each joint: limbs by name, the rest as in the clip."""
    above = torch.tensor([j if p < 0 else p for j, p in enumerate(skeleton.parents)])
    seen = (valid & valid[:, above])[..., None]
    bones = _unit(joints - joints[:, above]) @ _body_axes(skeleton, joints)
    mean = _unit((bones * seen).sum(0))
    flip = torch.tensor([-1.0, 1.0, 1.0], dtype=mean.dtype)
    mean = _unit(mean + mean[list(skeleton.mirror_index)] * flip)
    for joint, name in enumerate(skeleton.names):
        side = 1.0 if joint in skeleton.left else -1.0 if joint in skeleton.right else 0.0
        named = _limb_direction(name.lower(), side)
        if named is not None:
            mean[joint] = torch.tensor(named, dtype=mean.dtype)
        elif mean[joint].norm() < 0.5:
            mean[joint] = torch.tensor([0.0, 0.0, 1.0], dtype=mean.dtype)
    return mean


def _limb_direction(name: str, side: float) -> tuple[float, float, float] | None:
    if any(word in name for word in _FORWARD):
        return (0.0, -1.0, 0.0)
    if any(word in name for word in _DOWN):
        return (0.0, 0.0, -1.0)
    if side and any(word in name for word in _OUT):
        return (side, 0.0, 0.0)
    return None


def _body_axes(skeleton: Skeleton, joints: Float64[Tensor, "t j 3"]) -> Float64[Tensor, "t 3 3"]:
    """Columns: the person's left, back and up in each frame; the world's axes where unknown."""
    world = torch.eye(3, dtype=joints.dtype).expand(len(joints), 3, 3)

    def pair(word: str) -> list[int]:
        return [j for j in skeleton.left if word in skeleton.names[j].lower()][:1]

    trunk = pair("hip") + pair("shoulder")
    if not trunk:
        return world
    mirrored = [skeleton.mirror_index[j] for j in trunk]
    left = _unit((joints[:, trunk] - joints[:, mirrored]).mean(1))
    middle = (joints[:, trunk] + joints[:, mirrored]) / 2
    up = middle[:, -1] - middle[:, 0] if len(trunk) == 2 else world[:, 2]
    back = _unit(torch.linalg.cross(_unit(up), left))
    axes = torch.stack([left, back, torch.linalg.cross(left, back)], dim=-1)
    sound = (torch.linalg.det(axes) > 0.5)[:, None, None]
    return torch.where(sound, axes, world)


def _unit(v: Tensor) -> Tensor:
    return torch.nn.functional.normalize(v, dim=-1, eps=_TINY)
