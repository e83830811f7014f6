"""Adaptive sampling: a frame is worth keeping when the pose is not one of those just kept.

Source: Sarandi et al., arXiv:2212.14474, section 4: a frame is dropped when every joint is within
100 mm of the last one kept. Here, as in the authors' later code, a ring of several poses is
remembered, so that a movement back and forth is not kept twice, and joints may be missing.
Axes: j joints.
"""

import numpy as np
from jaxtyping import Bool, Float

THRESHOLD_M = 0.1
MEMORY = 100
"""Poses remembered."""


class PoseSampler:
    """Decides frame after frame of one person; remembers the poses that were kept."""

    def __init__(self, threshold_m: float = THRESHOLD_M, memory: int = MEMORY) -> None:
        """Remember nothing yet.

        Raises:
            ValueError: The threshold is negative, or nothing would be remembered.
        """
        if threshold_m < 0 or memory < 1:
            raise ValueError(
                f"threshold {threshold_m} m must not be negative, memory {memory} >= 1"
            )
        self.threshold_m, self.memory = threshold_m, memory
        self._kept: list[np.ndarray] = []
        self._next = 0

    def keep(self, joints: Float[np.ndarray, "j 3"], valid: Bool[np.ndarray, "j"]) -> bool:
        """Whether the frame is kept; if so its pose is remembered.

        Kept is what shows a joint that the last kept pose lacked, or is at least the threshold from
        each remembered pose in one of the joints that both have.
        """
        if not valid.any():
            return False
        pose = np.where(valid[:, None], joints, np.nan)
        if self._kept and not self._is_new(pose):
            return False
        self._remember(pose)
        return True

    def _is_new(self, pose: Float[np.ndarray, "j 3"]) -> bool:
        last = self._kept[self._next - 1]
        if bool((np.isnan(last) & ~np.isnan(pose)).any()):
            return True
        distances = np.linalg.norm(np.stack(self._kept) - pose, axis=-1)
        # A pose that shares no joint with this one says nothing about it.
        farthest = np.where(np.isnan(distances), -np.inf, distances).max(-1)
        farthest = np.where(farthest == -np.inf, np.inf, farthest)
        return bool((farthest >= self.threshold_m).all())

    def _remember(self, pose: Float[np.ndarray, "j 3"]) -> None:
        # A missing joint is taken to stay where it was.
        last = self._kept[self._next - 1] if self._kept else pose
        pose = np.where(np.isnan(pose), last, pose)
        if len(self._kept) < self.memory:
            self._kept.append(pose)
        else:
            self._kept[self._next] = pose
        self._next = (self._next + 1) % self.memory
