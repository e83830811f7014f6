"""Human3.6M as MotionBERT, MotionAGFormer and PrML score it; docs/benchmarks.md is its protocol.

Joints are not those of the camera but of the image, scaled to metres by what a pixel spans at the
person ("2.5D"). Each video is cut into clips of the window's length, side by side; frames behind
the last whole clip are predicted but never scored, and three videos with wrong ground truth are
left out. The scale is that of the truth, also for predictions: an estimator with the normaliser
``weak_perspective`` is given it.

Source: Zhu et al., "MotionBERT", ICCV 2023, https://arxiv.org/abs/2210.06551.

Axes: b clips, t frames, j joints.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from vitruve.benchmarks.base import Benchmark
from vitruve.benchmarks.lift_view import lift_view
from vitruve.benchmarks.view import RecordedClip, View, cut_windows
from vitruve.data.motion.human36m_motionbert import FPS, Video, videos
from vitruve.data.sequences.windows import whole_windows
from vitruve.estimators import Estimator
from vitruve.poses import PoseBatch
from vitruve.skeletons import skeleton

BLOCKED = ("s_09_act_05_subact_02", "s_09_act_10_subact_02", "s_09_act_13_subact_01")
"""Videos that the published evaluation leaves out, in all cameras."""
CLIPS_AT_ONCE = 16


class Human36mMotionBert(Benchmark):
    """Clips of 243 frames from the detections of a stacked hourglass (``sh``) or the truth."""

    name = "human36m_motionbert"
    title = "Human3.6M in MotionBERT's setting"
    data_name = "h36m_motionbert"
    fps = FPS
    skeleton = skeleton("h36m_17")
    keypoints = ("sh", "gt")
    window: ClassVar[int] = 243
    """Frames of a clip, and from one clip to the next."""

    def __init__(self, data: str | Path) -> None:
        """Read the test videos.

        Raises:
            FileNotFoundError: The file is not at ``data``, nor in the folder of that name.
            ValueError: It is damaged or hostile.
        """
        kept = [v for v in videos(data, "test") if not v.name.startswith(BLOCKED)]
        self._videos = {video.name: video for video in kept}
        self.clips = tuple(RecordedClip(v.name, "test", v.action, len(v.joints_px)) for v in kept)
        self.facts = {"window": str(self.window)}

    def views(self, keypoints: str) -> Iterator[View]:
        """Every test video, in the file's order."""
        for clip in self.clips:
            batch = _batch(self._videos[clip.name], keypoints)
            scored = torch.zeros(clip.frames, dtype=torch.bool)
            scored[whole_windows(clip.frames, self.window, self.window)] = True
            yield View(clip, 0, batch, scored)

    def lift(self, estimator: Estimator, view: View, *, flip: bool) -> Float[Tensor, "t j 3"]:
        """The answers to each clip; to a frame that several clips show, their mean.

        Only videos shorter than a clip show a frame twice; the published evaluation averages the
        two errors there, not the poses.
        """
        frames = view.clip.frames
        total = torch.zeros(frames, self.skeleton.num_joints, 3)
        count = torch.zeros(frames)
        for clips in self._clips(frames):
            answers = lift_view(estimator, cut_windows(view.batch, clips), self.skeleton, flip=flip)
            new = count[clips] == 0
            total.index_put_((clips[new],), answers[new], accumulate=True)
            count.index_put_((clips[new],), torch.ones(int(new.sum())), accumulate=True)
        return total / count[:, None, None]

    def _clips(self, frames: int) -> Iterator[Int64[Tensor, "b t"]]:
        """Whole clips a few at a time; at last one that ends with the video, for its rest."""
        whole = whole_windows(frames, self.window, self.window)
        yield from whole.split(CLIPS_AT_ONCE)
        if frames > whole[-1, -1] + 1:
            yield torch.arange(frames - self.window, frames)[None]


class Human36mMotionBert81(Human36mMotionBert):
    """The same with clips of 81 frames."""

    name = "human36m_motionbert_81"
    data_name = "h36m_motionbert_81"
    window = 81


def _batch(video: Video, keypoints: str) -> PoseBatch:
    assert video.m_per_px is not None
    assert video.joints_m is not None
    points, confidence = video.keypoints_px, video.confidence
    if keypoints == "gt":
        points, confidence = video.joints_px[..., :2], np.ones_like(confidence)
    batch = PoseBatch(
        keypoint_skeleton=skeleton("h36m_17"),
        keypoints_px=torch.from_numpy(points).float(),
        keypoints_valid=torch.ones(confidence.shape, dtype=torch.bool),
        confidence=torch.from_numpy(confidence).float(),
        image_size_px=torch.tensor(video.image_size_px, dtype=torch.float32),
        fps=torch.tensor(FPS),
        skeleton=skeleton("h36m_17"),
        joints_cam=torch.from_numpy(video.joints_m).float(),
        valid=torch.ones(confidence.shape, dtype=torch.bool),
        scale_m_per_px=torch.from_numpy(video.m_per_px).float(),
    )
    return batch.map(lambda x: x[None])
