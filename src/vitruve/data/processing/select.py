"""Which examples of a dataset are worth a crop, decided on labels alone."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float

from vitruve.data.datasets.examples import PictureExample
from vitruve.data.processing.boxes import example_box_px, is_inside, keypoints_of
from vitruve.data.processing.plausible import bone_lengths, is_plausible
from vitruve.data.processing.sampling import MEMORY, THRESHOLD_M, PoseSampler


class Reason(StrEnum):
    """Why an example was left out."""

    FORMAT = "joints in another format"
    OUTSIDE = "too few joints in the picture"
    SMALL = "too small"
    BONES = "implausible bone lengths"
    SIMILAR = "too like a pose kept before"


@dataclass(frozen=True)
class SelectConfig:
    """What is kept."""

    threshold_m: float = THRESHOLD_M
    """A frame is dropped when no joint moved this far, metres; 0 keeps all."""
    memory: int = MEMORY
    """Poses of one person that frames are compared with."""
    min_joints: int = 4
    """Joints that must be inside box and picture."""
    min_labelled: float = 0.5
    """Share of 2D joints that must be labelled in a weakly labelled example."""
    min_side_px: float = 64.0
    """Longer side of the person's box in the picture."""


@dataclass
class Selector:
    """Goes through the examples of one part, in their order."""

    config: SelectConfig
    skeleton: str
    """The format that is wanted."""
    usual: Float[np.ndarray, "j"] | None = None
    """Usual bone lengths, metres; None checks none."""
    counts: Counter[str] = field(default_factory=Counter)
    """How many were read, kept, and left out for which reason."""
    _samplers: dict[tuple[str, int], PoseSampler] = field(default_factory=dict)

    def keep(self, example: PictureExample) -> bool:
        """Whether an example is kept."""
        reason = self._reason(example)
        self.counts["read"] += 1
        self.counts["kept" if reason is None else str(reason)] += 1
        return reason is None

    def _reason(self, example: PictureExample) -> Reason | None:
        if example.skeleton.name != self.skeleton:
            return Reason.FORMAT
        points, seen = keypoints_of(example)
        size = None if example.camera is None else example.camera.image_size_px
        box = example_box_px(example, points, seen, size)
        if box is None or not self._enough(example, seen, is_inside(points, box)):
            return Reason.OUTSIDE
        if float((box[2:] - box[:2]).max()) < self.config.min_side_px:
            return Reason.SMALL
        return self._odd_or_similar(example)

    def _enough(
        self, example: PictureExample, seen: Bool[np.ndarray, "j"], inside: Bool[np.ndarray, "j"]
    ) -> bool:
        if example.mask is not None and not example.valid.any():
            return True  # A release of masks without joints.
        needed = self.config.min_joints
        if example.joints_cam is None:
            needed = max(needed, int(np.ceil(self.config.min_labelled * len(seen))))
        return int((seen & inside).sum()) >= min(needed, len(seen))

    def _odd_or_similar(self, example: PictureExample) -> Reason | None:
        if example.joints_cam is None:
            return None
        if self.usual is not None:
            lengths = bone_lengths(example.joints_cam, example.valid, example.skeleton)
            if not is_plausible(lengths, self.usual):
                return Reason.BONES
        who = (example.sequence, example.person)
        if who not in self._samplers:
            self._samplers[who] = PoseSampler(self.config.threshold_m, self.config.memory)
        kept = self._samplers[who].keep(example.joints_cam, example.valid)
        return None if kept else Reason.SIMILAR
