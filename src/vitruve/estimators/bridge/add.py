"""Another format for a fitted bridge: its own rows alone are fitted, all others stay.

Axes: n moments, l latents, j joints.
"""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.estimators.bridge.fit import format_moments
from vitruve.estimators.bridge.residuals import with_residuals
from vitruve.nets.affine_regression import affine_weights
from vitruve.nets.skeleton_bridge import NOISE_M, SkeletonBridge
from vitruve.skeletons import Skeleton


def add_format(
    bridge: SkeletonBridge, name: str, learn: ParallelCorpus, held_out: ParallelCorpus
) -> SkeletonBridge:
    """The bridge with one format more.

    Args:
        bridge: A fitted bridge.
        name: The new format.
        learn: The new format and one or more that the bridge knows, at the same moments; moments
            that lack a joint are left out.
        held_out: What the errors are measured on.

    Raises:
        ValueError: The bridge has the format already, or knows no other format of the corpus, or
            the corpus has too few whole moments.
        KeyError: The corpus does not have the format.
    """
    new, whole = _whole(bridge, name, learn)
    part = learn.part(name)
    latents, joints = _latents(bridge, whole), whole.joints[:, part].double()
    moments = format_moments(new, joints, latents, bridge.mirror)
    count, every = new.num_joints, len(moments)
    rows = affine_weights(moments, range(count, every), range(count), NOISE_M)
    residual, rules = (_enlarged(x, count) for x in (bridge.residual_m, bridge.rules_m))
    residual[-1, -count:][~learn.valid[:, part].any(0)] = torch.inf
    added = replace(
        bridge,
        formats=(*bridge.formats, new),
        decoder=torch.cat([bridge.decoder, rows.to(bridge.decoder)]),
        moments=(*bridge.moments, moments),
        residual_m=residual,
        rules_m=rules,
        about={**bridge.about, "added": [*bridge.about.get("added", []), name]},
    )
    measured = with_residuals(added, held_out)
    # What the bridge's own corpus said of the others stays.
    for old, found in ((residual, measured.residual_m), (rules, measured.rules_m)):
        old[-1], old[:, -count:] = found[-1], found[:, -count:]
    return replace(added, residual_m=residual, rules_m=rules)


def _enlarged(errors: Float[Tensor, "s j"], count: int) -> Float[Tensor, "_ _"]:
    """With a row and columns for a new format, not measured."""
    larger = torch.full((errors.shape[0] + 1, errors.shape[1] + count), torch.nan)
    larger[:-1, :-count] = errors
    return larger


def _whole(
    bridge: SkeletonBridge, name: str, corpus: ParallelCorpus
) -> tuple[Skeleton, ParallelCorpus]:
    """The new format, and the moments that have all joints."""
    if name in {one.name for one in bridge.formats}:
        raise ValueError(f"the bridge has {name} already; fit a new bridge to replace it")
    part = corpus.part(name)
    new = next(one for one in corpus.formats if one.name == name)
    # A joint that no moment has cannot be asked of any.
    complete = (corpus.valid | ~corpus.valid.any(0)).all(1)
    whole = corpus.rows(complete & corpus.valid[:, part].any(1))
    if len(whole.joints) < new.num_joints:
        raise ValueError(
            f"{len(whole.joints)} moments have all joints; {name} needs {new.num_joints} or more"
        )
    return new, whole


def _latents(bridge: SkeletonBridge, corpus: ParallelCorpus) -> Float[Tensor, "n l 3"]:
    """The latents as all known formats of a corpus say together, the surer ones counting more."""
    known = [one for one in corpus.formats if one.name in {s.name for s in bridge.formats}]
    if not known:
        raise ValueError(
            f"the corpus has no format that the bridge knows; it knows "
            f"{', '.join(s.name for s in bridge.formats)}"
        )
    total, sure = 0.0, 0.0
    for one in known:
        part = corpus.part(one.name)
        weights, error = bridge.to_latents(one, corpus.valid[:, part].any(0).tolist())
        trust = 1.0 / error.diagonal().clamp(min=1e-8)[:, None]
        total = total + trust * (weights @ corpus.joints[:, part].double())
        sure = sure + trust
    return total / torch.as_tensor(sure)
