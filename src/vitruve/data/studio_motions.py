"""Where the motions of Studio come from: poses drawn joint by joint."""

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.bodies import Body
from vitruve.bodies.sampling import SamplingConfig, sample_bodies
from vitruve.data.studio import StudioConfig
from vitruve.data.studio_scene import Motion, MotionSource

_DEFAULT_SHAPE = SamplingConfig(shape_share=0.0)


class SampledMotions(MotionSource):
    """Poses that have nothing to do with each other, from the ranges of X-as-Supervision."""

    def __init__(self, frames: int) -> None:
        self._frames = frames

    def draw(
        self, body: Body, shape: Float[Tensor, "s"], split: int, generator: torch.Generator
    ) -> Motion:
        """New poses; whether limbs meet is asked of the body of default shape."""
        del shape, split
        pose = sample_bodies(body, self._frames, generator, _DEFAULT_SHAPE).pose
        return Motion(pose, None, "", torch.arange(self._frames))


def open_motions(config: StudioConfig) -> MotionSource:
    """The motions that the settings name."""
    return SampledMotions(config.frames)
