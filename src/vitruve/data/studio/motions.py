"""Where the motions of Studio come from: poses drawn joint by joint, or recorded clips on a body.

Axes: t frames, n frames of all clips, m bones that move, k bones.
"""

import numpy as np
import roma
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.bodies import Body, split_body
from vitruve.bodies.sampling import SamplingConfig, sample_bodies
from vitruve.data.shards.folder import ShardReader
from vitruve.data.studio.body_motions import KIND, rest_height
from vitruve.data.studio.clip_splits import ClipFacts, split_clips
from vitruve.data.studio.config import SPLITS, StudioConfig
from vitruve.data.studio.scene import Motion, MotionSource
from vitruve.io.errors import FileError

_DEFAULT_SHAPE = SamplingConfig(shape_share=0.0)
STEP_S = 0.4
"""Time between two frames of a scene, where the clip is long enough."""


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


class ClipMotions(MotionSource):
    """Pieces of the clips that ``vitruve data motions`` put on a body."""

    def __init__(self, config: StudioConfig) -> None:
        """Read all clips; an hour at 30 frames per second takes 40 MB.

        Raises:
            FileNotFoundError: There are none.
            FileError: The shards are damaged, hold something else or are of another body.
            ValueError: A split gets no clip.
        """
        reader = ShardReader(config.motions)
        about = reader.about
        body = split_body(config.body)[0]
        if about.get("kind") != KIND or split_body(str(about.get("body")))[0] != body:
            raise FileError(
                f"{config.motions} holds no motions of body {config.body!r}; make them with "
                f"vitruve data motions --body {config.body}"
            )
        self._frames, self._fps = config.frames, float(about["fps"])
        self._bones = list(about["bones"])
        names = ("clip", "subject", "split", "pose", "root", "height")
        self._columns = {name: reader.column(name) for name in names}
        clip = self._columns["clip"]
        starts = np.flatnonzero(np.r_[True, clip[1:] != clip[:-1]])
        self._spans = list(zip(starts, [*starts[1:], len(clip)], strict=True))
        facts = [self._facts(int(start), int(stop)) for start, stop in self._spans]
        places = split_clips(config, facts)
        self._clips = [[i for i, p in enumerate(places) if p == s] for s in range(len(SPLITS))]

    def draw(
        self, body: Body, shape: Float[Tensor, "s"], split: int, generator: torch.Generator
    ) -> Motion:
        """A piece of a clip, clips as likely as they are long; strides grow with the body."""
        clips = self._clips[split]
        lengths = torch.tensor([self._spans[i][1] - self._spans[i][0] for i in clips])
        clip = clips[int(torch.multinomial(lengths.double(), 1, generator=generator))]
        start, stop = self._spans[clip]
        length = int(stop - start)
        step = max(1, min(round(STEP_S * self._fps), (length - 1) // max(1, self._frames - 1)))
        free = max(1, length - step * (self._frames - 1))
        first = int(torch.randint(free, (), generator=generator))
        frames = (first + step * torch.arange(self._frames)).clamp(max=length - 1)
        rows = start + frames.numpy()
        pose = body.rest_pose(self._frames).clone()
        turns = torch.from_numpy(self._columns["pose"][rows])
        pose[:, self._bones] = roma.rotvec_to_rotmat(turns)
        growth = rest_height(body, shape) / float(self._columns["height"][start])
        root = growth * torch.from_numpy(self._columns["root"][rows])
        return Motion(pose, root, str(self._columns["clip"][start]), frames)

    def _facts(self, start: int, stop: int) -> ClipFacts:
        name, subject, split = (str(self._columns[c][start]) for c in ("clip", "subject", "split"))
        return ClipFacts(name, subject, split, stop - start)


def open_motions(config: StudioConfig) -> MotionSource:
    """The motions that the settings name.

    Raises:
        FileNotFoundError: There are none.
        ValueError: They are damaged, of another body, or lack a split.
    """
    return ClipMotions(config) if config.motions else SampledMotions(config.frames)
