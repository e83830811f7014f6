"""A bridge from a parallel corpus: the autoencoder, the way in from each format, the errors."""

import time
from collections.abc import Sequence
from dataclasses import asdict

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.estimators.bridge.autoencoder import (
    BridgeConfig,
    Tell,
    completed,
    fit_autoencoder,
    reconstruction_mm,
)
from vitruve.estimators.bridge.residuals import with_residuals
from vitruve.nets.affine_autoencoder import mirror_latents
from vitruve.nets.affine_regression import second_moments, symmetric
from vitruve.nets.skeleton_bridge import SkeletonBridge
from vitruve.skeletons import Skeleton


def fit_bridge(
    learn: ParallelCorpus,
    held_out: ParallelCorpus,
    config: BridgeConfig,
    tell: Tell | None = None,
) -> SkeletonBridge:
    """Fit a bridge between all formats of a corpus.

    Args:
        learn: What is fitted.
        held_out: What the errors are measured on, of the same formats.
        config: Settings.
        tell: Told of the progress.

    Raises:
        ValueError: The formats differ, or the projection cannot be compared.
    """
    if learn.skeleton != held_out.skeleton:
        raise ValueError("the held-out corpus has other formats than the one to learn from")
    begun = time.process_time()
    net = fit_autoencoder(learn, config, tell)
    encoder, decoder = net.encoder, net.decoder
    joints = completed(net, learn)
    latents = encoder @ joints
    side = net.config.latents_per_side
    mirror = mirror_latents(config.latents, side) if config.chirality else None
    parts = ((one, joints[:, learn.part(one.name)]) for one in learn.formats)
    moments = tuple(format_moments(one, part, latents, mirror) for one, part in parts)
    about = {
        "fit": asdict(config),
        "moments": len(learn.joints),
        "held_out": len(held_out.joints),
        "cpu_seconds": round(time.process_time() - begun, 1),
        "reconstruction_mm": reconstruction_mm(net, held_out),
    }
    unknown = _unmeasured(learn)
    rules = torch.full_like(unknown, torch.nan)
    bridge = SkeletonBridge(learn.formats, encoder, decoder, side, moments, unknown, rules, about)
    return with_residuals(bridge, held_out)


def _unmeasured(corpus: ParallelCorpus) -> Float[Tensor, "s j"]:
    """NaN, and infinity in its own format for a joint that no moment has."""
    residual = torch.full((len(corpus.formats), corpus.skeleton.num_joints), torch.nan)
    for i, one in enumerate(corpus.formats):
        part = corpus.part(one.name)
        residual[i, part][~corpus.valid[:, part].any(0)] = torch.inf
    return residual


def format_moments(
    one: Skeleton,
    joints: Float[Tensor, "n j 3"],
    latents: Float[Tensor, "n l 3"],
    mirror: Sequence[int] | None,
) -> Float[Tensor, "m m"]:
    """Second moments of a format's joints and the latents, the same for mirrored people.

    Without a mirror of the latents they are those of the people as they are.
    """
    # Near the person the numbers are small, so that float32 is enough to keep them.
    moments = second_moments(torch.cat([joints, latents], 1) - latents.mean(1, keepdim=True))
    if mirror is None:
        return moments
    return symmetric(moments, [*one.mirror_index, *(one.num_joints + i for i in mirror)])
