"""One clip of motion capture: what every reader yields and the store holds.

Axes: t frames, j joints of ``skeleton``. World z up with the floor at 0, metres.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32

from vitruve.geometry.camera import Camera
from vitruve.poses import KeypointSequence, PoseSequence
from vitruve.skeletons.skeleton import Skeleton


@dataclass(frozen=True, eq=False)
class MotionSequence:
    """One person over one clip, with 3D joints, 2D keypoints, or both."""

    name: str
    """Unique within a dataset."""
    subject: str
    """Who moves; empty when unknown."""
    action: str
    split: str
    """``train``, ``test``, or empty when the source does not say."""
    skeleton: Skeleton
    """Joint set of ``joints_world``; of the keypoints too where there is no 3D."""
    fps: float
    joints_world: Float32[np.ndarray, "t j 3"] | None = None
    """Metres; arbitrary but finite where ``valid`` is False. None for clips with 2D only."""
    valid: Bool[np.ndarray, "t j"] | None = None
    """False where a joint is missing; None only together with ``joints_world``."""
    cameras: tuple[Camera, ...] = ()
    """Static cameras that saw the clip."""
    keypoints: tuple[KeypointSequence, ...] = ()
    """2D joints; one entry for each camera, in the order of ``cameras``, where those are known."""

    def __post_init__(self) -> None:
        """Check that the parts belong together.

        Raises:
            ValueError: There is neither 3D nor 2D, or lengths or joint counts differ.
        """
        if (self.joints_world is None) != (self.valid is None):
            raise ValueError(f"sequence {self.name!r}: joints_world and valid come together")
        if self.joints_world is None and not self.keypoints:
            raise ValueError(f"sequence {self.name!r} has neither joints_world nor keypoints")
        if self.joints_world is not None:
            self._check_joints(self.joints_world)
        lengths = {len(k.keypoints_px) for k in self.keypoints} | {self.num_frames}
        if len(lengths) > 1:
            raise ValueError(
                f"sequence {self.name!r}: parts differ in length ({sorted(lengths)} frames); "
                "truncate them to the shortest first"
            )
        if self.cameras and self.keypoints and len(self.cameras) != len(self.keypoints):
            raise ValueError(
                f"sequence {self.name!r} has {len(self.cameras)} cameras but keypoints for "
                f"{len(self.keypoints)}"
            )

    def _check_joints(self, joints_world: Float32[np.ndarray, "t j 3"]) -> None:
        if joints_world.shape[1] != self.skeleton.num_joints:
            raise ValueError(
                f"sequence {self.name!r} has {joints_world.shape[1]} joints but skeleton "
                f"{self.skeleton.name!r} has {self.skeleton.num_joints}"
            )

    @property
    def num_frames(self) -> int:
        """Length of the ``t`` axis."""
        if self.joints_world is not None:
            return len(self.joints_world)
        return len(self.keypoints[0].keypoints_px)

    def slice(self, start: int, stop: int) -> "MotionSequence":
        """Frames ``start`` up to ``stop``, without copying."""
        return replace(
            self,
            joints_world=None if self.joints_world is None else self.joints_world[start:stop],
            valid=None if self.valid is None else self.valid[start:stop],
            keypoints=tuple(
                replace(
                    k,
                    keypoints_px=k.keypoints_px[start:stop],
                    valid=k.valid[start:stop],
                    confidence=k.confidence[start:stop],
                    frames=k.frames[start:stop],
                )
                for k in self.keypoints
            ),
        )


def from_poses(poses: PoseSequence, name: str, *, subject: str, action: str) -> MotionSequence:
    """A motion file's content as a sequence that states no split."""
    return MotionSequence(
        name=name,
        subject=subject,
        action=action,
        split="",
        skeleton=poses.skeleton,
        fps=float(poses.fps),
        joints_world=poses.joints_world.float().numpy(),
        valid=poses.valid.numpy(),
    )


def refuse_split(split: str | None, what: str) -> None:
    """Tell that a source states no split.

    Raises:
        ValueError: A split was asked for.
    """
    if split is not None:
        raise ValueError(f"{what} state no split, so split={split!r} selects nothing; leave it out")


def finite_joints(
    joints_world: np.ndarray,
) -> tuple[Float32[np.ndarray, "t j 3"], Bool[np.ndarray, "t j"]]:
    """Turn non-finite joints into invalid ones, so that the numbers stay finite everywhere."""
    joints = np.array(joints_world, dtype=np.float32)
    valid = np.asarray(np.isfinite(joints).all(-1))
    joints[~valid] = 0.0
    return joints, valid
