"""Spread of a prediction from flips and noisy copies of its input.

Axes: b batch, h hypotheses, t frames, k keypoints, j joints.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch

from vitruve.estimators.base import Estimator
from vitruve.estimators.flip import predict_both
from vitruve.poses import PoseBatch, Prediction


def predict_with_spread(
    estimator: Estimator,
    batch: PoseBatch,
    generator: torch.Generator,
    num_noise: int = 4,
    noise_relative: float = 0.01,
) -> Prediction:
    """Mean over flips and noise draws, with each joint's standard deviation as ``spread``.

    Args:
        estimator: Any.
        batch: What it is given.
        generator: Source of the noise, on the CPU.
        num_noise: Noisy copies beside the plain one; each is run plain and flipped.
        noise_relative: Standard deviation of the keypoint noise, as a share of the person's size
            in the image (the larger side of the box around the seen keypoints).

    Returns:
        The mean prediction; ``spread``, metres, is the root mean squared distance from it.

    Raises:
        ValueError: ``num_noise`` or ``noise_relative`` is negative.
    """
    members = _members(estimator, batch, generator, num_noise, noise_relative)
    first = next(members)
    mean, root = first.joints_cam, first.root_cam
    squared, count = torch.zeros_like(mean), 1
    for count, member in enumerate(members, start=2):
        # Welford's update: no difference of large squares.
        delta = member.joints_cam - mean
        mean = mean + delta / count
        squared = squared + delta * (member.joints_cam - mean)
        if root is not None and member.root_cam is not None:
            root = root + (member.root_cam - root) / count
    between = mean - mean.mean(dim=-4, keepdim=True)
    variance = (squared / count + between.square()).mean(dim=-4).sum(dim=-1)
    return Prediction(estimator.skeleton, mean, root, variance.sqrt())


def _members(
    estimator: Estimator,
    batch: PoseBatch,
    generator: torch.Generator,
    num_noise: int,
    noise_relative: float,
) -> Iterator[Prediction]:
    if num_noise < 0 or noise_relative < 0:
        raise ValueError(
            f"num_noise {num_noise} and noise_relative {noise_relative} must be 0 or more"
        )
    noise_px = noise_relative * _person_size_px(batch)
    for draw in range(num_noise + 1):
        noisy = batch
        if draw:
            noise = torch.randn(batch.keypoints_px.shape, generator=generator)
            moved = batch.keypoints_px + noise.to(batch.keypoints_px) * noise_px
            noisy = replace(batch, keypoints_px=moved)
        yield from predict_both(estimator, noisy)


def _person_size_px(batch: PoseBatch) -> torch.Tensor:
    """Larger side of the box around the seen keypoints of each frame, (..., t, 1, 1)."""
    seen = batch.keypoints_valid.unsqueeze(-1)
    top = batch.keypoints_px.where(seen, -torch.inf).amax(dim=-2)
    bottom = batch.keypoints_px.where(seen, torch.inf).amin(dim=-2)
    side = (top - bottom).amax(dim=-1)
    return side.where(side.isfinite(), 0.0)[..., None, None]
