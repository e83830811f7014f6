"""Batches for training a lifter: real motion, seen by virtual cameras, through a detector's eyes.

Axes: b examples, t frames, j joints, k keypoints. A batch depends on nothing but the seed, the
step and the rank, so a run that was killed continues with the very same batches.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.data.cameras.virtual import CameraBatch
from vitruve.data.lifting.augment import BodyConfig, vary_bodies
from vitruve.data.lifting.bend import BendConfig, bend_bodies
from vitruve.data.lifting.corrupt import DetectorConfig, detect, inside_image
from vitruve.data.sequences.windows import MotionFrames
from vitruve.geometry.projection import project
from vitruve.poses import PoseBatch
from vitruve.skeletons import Skeleton

MIN_DEPTH_M = 0.1
"""Joints nearer to the camera, or behind it, are not seen."""

JointsMap = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Labels and validity of one skeleton to those of another: (b t j 3), (b t j) to k joints."""


@runtime_checkable
class CameraSource(Protocol):
    """Anything that draws a camera for each subject, such as ``RandomCameras``."""

    def sample(self, centre: Tensor, radius: Tensor, generator: torch.Generator) -> CameraBatch:
        """Cameras for subjects at ``centre`` (b 3) within balls of ``radius`` (b) metres."""
        ...


@dataclass(frozen=True)
class LiftingConfig:
    """What a batch is made of."""

    batch_size: int = 256
    """Windows in a step, over all ranks."""
    window: int = 27
    """Frames of a window."""
    fps: tuple[float, float] = (20.0, 60.0)
    """Range of frame rates; each window has its own."""
    bodies: BodyConfig | None = None
    """Variations of bodies and poses; None for the motion as recorded."""
    detector: DetectorConfig | None = None
    """Errors of the 2D; None for exact keypoints."""
    seed: int = 0
    bend: BendConfig | None = None
    """Postures beyond the recorded ones; None for none."""
    focal_error: float = 0.0
    """Standard deviation of the logarithm of stated over true focal length: users guess it."""


class LiftingBatches:
    """Training batches of a lifter, one for each step."""

    def __init__(
        self,
        motion: MotionFrames,
        cameras: CameraSource,
        config: LiftingConfig,
        *,
        keypoint_skeleton: Skeleton | None = None,
        to_keypoints: JointsMap | None = None,
    ) -> None:
        """Put motion, cameras and settings together.

        ``to_keypoints`` turns labels into the joints of ``keypoint_skeleton`` in 3D; without the
        two, keypoints are the labels' own joints.

        Raises:
            ValueError: Only one of ``keypoint_skeleton`` and ``to_keypoints`` is given.
        """
        if (keypoint_skeleton is None) != (to_keypoints is None):
            raise ValueError("keypoint_skeleton and to_keypoints come together: give both or none")
        self.motion, self.cameras, self.config = motion, cameras, config
        self.keypoint_skeleton = keypoint_skeleton or motion.skeleton
        self._to_keypoints = to_keypoints

    def batch_at(self, step: int, rank: int = 0, world_size: int = 1) -> PoseBatch:
        """The batch of one step on one rank.

        Raises:
            ValueError: ``batch_size`` does not divide among the ranks.
        """
        config = self.config
        b = rank_share(config.batch_size, world_size)
        generator = step_generator(config.seed, step, rank, world_size)
        low, high = config.fps
        fps = low + (high - low) * torch.rand(b, generator=generator)
        joints, valid = self.motion.sample(config.window, fps, generator)
        if config.bodies is not None:
            varied = vary_bodies(joints, self.motion.skeleton, config.bodies, generator)
            if config.bend is not None:
                varied = bend_bodies(varied, self.motion.skeleton, config.bend, generator)
            # A missing joint would bend all that hangs on it, so such windows stay as recorded.
            whole = valid.all(-1).all(-1)[:, None, None, None]
            joints = torch.where(whole, varied, joints)
        cameras = self.cameras.sample(*bounding_ball(joints, valid), generator)
        exact = self._see(cameras.joints_to_cam(joints), valid, cameras, fps)
        if config.focal_error:
            exact = misjudge_focal(exact, config.focal_error, generator)
        if config.detector is None:
            return inside_image(exact)
        return detect(exact, config.detector, generator)

    def _see(
        self,
        joints_cam: Float[Tensor, "b t j 3"],
        valid: Bool[Tensor, "b t j"],
        cameras: CameraBatch,
        fps: Float[Tensor, "b"],
    ) -> PoseBatch:
        points, seen = joints_cam, valid
        if self._to_keypoints is not None:
            points, seen = self._to_keypoints(joints_cam, valid)
        distortion = None if cameras.distortion is None else cameras.distortion[:, None]
        seen = seen & (points[..., 2] > MIN_DEPTH_M)
        return PoseBatch(
            keypoint_skeleton=self.keypoint_skeleton,
            keypoints_px=project(points, cameras.intrinsics[:, None], distortion),
            keypoints_valid=seen,
            confidence=seen.float(),
            image_size_px=cameras.image_size_px,
            intrinsics=cameras.intrinsics,
            distortion=cameras.distortion,
            fps=fps,
            skeleton=self.motion.skeleton,
            joints_cam=joints_cam,
            valid=valid,
        )


def rank_share(batch_size: int, world_size: int) -> int:
    """How many examples of a step are one rank's.

    Raises:
        ValueError: ``batch_size`` does not divide among the ranks.
    """
    if batch_size % world_size:
        raise ValueError(f"batch_size {batch_size} does not divide among {world_size} ranks")
    return batch_size // world_size


def misjudge_focal(batch: PoseBatch, error: float, generator: torch.Generator) -> PoseBatch:
    """State a wrong focal length: off by a log-normal factor, the same for both axes."""
    assert batch.intrinsics is not None
    factor = torch.exp(error * torch.randn(len(batch.intrinsics), generator=generator))
    intrinsics = batch.intrinsics.clone()
    intrinsics[:, [0, 1], [0, 1]] *= factor[:, None]
    return replace(batch, intrinsics=intrinsics)


def step_generator(*numbers: int) -> torch.Generator:
    """A generator for one (seed, step, rank, ...); neighbours are unrelated."""
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def bounding_ball(
    joints: Float[Tensor, "b t j 3"], valid: Bool[Tensor, "b t j"]
) -> tuple[Float[Tensor, "b 3"], Float[Tensor, "b"]]:
    """Middle of each window's bounding box and the farthest joint's distance from it, metres."""
    # Missing joints count as the first valid one; in a window without any, as the origin.
    first = valid.flatten(1).int().argmax(1)
    known = joints.flatten(1, 2)[torch.arange(len(joints)), first]
    known = torch.where(valid.flatten(1).any(1, keepdim=True), known, 0.0)
    joints = torch.where(valid[..., None], joints, known[:, None, None])
    centre = (joints.amin((1, 2)) + joints.amax((1, 2))) / 2
    return centre, (joints - centre[:, None, None]).norm(dim=-1).amax((1, 2))
