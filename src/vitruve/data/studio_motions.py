"""Where the motions of Studio come from: stub."""

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.bodies import Body
from vitruve.data.studio_scene import Motion, MotionSource


class SampledMotions(MotionSource):
    def __init__(self, frames: int) -> None:
        self._frames = frames

    def draw(
        self, body: Body, shape: Float[Tensor, "s"], split: int, generator: torch.Generator
    ) -> Motion:
        rv = torch.zeros(self._frames, body.num_bones, 3)
        for r in (
            "left_hip",
            "left_knee",
            "left_shoulder",
            "left_elbow",
            "right_shoulder",
            "right_hip",
            "right_knee",
            "spine2",
            "head",
        ):
            rv[:, body.bone(r)] = 0.4 * torch.randn(self._frames, 3, generator=generator)
        rv[:, body.bone("left_shoulder"), 1] += 1
        rv[:, body.bone("right_shoulder"), 1] -= 1
        return Motion(roma.rotvec_to_rotmat(rv), None, "", torch.arange(self._frames))


def open_motions(config):
    return SampledMotions(config.frames)
