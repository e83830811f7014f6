"""H3WB: whole-body lifting on single frames of subject 8; docs/benchmarks.md is its protocol.

Errors are relative to the middle of the hips, over all 133 joints, body (with feet), face and
hands; of the face also relative to the nose, of the hands to their wrists. Means over samples.
Limbs are those of the body; bones are all but the face's, whose points hang on no bone.

Source: Zhu et al., "H3WB: Human3.6M 3D WholeBody dataset and benchmark", ICCV 2023,
https://arxiv.org/abs/2211.15692.

Axes: b samples, t frames, j joints.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.benchmarks.base import Benchmark
from vitruve.benchmarks.lift_view import lift_view
from vitruve.benchmarks.view import RecordedClip, View, cut_windows, recorded_view
from vitruve.data.motion import h3wb
from vitruve.estimators import Estimator
from vitruve.metrics import mpjpe_mm
from vitruve.skeletons import skeleton

BODY, FACE = slice(0, 23), slice(23, 91)
LEFT_HAND, RIGHT_HAND = slice(91, 112), slice(112, 133)
HIPS, NOSE = (11, 12), 0
_BONES = [
    -1 if FACE.start <= j < FACE.stop else parent
    for j, parent in enumerate(skeleton("h3wb_133").parents)
]
SAMPLES_AT_ONCE = 4096


class H3wb(Benchmark):
    """The test set of the task 2D to 3D, in either official layout."""

    name = "h3wb"
    title = "H3WB"
    data_name = "h3wb"
    average = "frames"
    columns = (
        "mpjpe_mm",
        "body_mpjpe_mm",
        "face_mpjpe_mm",
        "hands_mpjpe_mm",
        "face_nose_mpjpe_mm",
        "hands_wrist_mpjpe_mm",
        "lse",
        "lle",
        "bsle",
    )
    fps = 10.0
    skeleton = skeleton("h3wb_133")
    keypoints = ("gt",)

    def __init__(self, data: str | Path) -> None:
        """Read the test samples.

        Raises:
            FileNotFoundError: They are not at ``data``.
            ValueError: They are damaged or hostile.
        """
        self._sequences = list(h3wb.read(data, "test"))
        self.num_cameras = len(self._sequences[0].keypoints) if self._sequences else 1
        self.clips = tuple(
            RecordedClip(s.name, "test", s.action.partition(" ")[0] or "all", s.num_frames)
            for s in self._sequences
        )

    def views(self, keypoints: str) -> Iterator[View]:
        """The samples in the file's order, each camera's together."""
        del keypoints
        for clip, sequence in zip(self.clips, self._sequences, strict=True):
            for camera in range(self.num_cameras):
                yield recorded_view(sequence, clip, camera)

    def lift(self, estimator: Estimator, view: View, *, flip: bool) -> Float[Tensor, "t j 3"]:
        """The answer to each sample on its own: neighbours in the file are none in time."""
        samples = torch.arange(view.clip.frames)[:, None]
        answers = [
            lift_view(estimator, cut_windows(view.batch, some), self.skeleton, flip=flip)[:, 0]
            for some in samples.split(SAMPLES_AT_ONCE)
        ]
        return torch.cat(answers)

    def errors(self, view: View, joints: Float[Tensor, "t j 3"]) -> dict[str, float]:
        """Errors of the parts, relative to hips, nose and wrists; and of lengths."""
        assert view.batch.joints_cam is not None
        predicted, truth = joints[view.scored], view.batch.joints_cam[0][view.scored]
        hips = [x[:, HIPS].mean(1, keepdim=True) for x in (predicted, truth)]
        from_hips = predicted - hips[0], truth - hips[1]

        def error(part: slice, root: int | None = None) -> float:
            a, b = (x[:, part] for x in from_hips)
            if root is not None:
                a, b = a - from_hips[0][:, root, None], b - from_hips[1][:, root, None]
            return mpjpe_mm(a, b).item()

        hands = slice(LEFT_HAND.start, RIGHT_HAND.stop)
        wrists = error(LEFT_HAND, LEFT_HAND.start), error(RIGHT_HAND, RIGHT_HAND.start)
        return {
            "mpjpe_mm": error(slice(None)),
            "body_mpjpe_mm": error(BODY),
            "face_mpjpe_mm": error(FACE),
            "hands_mpjpe_mm": error(hands),
            "face_nose_mpjpe_mm": error(FACE, NOSE),
            "hands_wrist_mpjpe_mm": sum(wrists) / 2,
            **self.length_errors(view, joints, _BONES),
        }
