"""Fitting an affine-combining autoencoder to a parallel corpus.

Section 3.3 of Sárándi et al. (see `vitruve.nets.affine_autoencoder`). We deviate: the error of the
reconstruction is a mean over the joints that are there, and the weights' sizes are means over
rows, so that the factor between them does not depend on how many joints and latents there are. A
joint that is missing takes the place that the autoencoder itself gave it when it last saw the
moment, and never counts in the error.

Axes: b moments of a step, n moments, j joints.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.data.corpora.parallel import ParallelCorpus
from vitruve.nets.affine_autoencoder import AffineAutoencoder, AffineAutoencoderConfig, Normalise
from vitruve.skeletons import Skeleton

HEAD = re.compile(r"nose|eye|ear|mouth|face|head|jaw|chin|skull")
MIN_DEPTH_M = 0.1
"""Nothing nearer to the camera is projected, metres."""
FILLING = 20
"""How often missing joints are taken from the autoencoder before the latents are read off."""
Compared = Literal["joints", "projection"]
Tell = Callable[[str, int, int | None], None]
"""Told what is done, how far and of how much."""


@dataclass(frozen=True)
class BridgeConfig:
    """Settings of the fit."""

    latents: int = 48
    """Latent points."""
    steps: int = 20_000
    """Updates of the weights."""
    batch_size: int = 32
    """Moments in each."""
    learning_rate: float = 3e-2
    """Of Adam; a tenth of it after 40 % of the steps, a hundredth after 80 %."""
    sparsity: float = 1e-3
    """Factor of the absolute weights' sum, averaged over the points they make, metres: 1 and twice
    what is negative."""
    loss: Compared = "joints"
    """Where the reconstruction is compared: in space, or in the camera's picture (needs a corpus in
    the camera frame), for corpora whose depth is less sure."""
    head_weight: float = 1.0
    """Factor of head and face joints in the error; 10 in the paper, which found it not needed."""
    normalise: Normalise = "signed_sum"
    """How weights are made to sum to 1: divided by their sum, or their lack of 1 spread evenly."""
    seed: int = 0
    """Of the first weights and of the order of the moments."""
    chirality: bool = True
    """Sides of the body stay sides; without it latents have no mirror."""


def fit_autoencoder(
    corpus: ParallelCorpus, config: BridgeConfig, tell: Tell | None = None
) -> AffineAutoencoder:
    """Fit an autoencoder; equal seeds give equal bits.

    Raises:
        ValueError: A setting is not positive, or the projection is asked for and the corpus is not
            in the camera frame, or has people behind the camera.
    """
    _check(corpus, config)
    net = AffineAutoencoder(
        AffineAutoencoderConfig(
            corpus.skeleton, config.latents, config.normalise, config.seed, config.chirality
        )
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
    stages = torch.optim.lr_scheduler.MultiStepLR(
        optimizer, [max(1, int(config.steps * part)) for part in (0.4, 0.8)]
    )
    weights = _joint_weights(corpus.skeleton, config.head_weight)
    joints = filled(corpus.joints, corpus.valid)
    draw = torch.Generator().manual_seed(config.seed)
    for step in range(config.steps):
        rows = torch.randint(len(joints), (config.batch_size,), generator=draw)
        seen, given = corpus.valid[rows], joints[rows]
        encoder, decoder = net.encoder, net.decoder
        said = decoder @ (encoder @ given)
        error = _error(said, given, config.loss) * weights
        # Eq. (3) or (4), with means for sums.
        loss = (error * seen).sum() / (seen * weights).sum().clamp(min=1)
        sizes = encoder.abs().sum(1).mean() + decoder.abs().sum(1).mean()
        loss = loss + config.sparsity * sizes
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        stages.step()
        joints[rows] = torch.where(seen[..., None], given, said.detach())
        if tell is not None and (step % 50 == 49 or step + 1 == config.steps):
            tell("fit", step + 1, config.steps)
    return net.eval().requires_grad_(False)


def filled(joints: Float[Tensor, "n j 3"], valid: Bool[Tensor, "n j"]) -> Float[Tensor, "n j 3"]:
    """Joints with the missing ones put at the middle of the others, in a tensor of its own."""
    seen = valid[..., None].to(joints)
    middle = (joints * seen).sum(1, keepdim=True) / seen.sum(1, keepdim=True).clamp(min=1)
    return torch.where(valid[..., None], joints, middle)


def reconstruction_mm(net: AffineAutoencoder, corpus: ParallelCorpus) -> float:
    """Mean distance of the joints that are there from themselves after the latents, millimetres."""
    joints = completed(net, corpus)
    distance = torch.linalg.vector_norm(net(joints) - joints, dim=-1)
    return 1000 * distance[corpus.valid].mean().item()


def completed(net: AffineAutoencoder, corpus: ParallelCorpus) -> Float[Tensor, "n j 3"]:
    """The joints with the missing ones where the autoencoder takes them to be."""
    joints, seen = filled(corpus.joints, corpus.valid), corpus.valid[..., None]
    if seen.all():
        return joints
    for _ in range(FILLING):
        joints = torch.where(seen, joints, net(joints))
    return joints


def _error(
    said: Float[Tensor, "b j 3"], given: Float[Tensor, "b j 3"], where: Compared
) -> Float[Tensor, "b j"]:
    match where:
        case "joints":
            return (said - given).abs().mean(-1)
        case "projection":
            depth = given[..., 2].mean(1)[:, None, None]
            # Metres at the person's depth, so that near and far people count alike.
            return (depth * (_project(said) - _project(given))).abs().mean(-1)
        case _:
            assert_never(where)


def _project(joints: Float[Tensor, "b j 3"]) -> Float[Tensor, "b j 2"]:
    return joints[..., :2] / joints[..., 2:].clamp(min=MIN_DEPTH_M)


def _joint_weights(skeleton: Skeleton, head: float) -> Float[Tensor, "j"]:
    names = [name.rpartition("/")[2] for name in skeleton.names]
    return torch.tensor([head if HEAD.search(name) else 1.0 for name in names])


def _check(corpus: ParallelCorpus, config: BridgeConfig) -> None:
    for name in ("steps", "batch_size", "learning_rate", "head_weight"):
        if not getattr(config, name) > 0:
            raise ValueError(f"{name} is {getattr(config, name)}; it must be above 0")
    if config.sparsity < 0:
        raise ValueError(f"sparsity is {config.sparsity}; it must be 0 or above")
    if config.loss != "projection":
        return
    if corpus.frame != "camera":
        raise ValueError(
            "loss projection needs joints in the camera frame, but the corpus is in the world's: "
            "use loss joints, or store frame='camera'"
        )
    if (corpus.joints[..., 2][corpus.valid] < MIN_DEPTH_M).any():
        raise ValueError(f"the corpus has joints nearer than {MIN_DEPTH_M} m before the camera")
