"""The best affine weights from one format straight to another: what a bridge is compared with.

A bridge needs few latent points and can take up further formats; this knows one pair and nothing
else. Axes: m joints of the source and then of the target.
"""

from dataclasses import replace

import torch

from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.nets.affine_regression import affine_weights, second_moments, symmetric
from vitruve.nets.skeleton_bridge import NOISE_M
from vitruve.skeletons import Conversion, conversion


def direct_conversion(corpus: ParallelCorpus, like: Conversion) -> Conversion:
    """A conversion of the same joints, by weights fitted to this pair alone.

    Args:
        corpus: What to learn from; moments that lack a joint which others have are left out.
        like: Whose pair and qualities; joints that rules call exact stay theirs.

    Raises:
        KeyError: The corpus lacks one of the formats.
    """
    source, target = like.source, like.target
    parts = [corpus.part(source.name), corpus.part(target.name)]
    joints = torch.cat([corpus.joints[:, part] for part in parts], 1)
    valid = torch.cat([corpus.valid[:, part] for part in parts], 1)
    there = valid.any(0)
    joints = joints[(valid | ~there).all(1)]
    inputs = torch.nonzero(there[: source.num_joints])[:, 0].tolist()
    joints = joints - joints[:, inputs].mean(1, keepdim=True)
    mirror = [*source.mirror_index, *(source.num_joints + m for m in target.mirror_index)]
    moments = symmetric(second_moments(joints), mirror)
    weights = torch.zeros_like(like.weights)
    outputs = range(source.num_joints, len(mirror))
    weights[:, inputs] = affine_weights(moments, inputs, outputs, NOISE_M).to(weights)
    rules = conversion(source, target)
    exact = torch.tensor([quality == "exact" for quality in rules.quality])
    weights = torch.where(exact[:, None], rules.weights.to(weights), weights)
    present = torch.tensor([quality != "absent" for quality in like.quality])
    return replace(like, weights=torch.where(present[:, None], weights, 0.0), residual_m=None)
