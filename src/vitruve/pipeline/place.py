"""Place lifted people in metric camera space, find the floor under them, and smooth.

Axes: t frames, j joints, f feet. Metres; the camera is static.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.camera import Camera
from vitruve.geometry.filters import amplitude_removed, zero_lag
from vitruve.geometry.ground import ground_plane, level_axes, world_from_ground
from vitruve.geometry.kinematics import bone_lengths
from vitruve.geometry.placement import MotionNoise, place_root_smoothly
from vitruve.pipeline.agree import median_bones, towards_rays, with_bones
from vitruve.pipeline.lift import LiftedTrack
from vitruve.poses import PoseSequence
from vitruve.skeletons import Skeleton

SOLE_BELOW_M = {"toe": 0.02, "ankle": 0.08, "paw": 0.02}
"""Height of a foot joint above the floor it stands on: adults, and dogs."""
STATURE_PER_BONES = 1.14
"""Stature over the bones from ankle to head: sole below the ankle, crown above the head joint."""
KEYPOINT_NOISE = 0.03
"""Standard deviation of a joint against its keypoint, as a share of the person's height in the
image: mostly the lifted pose's error, which lasts longer than a detector's."""
DEPTH_ACCELERATION_M_S2 = 0.7
"""Prior of the root's acceleration along the view; looser, and errors of the pose become motion."""


@dataclass(frozen=True)
class PlaceConfig:
    """How people are placed and smoothed."""

    height_m: float | None = None
    """Stature of every person, metres; None keeps the model's own scale."""
    cutoff_hz: float | None = 7.0
    """Zero-lag low-pass of the root-relative joints; None smooths nothing."""
    follow_keypoints: float = 1.0
    """Share of the way from each joint to the ray of its keypoint, 0 to 1."""
    constant_bones: bool = True
    """Give every bone one length for the clip, alike left and right."""


@dataclass(frozen=True, eq=False)
class Placed:
    """One person in the world, and what smoothing did to them."""

    sequence: PoseSequence
    amplitude_removed: float
    """Median over joints of the share of motion that the filter took away; NaN without motion."""


def place_people(
    tracks: Sequence[LiftedTrack],
    skeleton: Skeleton,
    camera: Camera,
    fps: float,
    config: PlaceConfig,
) -> list[Placed]:
    """Place every person of a clip before one undistorted camera and on one floor.

    A camera that has a ``T_world_cam`` keeps its world, and no floor is sought. Otherwise people
    are placed twice: first to find the floor, then knowing which way is up.
    """
    clip = _Clip(skeleton, camera, fps, config)
    poses = [clip.calm(track) for track in tracks]
    if camera.T_world_cam is None:
        bodies = [clip.stand(pose) for pose in poses]
        clip = replace(clip, camera=replace(camera, T_world_cam=clip.floor(bodies)))
        bodies = [clip.stand(pose) for pose in poses]
        clip = replace(clip, camera=replace(camera, T_world_cam=clip.floor(bodies)))
    else:
        bodies = [clip.stand(pose) for pose in poses]
    return [clip.place(pose, body) for pose, body in zip(poses, bodies, strict=True)]


@dataclass(frozen=True, eq=False)
class _Pose:
    """One person's calmed poses."""

    track: LiftedTrack
    rel: Float[Tensor, "t j 3"]
    bones_m: Float[Tensor, "j"]
    amplitude_removed: float


@dataclass(frozen=True, eq=False)
class _Body:
    """One person before the camera."""

    joints_cam: Float[Tensor, "t j 3"]
    seen: Bool[Tensor, "t"]


@dataclass(frozen=True, eq=False)
class _Clip:
    """What all people of a clip share."""

    skeleton: Skeleton
    camera: Camera
    fps: float
    config: PlaceConfig

    def calm(self, track: LiftedTrack) -> _Pose:
        """Scale, smooth, and give the bones one length.

        Bones come before placing: a pose that shrinks for a moment would be placed farther away.
        """
        track = _scaled(track, self.skeleton, self.config)
        rel = self.low_pass(track.joints_rel, track.seen)
        removed = 0.0
        if rel is not track.joints_rel:
            seen = track.seen[:, None].expand(rel.shape[:2])
            removed = float(amplitude_removed(track.joints_rel, rel, self.fps, seen).nanmedian())
        bones_m = median_bones(rel, track.seen, self.skeleton)
        if self.config.constant_bones:
            rel = with_bones(rel, bones_m, self.skeleton)
        return _Pose(track, rel, bones_m, removed)

    def stand(self, pose: _Pose) -> _Body:
        """Put the root where the picture shows the person, and the joints onto their rays."""
        track, intrinsics = pose.track, self.camera.intrinsics.float()
        noise = MotionNoise(
            keypoint_px=max(1.0, KEYPOINT_NOISE * _height_px(track)),
            depth_acceleration_m_s2=DEPTH_ACCELERATION_M_S2,
        )
        axes = None
        if self.camera.T_world_cam is None:
            noise = replace(noise, depth_acceleration_m_s2=noise.acceleration_m_s2)
        else:
            # Not the world's x and y: a given world may lie any way round before the camera.
            right, ahead, up = level_axes(self.camera.T_world_cam[2, :3]).float()
            axes = torch.stack([right, up, ahead])
        points, weights = track.keypoints_px, track.weights
        roots, _ = place_root_smoothly(
            pose.rel, points, intrinsics, weights, self.fps, noise, axes=axes
        )
        seen = track.seen & torch.isfinite(roots).all(-1) & (roots[:, 2] > 0)
        joints = pose.rel + roots[:, None]
        if self.config.follow_keypoints:
            shown = weights * seen[:, None]
            moved = towards_rays(joints, points, shown, intrinsics, self.skeleton)
            joints = joints + self.config.follow_keypoints * self.low_pass(moved, seen)
        if self.config.constant_bones:
            joints = with_bones(joints, pose.bones_m, self.skeleton)
        return _Body(joints, seen)

    def low_pass(
        self, values: Float[Tensor, "t j 3"], seen: Bool[Tensor, "t"]
    ) -> Float[Tensor, "t j 3"]:
        """Zero-lag filter at the asked cutoff; the values themselves if none is asked for."""
        cutoff_hz = self.config.cutoff_hz
        if cutoff_hz is None or cutoff_hz >= self.fps / 2:
            return values
        return zero_lag(values, self.fps, cutoff_hz, seen[:, None].expand(values.shape[:2]))

    def floor(self, bodies: Sequence[_Body]) -> Float[Tensor, "4 4"]:
        """World on the floor under all people."""
        cam = [body.joints_cam for body in bodies]
        return floor_under(cam, [body.seen for body in bodies], self.skeleton, self.fps)

    def place(self, pose: _Pose, body: _Body) -> Placed:
        """The record of one person."""
        sequence = PoseSequence(
            skeleton=self.skeleton,
            joints_world=self.camera.joints_to_world(body.joints_cam),
            valid=body.seen[:, None].expand(body.joints_cam.shape[:2]).clone(),
            frames=pose.track.frames,
            fps=self.fps,
            spread=pose.track.spread,
            camera=self.camera,
        )
        return Placed(sequence, pose.amplitude_removed)


def floor_under(
    joints_cam: Sequence[Float[Tensor, "_ j 3"]],
    seen: Sequence[Bool[Tensor, "_"]],
    skeleton: Skeleton,
    fps: float,
) -> Float[Tensor, "4 4"]:
    """``T_world_cam`` of a world on the floor, its origin below the first person's first root.

    Args:
        joints_cam: Of each person, camera frame, metres.
        seen: Frames in which each person was seen.
        skeleton: One with feet and a neck.
        fps: Frames per second.

    Raises:
        KeyError: The skeleton lacks feet or a neck.
    """
    kind, feet, low, top = _standing(skeleton)
    cam, ok = torch.cat(list(joints_cam)), torch.cat(list(seen))
    upright = torch.where(ok[:, None], cam[:, top].mean(1) - cam[:, low].mean(1), 0.0)
    ground = ground_plane(
        cam[:, feet],
        ok[:, None].expand(-1, len(feet)),
        fps,
        upright=upright,
        foot_height_m=SOLE_BELOW_M[kind],
    )
    return world_from_ground(ground, cam[int(ok.float().argmax()), skeleton.root])


def stature(joints: Float[Tensor, "t j 3"], skeleton: Skeleton) -> float:
    """Standing height from median bone lengths of leg, spine and neck, metres.

    Approximate: what lies beyond the joints, sole and crown, is an adult's share.

    Raises:
        KeyError: The skeleton lacks a joint of that chain.
    """
    lengths = bone_lengths(joints, skeleton.parents).median(0).values
    legs = [
        lengths[skeleton.index(f"{side}_{part}")]
        for side in ("left", "right")
        for part in ("ankle", "knee")
    ]
    trunk, joint = [], _first_present(skeleton, ("head", "head_top", "neck_base_or_nose"))
    while skeleton.parents[joint] >= 0:
        trunk.append(lengths[joint])
        joint = skeleton.parents[joint]
    bones = torch.stack(legs).sum() / 2 + torch.stack(trunk).sum()
    return STATURE_PER_BONES * float(bones)


def _standing(skeleton: Skeleton) -> tuple[str, list[int], list[int], list[int]]:
    """Kind of feet, the feet, and joints between which the body points upwards.

    Raises:
        KeyError: The skeleton has no feet that are known.
    """
    paws = [j for j, name in enumerate(skeleton.names) if name.endswith("_paw")]
    if paws:
        # An animal's trunk lies: what points upwards is the way from its paws to its back.
        return "paw", paws, paws, [skeleton.index(name) for name in ("withers", "tail_start")]
    kind = "toe" if "left_toe" in skeleton.names else "ankle"
    feet = [skeleton.index(f"{side}_{kind}") for side in ("left", "right")]
    top = _first_present(skeleton, ("thorax", "neck", "neck_base_or_nose"))
    return kind, feet, [skeleton.root], [top]


def _first_present(skeleton: Skeleton, names: Sequence[str]) -> int:
    present = [name for name in names if name in skeleton.names]
    return skeleton.index(present[0] if present else names[0])


def _scaled(track: LiftedTrack, skeleton: Skeleton, config: PlaceConfig) -> LiftedTrack:
    if config.height_m is None or not track.seen.any():
        return track
    factor = config.height_m / stature(track.joints_rel[track.seen], skeleton)
    return replace(track, joints_rel=track.joints_rel * factor, spread=track.spread * factor)


def _height_px(track: LiftedTrack) -> float:
    used = track.weights > 0
    y = track.keypoints_px[..., 1]
    top, bottom = y.where(used, torch.inf).amin(-1), y.where(used, -torch.inf).amax(-1)
    heights = (bottom - top)[used.any(-1)]
    return float(heights.median()) if len(heights) else 0.0
