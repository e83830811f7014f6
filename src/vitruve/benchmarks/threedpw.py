"""3DPW: the SMPL joints of people outdoors; docs/benchmarks.md is its protocol.

Relative to the pelvis, over all 24 joints (Sárándi et al., WACV 2023), or over the 14 that mesh
recovery is scored on (limbs, neck, head), as in MotionBERT's setting. Papers of that setting
regress the 14 from the SMPL mesh with a regressor made for Human3.6M. The licensed mesh is not
needed here: the joints are SMPL's own, so the numbers compare among themselves only. Frames count
whose camera was aligned (``campose_valid``).

Source: von Marcard et al., "Recovering accurate 3D human pose in the wild using IMUs and a moving
camera", ECCV 2018.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from vitruve.benchmarks.base import Benchmark
from vitruve.benchmarks.view import RecordedClip, View, recorded_view
from vitruve.data.lifting.batches import MIN_DEPTH_M
from vitruve.data.motion import threedpw
from vitruve.data.sequences.clip import MotionSequence
from vitruve.skeletons import Skeleton, skeleton

_SMPL = skeleton("smpl_24")
_SIDED = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
_SCORED_14 = (*(f"{side}_{part}" for part in _SIDED for side in ("left", "right")), "neck", "head")


def _smpl_15() -> Skeleton:
    """The 14 joints and the pelvis that they are relative to."""
    names = tuple(name for name in _SMPL.names if name == "pelvis" or name in _SCORED_14)
    parents = []
    for name in names:
        parent = _SMPL.parents[_SMPL.index(name)]
        while parent >= 0 and _SMPL.names[parent] not in names:
            parent = _SMPL.parents[parent]
        parents.append(names.index(_SMPL.names[parent]) if parent >= 0 else -1)
    return Skeleton("smpl_15", names, tuple(parents), definitions=_SMPL.definitions)


class ThreeDpw(Benchmark):
    """The test split, 24 joints; from projected SMPL joints (``gt``) or the detections in it."""

    name = "threedpw"
    title = "3DPW"
    data_name = "3dpw"
    average = "frames"
    fps = threedpw.FPS
    skeleton = _SMPL
    keypoints = ("gt", "detected")

    def __init__(self, data: str | Path) -> None:
        """Read the test sequences.

        Raises:
            FileNotFoundError: They are not at ``data``.
            ValueError: They are damaged or hostile.
        """
        self._people = list(threedpw.read(data, "test"))
        self.clips = tuple(
            RecordedClip(p.name, "test", p.name.partition("/")[0], p.num_frames)
            for p in self._people
        )

    def views(self, keypoints: str) -> Iterator[View]:
        """Every person of every test sequence."""
        for clip, person in zip(self.clips, self._people, strict=True):
            shown = _projected(person) if keypoints == "gt" else person
            view = recorded_view(shown, clip, 0)
            assert view.batch.joints_cam is not None
            kept = [_SMPL.index(name) for name in self.skeleton.names]
            batch = replace(
                view.batch,
                skeleton=self.skeleton,
                joints_cam=view.batch.joints_cam[..., kept, :],
                valid=None,
            )
            yield replace(view, batch=batch)


class ThreeDpw14(ThreeDpw):
    """The same on 14 joints; the pelvis is predicted too, but not scored."""

    name = "threedpw_14"
    data_name = "3dpw_14"
    skeleton = _smpl_15()
    scored_joints = tuple(range(1, 15))


def _projected(person: MotionSequence) -> MotionSequence:
    """The person with the SMPL joints in the image as keypoints."""
    camera, detected = person.cameras[0], person.keypoints[0]
    assert person.joints_world is not None
    assert person.valid is not None
    joints_cam = camera.joints_to_cam(torch.from_numpy(person.joints_world))
    seen = torch.from_numpy(person.valid) & (joints_cam[..., 2] > MIN_DEPTH_M)
    exact = replace(
        detected,
        skeleton=_SMPL,
        keypoints_px=camera.project(joints_cam),
        valid=seen,
        confidence=seen.float(),
        model="projected",
    )
    return replace(person, keypoints=(exact,))
