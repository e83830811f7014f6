"""Make placed poses agree with their picture and with themselves.

A lifter says depth that the picture does not, but across the view a detector is the better witness.
And nobody's bones change length within a clip.

Axes: t frames, j joints. Camera frame, metres.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.kinematics import bone_lengths, parents_first
from vitruve.geometry.projection import normalise_points
from vitruve.skeletons import Skeleton

DOUBTFUL_M = 0.15
"""Distance between a joint and its ray at which the keypoint is believed by half."""
SPREADING_ROUNDS = 8


def towards_rays(
    joints_cam: Float[Tensor, "t j 3"],
    keypoints_px: Float[Tensor, "t j 2"],
    weights: Float[Tensor, "t j"],
    intrinsics: Float[Tensor, "3 3"],
    skeleton: Skeleton,
) -> Float[Tensor, "t j 3"]:
    """How to move each joint, at its depth, onto the ray on which it is seen.

    Weighed by confidence; a keypoint far from its joint is doubted. Joints without a keypoint move
    as their neighbours do.

    Returns:
        Displacements, metres; z is 0.
    """
    seen = weights > 0
    image = normalise_points(torch.where(seen[..., None], keypoints_px, 0.0), intrinsics)
    offset = image * joints_cam[..., 2:] - joints_cam[..., :2]
    belief = weights.clamp(max=1.0) / (1 + (offset.norm(dim=-1) / DOUBTFUL_M) ** 2)
    across = offset * torch.where(seen, belief, 0.0)[..., None]
    across = _spread(torch.where(seen[..., None], across, 0.0), seen, skeleton)
    return torch.cat([across, torch.zeros_like(across[..., :1])], dim=-1)


def median_bones(
    joints: Float[Tensor, "t j 3"], seen: Bool[Tensor, "t"], skeleton: Skeleton
) -> Float[Tensor, "j"]:
    """Each bone's median length over the frames that were seen, alike left and right, metres."""
    used = joints[seen] if seen.any() else joints
    lengths = bone_lengths(used, skeleton.parents).median(0).values
    return (lengths + lengths[list(skeleton.mirror_index)]) / 2


def with_bones(
    joints: Float[Tensor, "t j 3"], lengths: Float[Tensor, "j"], skeleton: Skeleton
) -> Float[Tensor, "t j 3"]:
    """Keep root and bone directions; give every bone its length."""
    out = joints.clone()
    for joint in parents_first(skeleton.parents):
        parent = skeleton.parents[joint]
        if parent >= 0:
            along = torch.nn.functional.normalize(joints[:, joint] - joints[:, parent], dim=-1)
            out[:, joint] = out[:, parent] + lengths[joint] * along
    return out


def _spread(
    moved: Float[Tensor, "t j 2"], known: Bool[Tensor, "t j"], skeleton: Skeleton
) -> Float[Tensor, "t j 2"]:
    """Fill what is not known with the mean of the neighbours in the tree, a few rounds over."""
    links = torch.zeros(skeleton.num_joints, skeleton.num_joints)
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            links[joint, parent] = links[parent, joint] = 1.0
    links = links / links.sum(1, keepdim=True).clamp(min=1.0)
    for _ in range(SPREADING_ROUNDS):
        moved = torch.where(known[..., None], moved, links @ moved)
    return moved
