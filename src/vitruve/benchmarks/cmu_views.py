"""What the cameras of CMU-Lift see: test clips placed in the rigs, with exact or disturbed 2D.

Axes: b examples (here always 1), t frames, j joints.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.cmu_clips import Clip
from vitruve.benchmarks.view import View
from vitruve.data.cameras.virtual import h36m_rigs, rig_centre, stand_at
from vitruve.data.lifting.batches import MIN_DEPTH_M, step_generator
from vitruve.data.lifting.corrupt import DetectorConfig, detect, inside_image
from vitruve.data.sequences.clip import MotionSequence
from vitruve.geometry.camera import Camera
from vitruve.poses import PoseBatch

Keypoints = Literal["gt", "noisy", "detector"]
KEYPOINTS: tuple[Keypoints, ...] = ("gt", "noisy", "detector")
"""Exact 2D; Gaussian noise; a simulated detector with noise, misses, occlusions and swaps."""
NOISE_PX = 5.0
"""Standard deviation of ``noisy`` along x and y, in pixels of the 1000-pixel image."""
NOISE_SEED = 1
DETECTOR = DetectorConfig(
    noise=0.008,
    noise_range=(0.3, 2.0),
    correlation_s=0.15,
    bias=0.006,
    miss=0.02,
    occlusion=0.25,
    guess_error=0.06,
    swap=0.1,
    swap_s=0.5,
)
"""``detector``, spelled out so that it stays when defaults change."""


@dataclass(frozen=True)
class Noise:
    """Gaussian noise of another size or seed than that of ``noisy``."""

    sigma_px: float = NOISE_PX
    """Standard deviation along x and y, in pixels of the 1000-pixel image."""
    seed: int = NOISE_SEED
    """The same draws for every size, so that curves over sizes are smooth."""


def views(clip: Clip, motion: MotionSequence, keypoints: Keypoints | Noise) -> Iterator[View]:
    """The clip in each camera of its rig.

    The middle of its horizontal bounding box stands where the rig's optical axes meet; it is not
    turned, and it keeps its floor.
    """
    assert motion.joints_world is not None
    rig = h36m_rigs()[clip.rig]
    seed = keypoints.seed if isinstance(keypoints, Noise) else NOISE_SEED
    joints_world = stand_at(torch.from_numpy(motion.joints_world), rig_centre(rig))
    for number, camera in enumerate(rig):
        exact = _exact(motion, camera, joints_world)
        seen = inside_image(exact)
        scored = seen.keypoints_valid[0].all(-1)
        stream = zlib.crc32(f"{clip.name}/{number}".encode())
        generator = step_generator(seed, stream)
        yield View(clip, number, _disturbed(exact, keypoints, generator), scored)


def _exact(
    motion: MotionSequence, camera: Camera, joints_world: Float[Tensor, "t j 3"]
) -> PoseBatch:
    joints_cam = camera.joints_to_cam(joints_world)
    seen = joints_cam[..., 2] > MIN_DEPTH_M
    batch = PoseBatch(
        keypoint_skeleton=motion.skeleton,
        keypoints_px=camera.project(joints_cam),
        keypoints_valid=seen,
        confidence=seen.float(),
        image_size_px=torch.tensor(camera.image_size_px, dtype=torch.float32),
        intrinsics=camera.intrinsics,
        distortion=camera.distortion,
        fps=torch.tensor(motion.fps),
        skeleton=motion.skeleton,
        joints_cam=joints_cam,
        valid=torch.ones_like(seen),
    )
    return batch.map(lambda x: x[None])


def _disturbed(
    exact: PoseBatch, keypoints: Keypoints | Noise, generator: torch.Generator
) -> PoseBatch:
    match keypoints:
        case "gt":
            return inside_image(exact)
        case "noisy":
            return _disturbed(exact, Noise(), generator)
        case Noise(sigma_px=sigma_px):
            noise = torch.randn(exact.keypoints_px.shape, generator=generator)
            scale = sigma_px * exact.image_size_px[0, 0] / 1000
            return inside_image(replace(exact, keypoints_px=exact.keypoints_px + scale * noise))
        case "detector":
            return detect(exact, DETECTOR, generator)
        case _:
            assert_never(keypoints)
