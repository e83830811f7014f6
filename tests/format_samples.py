"""People of random joints in the formats that the variants of one model learn."""

import torch

from vitruve.data.corpora.one_format_each import FORMATS
from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.skeletons import skeleton


def people(names=FORMATS, n=150, seed=0):
    """Random points by name, so that formats agree where names do."""
    formats = tuple(map(skeleton, names))
    draw = torch.Generator().manual_seed(seed)
    known = sorted({joint for one in formats for joint in one.names})
    points = 0.3 * torch.randn(n, len(known), 3, generator=draw) + torch.tensor([0.0, 0.0, 1.0])
    order = [known.index(joint) for one in formats for joint in one.names]
    valid = torch.ones(n, len(order), dtype=torch.bool)
    return ParallelCorpus(formats, points[:, order], valid, torch.arange(n) // 5)
