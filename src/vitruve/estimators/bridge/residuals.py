"""How far conversions are off on poses held out.

Axes: n moments, j joints of all formats, k joints of a target, s source formats.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.nets.skeleton_bridge import SkeletonBridge
from vitruve.skeletons import Conversion, conversion


def rms_distance(corpus: ParallelCorpus, there: Conversion) -> Float[Tensor, "k"]:
    """Root mean squared distance of converted joints from the corpus's own, metres.

    Returns:
        One for each target joint; NaN where none was converted and there.
    """
    source, target = corpus.part(there.source.name), corpus.part(there.target.name)
    said, valid = there.apply(corpus.joints[:, source].double(), corpus.valid[:, source])
    squared = (said - corpus.joints[:, target].double()).square().sum(-1)
    both = valid & corpus.valid[:, target]
    # Nothing measured is 0 / 0.
    return (squared.where(both, 0.0).sum(0) / both.sum(0)).sqrt()


def with_residuals(bridge: SkeletonBridge, corpus: ParallelCorpus) -> SkeletonBridge:
    """The bridge with what a corpus it did not learn from says of its conversions.

    Only pairs of formats that the corpus has are measured; the others keep what they had.
    """
    residual, rules = bridge.residual_m.clone(), bridge.rules_m.clone()
    have = {one.name for one in corpus.formats}
    # Nothing is refused but joints that nobody saw, so that what is too far off gets its number.
    unmeasured = torch.full_like(residual, torch.nan)
    every = replace(bridge, residual_m=residual.where(residual.isinf(), unmeasured))
    start = 0
    for target in bridge.formats:
        part = slice(start, start + target.num_joints)
        start = part.stop
        for i, source in enumerate(bridge.formats):
            if source.name in have and target.name in have:
                there = every.conversion(source, target)
                # A joint that no pose has is infinitely far: nothing can be said of it.
                measured = rms_distance(corpus, there).nan_to_num(torch.inf)
                residual[i, part] = measured.to(residual)
                rules[i, part] = rms_distance(corpus, conversion(source, target)).to(rules)
    return replace(bridge, residual_m=residual, rules_m=rules)
