"""Settings of the main job, stage by stage."""

from dataclasses import dataclass, field
from pathlib import Path

from vitruve.estimators import RefineConfig
from vitruve.pipeline.detect import DetectConfig
from vitruve.pipeline.lift import LiftConfig
from vitruve.pipeline.look_stage import LookConfig
from vitruve.pipeline.place import PlaceConfig


@dataclass(frozen=True)
class EstimateConfig:
    """Settings of the main job."""

    skeleton: str | None = None
    """Format of the result, several separated by commas, or ``all``; None keeps the model's own."""
    model: str = "default"
    """Packaged weights by name, or a weights file."""
    refine: str | None = None
    """Loss-net that every answer of the model is refined by: ``"default"`` for that which comes
    with it, or a file; None for none."""
    fov_deg: float | None = None
    """Field of view of the longer image side, degrees; None takes 60."""
    camera: Path | None = None
    """Camera file (intrinsics, distortion, perhaps its place in the world)."""
    formats: tuple[str, ...] = ("npz",)
    """File formats to write for each person."""
    fps: float | None = None
    """Frames per second of an image folder, or of a keypoint file that does not say."""
    image_size_px: tuple[int, int] | None = None
    """Width, height of the pictures behind a keypoint file that does not say."""
    keypoint_skeleton: str | None = None
    """What the keypoints of a file are, where their number does not tell."""
    detect: DetectConfig = field(default_factory=DetectConfig)
    lift: LiftConfig = field(default_factory=LiftConfig)
    descent: RefineConfig = field(default_factory=RefineConfig)
    place: PlaceConfig = field(default_factory=PlaceConfig)
    look: LookConfig = field(default_factory=LookConfig)
