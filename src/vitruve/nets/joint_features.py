"""What a loss-net reads of each joint: where it is seen, where it is, how its bone lies.

The plain features are those of SCoTL-pose, appendix A.2.2: the keypoint and the 3D joint. The
structural ones are ours: a net that has to find lengths, angles and the camera's rays by itself in
raw coordinates learns what its rival's mistakes look like instead.

Axes: *b any leading axes, j joints, c features.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from vitruve.nets.pose_evidence import PoseEvidence, off_ray
from vitruve.skeletons import Skeleton

_PLAIN = 2 + 3
_STRUCTURAL = 3 + 1 + 1 + 1 + 2
_OFF_RAY_SCALE = 20.0
"""Joints miss their rays by centimetres: this makes features of the order of 1."""
_SHORT_M = 0.01
"""Added to lengths that are divided: bones of a millimetre are no measure."""


class JointFeatures(nn.Module):
    """Features of every joint of a pose."""

    parents: Tensor
    mirror: Tensor

    def __init__(self, skeleton: Skeleton, structure: bool) -> None:
        super().__init__()
        self.structure = structure
        self.num_features = _PLAIN + structure * _STRUCTURAL
        # A root's bone leads from itself to itself and has no length.
        parents = [j if p < 0 else p for j, p in enumerate(skeleton.parents)]
        self.register_buffer("parents", torch.tensor(parents), persistent=False)
        self.register_buffer("mirror", torch.tensor(skeleton.mirror_index), persistent=False)

    def forward(
        self, joints: Float[Tensor, "*b j 3"], evidence: PoseEvidence
    ) -> Float[Tensor, "*b j c"]:
        """Features, all of the order of 1, differentiable in the joints.

        Args:
            joints: Camera axes, metres, relative to the root.
            evidence: Of the same poses.
        """
        plain = [evidence.screen, joints]
        if not self.structure:
            return torch.cat(plain, dim=-1)
        bone = joints - joints[..., self.parents, :]
        length = (bone.square().sum(-1) + _SHORT_M**2).sqrt()
        asymmetry = (length / length[..., self.mirror]).log()
        bend = functional.cosine_similarity(bone, bone[..., self.parents, :], dim=-1, eps=_SHORT_M)
        numbers = torch.stack([length, asymmetry, bend], dim=-1)
        missed = _OFF_RAY_SCALE * off_ray(joints, evidence)
        return torch.cat([*plain, bone, numbers, missed], dim=-1)
