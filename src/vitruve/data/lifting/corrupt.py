"""What 2D detectors do to keypoints: noise, misses, occlusion, swapped sides, the image border.

Axes: b windows, t frames, k keypoints. Lengths are fractions of the person's size in the image:
the diagonal of the keypoints' bounding box, averaged over the window, so that near and far people
are disturbed alike. Every draw comes from the generator that is passed in.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.data.lifting.body_parts import body_parts
from vitruve.poses import PoseBatch

_TAIL_LIMIT = 8.0
"""Largest outlier, in standard deviations."""


@dataclass(frozen=True)
class DetectorConfig:
    """How a simulated detector errs. Lengths are fractions of the person's size."""

    noise: float = 0.008
    """Standard deviation of a joint's error, half of it correlated over ``correlation_s``."""
    noise_range: tuple[float, float] = (0.3, 2.0)
    """Each window multiplies all its noise by a number drawn evenly from this range."""
    correlation_s: float = 0.15
    """Time over which the slow half of the noise decays, seconds."""
    bias: float = 0.006
    """Standard deviation of an offset that each joint keeps for the window."""
    miss: float = 0.02
    """Probability that a joint is missing in a frame."""
    occlusion: float = 0.25
    """Probability that a limb is hidden for a part of the window."""
    guess_error: float = 0.06
    """Standard deviation of a hidden joint's offset, where the detector guesses it."""
    swap: float = 0.1
    """Probability of a burst in which sides are swapped: whole body, legs, or arms."""
    swap_s: float = 0.5
    """Longest such burst, seconds."""
    doubt: float = 0.03
    """Error at which confidence is one half."""
    optional: tuple[tuple[str, ...], ...] = ()
    """Sets of keypoints that some detectors do not give at all."""
    absent: float = 0.35
    """Probability of each such set to be missing from a window."""
    unscored: float = 0.0
    """Probability of a detector that gives no confidence: 1 for all it finds."""


def detect(batch: PoseBatch, config: DetectorConfig, generator: torch.Generator) -> PoseBatch:
    """What a detector would have said of exact keypoints."""
    fps = torch.full((len(batch.keypoints_px),), 50.0) if batch.fps is None else batch.fps
    size = person_size_px(batch.keypoints_px, batch.keypoints_valid)
    exact = batch.keypoints_px
    error = noise_px(exact, fps, config, generator)
    hidden = limb_blocks(batch, config.occlusion, generator)
    chance = torch.rand(2, len(exact), 1, 1, generator=generator)
    guessed = hidden & (chance[0] < 0.5)
    offset = torch.randn(len(exact), 1, *exact.shape[2:], generator=generator)
    error = error + guessed[..., None] * offset * config.guess_error
    miss = torch.rand(exact.shape[:-1], generator=generator) < config.miss * 2 * chance[1]
    valid = batch.keypoints_valid & ~miss & ~(hidden & ~guessed)
    score = confidence_of(error, guessed, config, generator)
    unscored = torch.rand(len(exact), 1, 1, generator=generator) < config.unscored
    seen = replace(
        batch,
        keypoints_px=exact + error * size[:, None, None, None],
        keypoints_valid=valid & ~absent_sets(batch, config, generator)[:, None],
        confidence=torch.where(unscored, 1.0, score),
    )
    swapped = swap_bursts(seen, fps, config, generator)
    return inside_image(mask_missing(swapped))


def person_size_px(
    keypoints_px: Float[Tensor, "b t k 2"], valid: Bool[Tensor, "b t k"]
) -> Float[Tensor, "b"]:
    """Diagonal of the valid keypoints' bounding box, averaged over the frames that have any."""
    far = torch.finfo(keypoints_px.dtype).max
    low = keypoints_px.masked_fill(~valid[..., None], far).amin(2)
    high = keypoints_px.masked_fill(~valid[..., None], -far).amax(2)
    some = valid.any(2)
    diagonal = torch.where(some, torch.linalg.norm((high - low).clamp(0, 1e5), dim=-1), 0.0)
    return diagonal.sum(1) / some.sum(1).clamp(min=1)


def noise_px(
    keypoints: Float[Tensor, "b t k 2"],
    fps: Float[Tensor, "b"],
    config: DetectorConfig,
    generator: torch.Generator,
) -> Float[Tensor, "b t k 2"]:
    """Errors over the person's size: a lasting offset, slow noise and heavy-tailed fast noise."""
    b, t = keypoints.shape[:2]
    slow = torch.randn(keypoints.shape, generator=generator)
    keep = torch.exp(-1 / (fps * config.correlation_s))[:, None, None]
    fresh = (1 - keep**2).sqrt()
    for i in range(1, t):
        slow[:, i] = keep * slow[:, i - 1] + fresh * slow[:, i]
    fast = torch.randn(keypoints.shape, generator=generator)
    # Student's t with 4 degrees of freedom: chi-square of 4 is -2 ln(u1 u2); its variance is 2.
    u = torch.rand(2, *keypoints.shape[:-1], 1, generator=generator).clamp(min=1e-7)
    fast = (fast / (-u.log().sum(0)).sqrt()).clamp(-_TAIL_LIMIT, _TAIL_LIMIT)
    low, high = config.noise_range
    level = low + (high - low) * torch.rand(b, 1, 1, 1, generator=generator)
    bias = config.bias * torch.randn(b, 1, *keypoints.shape[2:], generator=generator)
    return level * (config.noise * 0.5**0.5 * (slow + fast) + bias)


def limb_blocks(
    batch: PoseBatch, probability: float, generator: torch.Generator
) -> Bool[Tensor, "b t k"]:
    """One limb, from a random joint outwards, over one stretch of a share of the windows."""
    b, t = batch.keypoints_px.shape[:2]
    parts = body_parts(batch.keypoint_skeleton)
    if len(parts.limbs) == 0:
        return torch.zeros(batch.keypoints_valid.shape, dtype=torch.bool)
    limb = parts.limbs[torch.randint(len(parts.limbs), (b,), generator=generator)]
    when = time_blocks(b, t, torch.full((b,), float(t)), generator)
    hit = torch.rand(b, 1, generator=generator) < probability
    return (when & hit)[..., None] & parts.below.T[limb][:, None]


def absent_sets(
    batch: PoseBatch, config: DetectorConfig, generator: torch.Generator
) -> Bool[Tensor, "b k"]:
    """Keypoints that each window's detector does not know."""
    b, names = len(batch.keypoints_px), batch.keypoint_skeleton.names
    absent = torch.zeros(b, len(names), dtype=torch.bool)
    for keypoints in config.optional:
        member = torch.tensor([name in keypoints for name in names])
        absent |= (torch.rand(b, 1, generator=generator) < config.absent) & member
    return absent


def time_blocks(
    b: int, t: int, longest: Float[Tensor, "b"], generator: torch.Generator
) -> Bool[Tensor, "b t"]:
    """One stretch of 1 to ``longest`` frames in each window."""
    draw = torch.rand(2, b, generator=generator)
    length = (1 + draw[0] * (longest.clamp(1, t) - 1)).round()
    start = (draw[1] * (t - length + 1)).floor()
    at = torch.arange(t)
    return (at >= start[:, None]) & (at < (start + length)[:, None])


def swap_bursts(
    batch: PoseBatch, fps: Float[Tensor, "b"], config: DetectorConfig, generator: torch.Generator
) -> PoseBatch:
    """Exchange left and right of the whole body, the legs or the arms in short bursts."""
    b, t = batch.keypoints_px.shape[:2]
    parts = body_parts(batch.keypoint_skeleton)
    groups = torch.stack([torch.ones_like(parts.legs), parts.legs, parts.arms])
    joints = groups[torch.randint(3, (b,), generator=generator)]
    when = time_blocks(b, t, fps * config.swap_s, generator)
    hit = torch.rand(b, 1, generator=generator) < config.swap
    which = (when & hit)[..., None] & joints[:, None]
    return swap_sides(batch, which)


def swap_sides(batch: PoseBatch, which: Bool[Tensor, "b t k"]) -> PoseBatch:
    """Exchange chosen keypoints with their twins on the other side, where they are."""
    mirror = body_parts(batch.keypoint_skeleton).mirror
    pixels, valid, confidence = batch.keypoints_px, batch.keypoints_valid, batch.confidence
    return replace(
        batch,
        keypoints_px=torch.where(which[..., None], pixels[..., mirror, :], pixels),
        keypoints_valid=torch.where(which, valid[..., mirror], valid),
        confidence=torch.where(which, confidence[..., mirror], confidence),
    )


def confidence_of(
    error: Float[Tensor, "b t k 2"],
    guessed: Bool[Tensor, "b t k"],
    config: DetectorConfig,
    generator: torch.Generator,
) -> Float[Tensor, "b t k"]:
    """A detector's own score: falls with the error, with scatter, and lower where it guesses."""
    sure = 1 / (1 + (torch.linalg.norm(error, dim=-1) / config.doubt) ** 2)
    scatter = 0.75 + 0.3 * torch.rand(sure.shape, generator=generator)
    return (sure * scatter * torch.where(guessed, 0.6, 1.0)).clamp(0.02, 1.0)


def inside_image(batch: PoseBatch) -> PoseBatch:
    """Mark keypoints beyond the image border as missing."""
    pixels, size = batch.keypoints_px, batch.image_size_px[:, None, None]
    inside = ((pixels >= 0) & (pixels <= size)).all(-1)
    return mask_missing(replace(batch, keypoints_valid=batch.keypoints_valid & inside))


def mask_missing(batch: PoseBatch) -> PoseBatch:
    """Take the confidence from missing keypoints, and put them in the image's middle."""
    middle = (batch.image_size_px / 2)[:, None, None]
    valid = batch.keypoints_valid
    return replace(
        batch,
        keypoints_px=torch.where(valid[..., None], batch.keypoints_px, middle),
        confidence=torch.where(valid, batch.confidence, 0.0),
    )
