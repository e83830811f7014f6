"""The default model's batches: varied adults before varied cameras, through a varied detector."""

from dataclasses import dataclass, replace
from pathlib import Path

from vitruve.data.cameras.virtual import RandomCameras, RandomCamerasConfig
from vitruve.data.lifting.adults import to_adults
from vitruve.data.lifting.augment import BodyConfig
from vitruve.data.lifting.batches import LiftingBatches, LiftingConfig
from vitruve.data.lifting.bend import BendConfig
from vitruve.data.lifting.corrupt import DetectorConfig
from vitruve.data.motion import cmu_archive
from vitruve.data.sequences.windows import MotionFrames
from vitruve.estimators import Estimator
from vitruve.poses import PoseBatch
from vitruve.recipes.sources.motion import middle_mpjpe_mm
from vitruve.skeletons import conversion, skeleton
from vitruve.training import TrainConfig

JOINTS, KEYPOINTS = skeleton("vitruve_19"), skeleton("vitruve_15")
_OPTIONAL = (("head",), ("left_toe", "right_toe"))
_BODIES = BodyConfig(size=(0.85, 1.15), bone_spread=0.2, mix=0.25, jitter=0.3, sit=0.1)
_BEND = BendConfig(shoulder_drop_m=(-0.01, 0.07))
_CAMERAS = RandomCamerasConfig()
_DETECTOR = DetectorConfig(optional=_OPTIONAL, unscored=0.25)


@dataclass(frozen=True)
class AdultSourceConfig:
    """Varied adults before varied cameras, through a varied detector."""

    window: int = 27
    """Frames of one window: the net's receptive field."""
    fps: tuple[float, float] = (18.0, 60.0)
    """Range of frame rates; each window has its own."""
    bodies: BodyConfig = _BODIES
    """Variations of bodies and poses."""
    bend: BendConfig = _BEND
    """Postures beyond the recorded ones."""
    cameras: RandomCamerasConfig = _CAMERAS
    """Whose cameras."""
    detector: DetectorConfig = _DETECTOR
    """Errors of the 2D."""
    focal_error: float = 0.15
    """Standard deviation of the logarithm of stated over true focal length."""


class AdultSource:
    """Batches from a CMU archive: its train split to learn from, its test split to steer by."""

    has_validation = False
    """Whether `evaluate` looks at people that no test looks at."""

    def __init__(self, config: AdultSourceConfig, train: TrainConfig, data: Path | None) -> None:
        """Read all motion into memory.

        Raises:
            FileNotFoundError: There is no archive at ``data``.
        """
        if data is None:
            raise FileNotFoundError(
                "this recipe trains on motion capture: give --data PATH or set VITRUVE_MOTION to a "
                f"CMU motion archive (.npz) made of the files of {cmu_archive.PAGE}"
            )
        settings = LiftingConfig(
            batch_size=train.batch_size,
            window=config.window,
            fps=config.fps,
            bodies=config.bodies,
            bend=config.bend,
            detector=config.detector,
            focal_error=config.focal_error,
            seed=train.seed,
        )
        plain = replace(settings, bodies=None, bend=None, seed=train.seed + 1)
        self._train = _batches(data, "train", config.cameras, settings)
        self._test = _batches(data, "test", config.cameras, plain)

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one process at one step."""
        return self._train.batch_at(step, rank, world_size)

    def evaluate(self, estimator: Estimator) -> dict[str, float]:
        """Root-relative MPJPE of the middle frames of fixed test windows, detector errors too."""
        return {"mpjpe_mm": middle_mpjpe_mm(estimator, self._test)}


def _batches(
    data: Path, split: str, cameras: RandomCamerasConfig, settings: LiftingConfig
) -> LiftingBatches:
    views = (cmu_archive.read(data, split), cmu_archive.read(data, split, joints="native"))
    return LiftingBatches(
        MotionFrames(to_adults(*views)),
        RandomCameras(cameras),
        settings,
        keypoint_skeleton=KEYPOINTS,
        to_keypoints=conversion(JOINTS, KEYPOINTS).apply,
    )
