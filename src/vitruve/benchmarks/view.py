"""What a benchmark shows of one recording in one camera, and the truth it scores with.

Axes: n windows, t frames.
"""

from dataclasses import dataclass, fields, replace
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Int64
from torch import Tensor

from vitruve.data.motion.recorded import recorded_batch
from vitruve.data.sequences.clip import MotionSequence
from vitruve.poses import PoseBatch

_PER_FRAME = (
    "keypoints_px",
    "keypoints_valid",
    "confidence",
    "joints_cam",
    "valid",
    "scale_m_per_px",
)
"""Fields of a batch that have an axis of frames."""


@runtime_checkable
class AnyClip(Protocol):
    """What every benchmark's clips say of themselves."""

    @property
    def name(self) -> str:
        """Unique within the benchmark."""
        ...

    @property
    def set(self) -> str:
        """The part of the test data that is scored on its own."""
        ...

    @property
    def action(self) -> str:
        """Group of the per-action table."""
        ...

    @property
    def frames(self) -> int:
        """Length."""
        ...


@dataclass(frozen=True)
class RecordedClip:
    """A clip of a benchmark whose data state no more than this."""

    name: str
    set: str
    action: str
    frames: int


@dataclass(frozen=True, eq=False)
class View:
    """One test clip in one camera."""

    clip: AnyClip
    camera: int
    """Which of the clip's, from 0."""
    batch: PoseBatch
    """A batch of one: keypoints, camera and true joints of every frame."""
    scored: Bool[Tensor, "t"]
    """Frames that count; the others are predicted but not scored."""


def recorded_view(sequence: MotionSequence, clip: AnyClip, camera: int) -> View:
    """A sequence as its own camera and detector saw it; frames with a missing joint do not count.

    Where there is no camera, the joints are in the axes of a level one.
    """
    batch = recorded_batch(sequence, camera)
    assert batch.valid is not None
    return View(clip, camera, batch.map(lambda x: x[None]), batch.valid.all(-1))


def cut_windows(batch: PoseBatch, windows: Int64[Tensor, "n t"]) -> PoseBatch:
    """Windows of a batch of one, given by their frames, as the examples of a batch."""
    changed = {}
    for field in fields(batch):
        value = getattr(batch, field.name)
        if field.name in _PER_FRAME and value is not None:
            changed[field.name] = value[0, windows]
        elif isinstance(value, Tensor):
            changed[field.name] = value.expand(len(windows), *value.shape[1:])
    return replace(batch, **changed)
