"""Windows over sequences: fixed lengths at any frame rate for training, full cover for scoring.

Axes: b windows, n windows of one clip, t frames of a window, j joints. Positions in time are in
frames of the source; indices are clamped to the clip, so a border frame repeats (edge padding).
"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from vitruve.data.sequences.clip import MotionSequence


def centred_windows(num_frames: int, window: int) -> Int64[Tensor, "n t"]:
    """One window around each frame, edges repeated: every frame is predicted once, at a centre."""
    centre = torch.arange(num_frames)[:, None]
    around = torch.arange(window) - window // 2
    return (centre + around).clamp(0, num_frames - 1)


def tiled_windows(num_frames: int, window: int) -> Int64[Tensor, "n t"]:
    """Non-overlapping windows; the last one is the clip's last ``window`` frames.

    A clip shorter than the window gives one, its last frame repeated. Frames of the last two
    windows may overlap; count each once or twice as the protocol asks (MixSTE counts twice).
    """
    starts = list(range(0, num_frames - window + 1, window)) or [0]
    if starts[-1] + window < num_frames:
        starts.append(num_frames - window)
    return (torch.tensor(starts)[:, None] + torch.arange(window)).clamp(max=num_frames - 1)


def whole_windows(num_frames: int, window: int, stride: int) -> Int64[Tensor, "n t"]:
    """Windows that lie within the clip; frames behind the last one are in none.

    A clip shorter than the window gives one, its frames repeated evenly (Zhu et al., MotionBERT,
    ICCV 2023, repeat them at random).
    """
    if num_frames < window:
        return (torch.arange(window) * num_frames // window)[None]
    starts = torch.arange(0, num_frames - window + 1, stride)
    return starts[:, None] + torch.arange(window)


def window_starts(lengths: Sequence[int], window: int, stride: int) -> Int64[Tensor, "n 2"]:
    """Pairs (sequence, first frame) of every window; a short clip gives one, to be edge padded."""
    pairs = [
        (i, s) for i, n in enumerate(lengths) for s in range(0, max(n - window, 0) + 1, stride)
    ]
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2)


def resample(
    joints: Float[Tensor, "t j 3"], valid: Bool[Tensor, "t j"], fps: float, new_fps: float
) -> tuple[Float[Tensor, "n j 3"], Bool[Tensor, "n j"]]:
    """Change a clip's frame rate by linear interpolation; the first frame stays."""
    last = len(joints) - 1
    count = int(last * new_fps / fps + 1e-6) + 1
    at = torch.arange(count, dtype=torch.float64) * (fps / new_fps)
    return _interpolate(joints, valid, at.float(), torch.tensor(0), torch.tensor(last))


class MotionFrames:
    """All frames of many sequences of one skeleton, in memory, to be read as windows."""

    def __init__(self, sequences: Iterable[MotionSequence]) -> None:
        """Gather the 3D of ``sequences``; 2D is left aside.

        Raises:
            ValueError: There is no 3D motion, or skeletons differ.
        """
        motions, joints, valid = [], [], []
        for s in sequences:
            if s.joints_world is not None and s.valid is not None:
                motions.append(s)
                joints.append(s.joints_world)
                valid.append(s.valid)
        skeletons = {s.skeleton for s in motions}
        if len(skeletons) != 1:
            names = sorted({s.name for s in skeletons}) or "none"
            raise ValueError(f"sequences with 3D joints of one skeleton are needed, got {names}")
        self.skeleton = skeletons.pop()
        self.names = tuple(s.name for s in motions)
        self.joints = torch.from_numpy(np.concatenate(joints))
        self.valid = torch.from_numpy(np.concatenate(valid))
        lengths = torch.tensor([s.num_frames for s in motions])
        self._ends = lengths.cumsum(0)
        self._starts = self._ends - lengths
        self._fps = torch.tensor([s.fps for s in motions], dtype=torch.float32)

    def __len__(self) -> int:
        """Frames in all."""
        return len(self.joints)

    def sample(
        self, window: int, fps: Float[Tensor, "b"], generator: torch.Generator
    ) -> tuple[Float[Tensor, "b t j 3"], Bool[Tensor, "b t j"]]:
        """Draw windows of ``window`` frames at each example's rate, every second equally likely."""
        b = len(fps)
        step_s = (self._ends - self._starts).double() / self._fps
        total = step_s.cumsum(0)
        at = torch.rand(b, generator=generator, dtype=torch.float64) * total[-1]
        sequence = torch.searchsorted(total, at).clamp(max=len(total) - 1)
        ratio = self._fps[sequence] / fps
        first, last = self._starts[sequence], self._ends[sequence] - 1
        slack = (last - first - (window - 1) * ratio).clamp(min=0)
        start = torch.rand(b, generator=generator) * slack
        at = start[:, None] + torch.arange(window) * ratio[:, None]
        return _interpolate(self.joints, self.valid, at, first[:, None], last[:, None])


def _interpolate(
    joints: Float[Tensor, "n j 3"],
    valid: Bool[Tensor, "n j"],
    at: Float[Tensor, "*b"],
    first: Int64[Tensor, "..."],
    last: Int64[Tensor, "..."],
) -> tuple[Float[Tensor, "*b j 3"], Bool[Tensor, "*b j"]]:
    """Values at positions ``at`` counted from frame ``first``, never beyond ``last``."""
    at = torch.minimum(at.clamp(min=0), (last - first).float())
    below = at.long()
    weight = (at - below)[..., None]
    below = first + below
    above = torch.minimum(below + 1, last.expand_as(below))
    mixed = torch.lerp(joints[below], joints[above], weight[..., None])
    return mixed, valid[below] & (valid[above] | (weight == 0))
