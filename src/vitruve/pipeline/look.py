"""Lift people straight from the pictures, for estimators that look at crops of them.

Each person's box is followed through the clip; where it was not found for a moment it goes in a
straight line. A crop is what an ideal pinhole camera takes of a square around the box, as in
training (`data.own.shards`). Axes: t frames, n pixels of a crop's side, b crops, j joints.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vitruve.data.processing.crop import warp_picture
from vitruve.estimators import Estimator
from vitruve.estimators.flip import predict_both
from vitruve.geometry.camera import Camera, crop_intrinsics, resize_intrinsics
from vitruve.geometry.projection import normalise_points, project
from vitruve.io.video import VideoInfo, read_frames
from vitruve.pipeline.lift import ASSUMED_DISTANCE_M, LiftedTrack, near_evidence
from vitruve.poses import KeypointSequence, PoseBatch, Prediction

MARGIN = 0.175
"""What a crop adds around the box, relative to it: the middle of what training adds."""
CROPS_AT_ONCE = 32
_STRAIGHT = torch.eye(3)


@dataclass(frozen=True, eq=False)
class BoxTrack:
    """Where one person is over a clip."""

    boxes_px: Float[np.ndarray, "t 4"]
    """Left, top, right, bottom, of consecutive frames."""
    found: Float[np.ndarray, "t"]
    """How sure it is, 0 to 1; 0 where the box was only drawn between others."""
    first: int
    """Source frame index of the first row."""
    person: int
    model: str
    """What found the boxes."""


def box_track(
    frames: Sequence[int],
    boxes_px: Float[np.ndarray, "n 4"],
    confidence: Float[np.ndarray, "n"],
    *,
    person: int = 0,
    model: str = "",
) -> BoxTrack:
    """A track of boxes at some frames, in rising order, with those between them drawn in."""
    first, last = int(frames[0]), int(frames[-1])
    every = np.arange(first, last + 1)
    edges = [np.interp(every, frames, boxes_px[:, i]) for i in range(4)]
    found = np.zeros(len(every))
    found[np.asarray(frames) - first] = confidence
    return BoxTrack(np.stack(edges, -1), found, first, person, model)


def look_at(
    clip: VideoInfo,
    tracks: Sequence[BoxTrack],
    model: tuple[Estimator, str, int],
    camera: Camera,
    tell: Callable[[int], None] | None = None,
) -> list[tuple[KeypointSequence, LiftedTrack]]:
    """Ask the estimator about every frame of every person, plain and mirrored.

    Of several hypotheses the first, which has the highest peaks, is taken.

    Args:
        clip: A video, a folder of pictures or a picture.
        tracks: Of all people.
        model: An estimator that says 2D and 3D of a crop, its name for people, and the side of the
            crops that it is given, pixels.
        camera: That took the pictures.
        tell: Told of the frames that are done.

    Raises:
        FileError: The clip cannot be read.
        ValueError: The estimator says no 2D joints, or needs more than crops and a camera.
    """
    estimator, name, crop_px = model
    lookers = [_Looker(track, camera, estimator, crop_px) for track in tracks]
    start = min(track.first for track in tracks)
    stop = max(track.first + len(track.found) for track in tracks)
    tell = tell or (lambda done: None)
    tell(start)
    for frame in read_frames(clip.path, start, stop, threads=1):
        for looker in lookers:
            looker.see(frame.index, frame.image)
        tell(frame.index + 1)
    return [looker.result(name, clip.fps) for looker in lookers]


class _Looker:
    """One person's crops and answers."""

    def __init__(self, track: BoxTrack, camera: Camera, estimator: Estimator, crop_px: int) -> None:
        self._track, self._camera, self._crop_px = track, camera, crop_px
        self._estimator = estimator
        self._waiting: list[tuple[Tensor, Camera, Tensor]] = []
        self._said: list[tuple[Tensor, Tensor, Tensor]] = []

    def see(self, index: int, image: np.ndarray) -> None:
        """Cut the person out of the next frame."""
        row = index - self._track.first
        if not 0 <= row < len(self._track.found):
            return
        left, top, right, bottom = self._track.boxes_px[row]
        side = max(right - left, bottom - top, 1.0) * (1 + MARGIN)
        corner = torch.tensor([(left + right - side) / 2, (top + bottom - side) / 2]).float()
        n, factor = self._crop_px, torch.full((2,), self._crop_px / side).float()
        K = resize_intrinsics(crop_intrinsics(self._camera.intrinsics.float(), corner), factor)
        seen = Camera(K, (n, n))
        crop = torch.from_numpy(warp_picture(image, self._camera, seen, _STRAIGHT))
        self._waiting.append((crop.permute(2, 0, 1), seen, torch.cat([corner, 1 / factor[:1]])))
        if len(self._waiting) == CROPS_AT_ONCE:
            self._ask()

    def result(self, name: str, fps: float) -> tuple[KeypointSequence, LiftedTrack]:
        """What was said, with rows for the frames that could be read."""
        self._ask()
        joints, points, spread = (torch.cat(parts) for parts in zip(*self._said, strict=True))
        count, track = len(joints), self._track
        found = torch.from_numpy(track.found[:count]).float()
        frames = track.first + torch.arange(count)
        weights = found[:, None].expand(points.shape[:2])
        lifted = LiftedTrack(
            joints_rel=joints,
            spread=spread,
            keypoints_px=points,
            weights=weights,
            seen=near_evidence(found > 0, fps),
            frames=frames,
        )
        keypoints = KeypointSequence(
            skeleton=self._estimator.skeleton,
            keypoints_px=self._as_taken(points),
            valid=weights > 0,
            confidence=weights,
            frames=frames,
            fps=fps,
            image_size_px=self._camera.image_size_px,
            person=track.person,
            model=f"{name} in boxes by {track.model}",
        )
        return keypoints, lifted

    def _ask(self) -> None:
        if not self._waiting:
            return
        batch = self._batch()
        with torch.inference_mode():
            both = predict_both(self._estimator, batch)
        joints = torch.stack([said.joints_cam[:, 0, 0] for said in both])
        mean = joints.mean(0)
        spread = (joints - mean).square().sum(-1).mean(0).sqrt()
        at_crop = torch.stack([_points(said) for said in both]).mean(0)
        places = torch.stack([place for _, _, place in self._waiting])
        points = places[:, None, :2] + at_crop * places[:, None, 2:]
        self._said.append((mean.clone(), points.clone(), spread.clone()))
        self._waiting.clear()

    def _batch(self) -> PoseBatch:
        crops, cameras, _ = zip(*self._waiting, strict=True)
        b, n = len(crops), float(self._crop_px)
        intrinsics = torch.stack([camera.intrinsics for camera in cameras])
        k = self._estimator.keypoint_skeleton.num_joints
        return PoseBatch(
            keypoint_skeleton=self._estimator.keypoint_skeleton,
            keypoints_px=torch.zeros(b, 1, k, 2),
            keypoints_valid=torch.zeros(b, 1, k, dtype=torch.bool),
            confidence=torch.zeros(b, 1, k),
            image_size_px=torch.full((b, 2), n),
            intrinsics=intrinsics,
            images=torch.stack(crops).unsqueeze(1).float() / 255,
            crops_px=torch.tensor([0.0, 0.0, n, n]).expand(b, 1, 4),
            scale_m_per_px=ASSUMED_DISTANCE_M / intrinsics[:, :1, 0],
        )

    def _as_taken(self, points_px: Float[Tensor, "t j 2"]) -> Float[Tensor, "t j 2"]:
        """Where the lens put points of a camera without one."""
        camera = self._camera
        if camera.distortion is None:
            return points_px
        flat = normalise_points(points_px, camera.intrinsics)
        rays = torch.cat([flat, torch.ones_like(flat[..., :1])], -1)
        return project(rays, camera.intrinsics, camera.distortion)


def _points(said: Prediction) -> Float[Tensor, "b j 2"]:
    if said.keypoints_px is None:
        raise ValueError("this model looks at pictures but says no 2D joints: it cannot be placed")
    return said.keypoints_px[:, 0, 0]
