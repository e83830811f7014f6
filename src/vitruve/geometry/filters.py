"""Smoothing of uniformly sampled series, and how much motion it cost.

Axes: t frames (uniform; resample a variable frame rate first), *c channels, *v the leading channel
axes that share validity (for joints (t, j, 3) that is j). Values where not valid may be anything
finite. NumPy and float64 inside; not differentiable.
"""

import math

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt
from torch import Tensor


def one_euro(
    values: Float[Tensor, "t *c"],
    fps: float,
    min_cutoff_hz: float = 1.0,
    beta: float = 0.5,
    valid: Bool[Tensor, "t *v"] | None = None,
) -> Float[Tensor, "t *c"]:
    """Causal smoothing whose cutoff rises with speed: slow motion is calmed, fast motion kept.

    Casiez, Roussel and Vogel, "1 Euro Filter", CHI 2012; the derivative is smoothed at 1 Hz.
    ``min_cutoff_hz`` rules at rest (lower is calmer and later), ``beta`` is what it gains per unit
    of speed (Hz per m/s for metres). Channels are filtered one by one. Frames that are not valid
    are not read and hold the last estimate (0 before the first); the frame after a gap counts the
    time that has passed.

    Raises:
        ValueError: A rate is not positive, or ``beta`` is negative.
    """
    if min(fps, min_cutoff_hz) <= 0 or beta < 0:
        raise ValueError(
            f"fps {fps} and min_cutoff_hz {min_cutoff_hz} must be positive, beta {beta} at least 0"
        )
    series, mask = _columns(values, valid)
    out = np.empty_like(series)
    smooth, slope = series[0] * mask[0], np.zeros_like(series[0])
    started, waited = mask[0].copy(), np.ones_like(series[0])
    out[0] = smooth
    for frame in range(1, len(series)):
        x, read = series[frame], mask[frame]
        seconds = waited / fps
        rate = np.where(started, (x - smooth) / seconds, 0.0)
        new_slope = slope + _blend(1.0, seconds) * (rate - slope)
        cutoff = min_cutoff_hz + beta * np.abs(new_slope)
        new_smooth = np.where(started, smooth + _blend(cutoff, seconds) * (x - smooth), x)
        smooth, slope = np.where(read, new_smooth, smooth), np.where(read, new_slope, slope)
        waited = np.where(read, 1.0, waited + 1)
        started |= read
        out[frame] = smooth
    return _restored(out, values)


def zero_lag(
    values: Float[Tensor, "t *c"],
    fps: float,
    cutoff_hz: float,
    valid: Bool[Tensor, "t *v"] | None = None,
) -> Float[Tensor, "t *c"]:
    """Fourth-order Butterworth low-pass without delay: second order, run forward and backward.

    ``cutoff_hz`` is the -3 dB point of both passes together (Winter, "Biomechanics and Motor
    Control of Human Movement", 2.2.4.4). Constants and straight lines pass unchanged. Gaps are
    bridged by straight lines so that their borders do not ring; frames that are not valid come back
    as bridged, and before the first or after the last valid frame as its value. Clips of one frame
    come back as they are; clips shorter than three periods of the cutoff are mirrored as far as
    they go.

    Raises:
        ValueError: The cutoff is not between 0 and half the frame rate.
    """
    if not 0 < cutoff_hz < fps / 2:
        raise ValueError(f"cutoff {cutoff_hz} Hz; at {fps} frames per second give 0 to {fps / 2}")
    # Pre-warped, so that both passes together are -3 dB at the cutoff itself.
    each_pass = math.tan(math.pi * cutoff_hz / fps) / (math.sqrt(2) - 1) ** 0.25
    sections = np.asarray(butter(2, 2 / math.pi * math.atan(each_pass), output="sos"))
    pad = math.ceil(3 * fps / cutoff_hz)
    series, mask = _columns(values, valid, np.float32)
    out = series.copy()
    # Column by column: an hour of a body must not be held several times over in float64.
    for column in range(series.shape[1]):
        frames = np.flatnonzero(mask[:, column])
        if len(frames) == 0:
            continue
        first, last = frames[0], frames[-1]
        span = _bridged(series[:, column].astype(np.float64), frames)
        span[first : last + 1] = _smoothed(span[first : last + 1], sections, pad)
        span[:first], span[last + 1 :] = span[first], span[last]
        out[:, column] = span
    return _restored(out, values)


def amplitude_removed(
    before: Float[Tensor, "t j 3"],
    after: Float[Tensor, "t j 3"],
    fps: float,
    valid: Bool[Tensor, "t j"] | None = None,
    window_s: float = 1.0,
) -> Float[Tensor, "j"]:
    """Fraction of each joint's motion that a filter took away: 0 nothing, 0.4 is 40 % of the swing.

    Motion is the root mean square distance from the joint's mean position within windows of
    ``window_s``, pooled over the clip, so a walk across the room does not hide a lost arm swing.
    Noise counts as motion: on noisy input the figure is an upper bound. Give root-relative joints
    to judge limbs. NaN for joints without a valid frame or motion; negative where the filter added
    motion.
    """
    mask = torch.ones_like(before[..., 0]) if valid is None else valid.to(before.dtype)
    energies = []
    for joints in (before, after):
        energy = torch.zeros(joints.shape[1], dtype=torch.float64)
        for window, used in zip(
            *(v.split(max(2, round(window_s * fps))) for v in (joints, mask)), strict=True
        ):
            w = used.double()[..., None]
            kept = torch.where(w > 0, window.double(), 0)
            mean = (w * kept).sum(0) / w.sum(0).clamp(min=1)
            energy += (w * (kept - mean) ** 2).sum((0, 2))
        energies.append(energy)
    ratio = (energies[1] / energies[0]).sqrt()
    return torch.where(energies[0] > 0, 1 - ratio, torch.nan).to(before.dtype)


def _blend(
    cutoff_hz: float | NDArray[np.float64], seconds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the new sample in a first-order low-pass."""
    turn = 2 * np.pi * cutoff_hz * seconds
    return turn / (turn + 1)


def _columns(
    values: Float[Tensor, "t *c"], valid: Bool[Tensor, "t *v"] | None, least: type = np.float64
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Values (0 where not valid) in ``least`` precision or better, and validity: (t, channels)."""
    if valid is None:
        valid = torch.ones(values.shape, dtype=torch.bool)
    mask = valid.reshape(*valid.shape, *[1] * (values.dim() - valid.dim())).expand(values.shape)
    series = torch.where(mask, values.detach(), 0).cpu().reshape(len(values), -1).numpy()
    wide = series.astype(np.promote_types(series.dtype, least), copy=False)
    return wide, mask.cpu().reshape(len(mask), -1).numpy()


def _restored(series: NDArray[np.floating], like: Float[Tensor, "t *c"]) -> Float[Tensor, "t *c"]:
    return torch.from_numpy(series).reshape(like.shape).to(like)


def _bridged(series: NDArray[np.float64], frames: NDArray[np.intp]) -> NDArray[np.float64]:
    """One channel with straight lines between ``frames``, and values held outside them."""
    if len(frames) == len(series):
        return series.copy()
    return np.interp(np.arange(len(series)), frames, series[frames])


def _smoothed(
    span: NDArray[np.float64], sections: NDArray[np.float64], pad: int
) -> NDArray[np.float64]:
    """Filter around the line from the first to the last sample, which the filter keeps anyway."""
    if len(span) < 2:
        return span
    line = np.linspace(span[0], span[-1], len(span))
    return line + sosfiltfilt(sections, span - line, axis=0, padlen=min(pad, len(span) - 1))
