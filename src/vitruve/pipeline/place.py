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
from vitruve.geometry.ground import ground_plane, world_from_ground
from vitruve.geometry.kinematics import bone_lengths
from vitruve.geometry.placement import MotionNoise, place_root_smoothly
from vitruve.pipeline.agree import towards_rays, with_constant_bones
from vitruve.pipeline.lift import LiftedTrack
from vitruve.poses import PoseSequence
from vitruve.skeletons import Skeleton

SOLE_BELOW_M = {"toe": 0.02, "ankle": 0.08}
"""Height of a foot joint above the floor it stands on, adults."""
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

    A camera that has a ``T_world_cam`` keeps its world, and no floor is sought.
    """
    bodies = []
    for track in tracks:
        rel, removed = _smoothed(_scaled(track, skeleton, config), fps, config.cutoff_hz)
        if config.constant_bones:
            # Before placing: a pose that shrinks for a moment would be placed farther away.
            rel = with_constant_bones(rel, track.seen, skeleton)
        roots, found = _rooted(rel, track, camera, fps)
        seen = track.seen & found
        joints = _agreeing(rel + roots[:, None], track, seen, (skeleton, camera, fps, config))
        bodies.append((joints, seen, removed))
    if camera.T_world_cam is None:
        joints = [body[0] for body in bodies]
        seen = [body[1] for body in bodies]
        camera = replace(camera, T_world_cam=_floor(joints, seen, skeleton, fps))
    placed = []
    for track, (joints_cam, valid, removed) in zip(tracks, bodies, strict=True):
        sequence = PoseSequence(
            skeleton=skeleton,
            joints_world=camera.joints_to_world(joints_cam),
            valid=valid[:, None].expand(joints_cam.shape[:2]).clone(),
            frames=track.frames,
            fps=fps,
            spread=track.spread,
            camera=camera,
        )
        placed.append(Placed(sequence, removed))
    return placed


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


def _first_present(skeleton: Skeleton, names: Sequence[str]) -> int:
    present = [name for name in names if name in skeleton.names]
    return skeleton.index(present[0] if present else names[0])


def _scaled(track: LiftedTrack, skeleton: Skeleton, config: PlaceConfig) -> LiftedTrack:
    if config.height_m is None or not track.seen.any():
        return track
    factor = config.height_m / stature(track.joints_rel[track.seen], skeleton)
    return replace(track, joints_rel=track.joints_rel * factor, spread=track.spread * factor)


def _smoothed(
    track: LiftedTrack, fps: float, cutoff_hz: float | None
) -> tuple[Float[Tensor, "t j 3"], float]:
    if cutoff_hz is None or cutoff_hz >= fps / 2:
        return track.joints_rel, 0.0
    seen = track.seen[:, None].expand(track.joints_rel.shape[:2])
    smooth = zero_lag(track.joints_rel, fps, cutoff_hz, seen)
    removed = amplitude_removed(track.joints_rel, smooth, fps, seen)
    return smooth, float(removed.nanmedian())


def _agreeing(
    joints_cam: Float[Tensor, "t j 3"],
    track: LiftedTrack,
    seen: Bool[Tensor, "t"],
    context: tuple[Skeleton, Camera, float, PlaceConfig],
) -> Float[Tensor, "t j 3"]:
    """Across the view as the keypoints say, and with bones that keep their length."""
    skeleton, camera, fps, config = context
    if config.follow_keypoints:
        points, weights = track.keypoints_px, track.weights * seen[:, None]
        intrinsics = camera.intrinsics.float()
        moved = towards_rays(joints_cam, points, weights, intrinsics, skeleton)
        if config.cutoff_hz is not None and config.cutoff_hz < fps / 2:
            moved = zero_lag(moved, fps, config.cutoff_hz, seen[:, None].expand(moved.shape[:2]))
        joints_cam = joints_cam + config.follow_keypoints * moved
    if config.constant_bones:
        joints_cam = with_constant_bones(joints_cam, seen, skeleton)
    return joints_cam


def _rooted(
    rel: Float[Tensor, "t j 3"], track: LiftedTrack, camera: Camera, fps: float
) -> tuple[Float[Tensor, "t 3"], Bool[Tensor, "t"]]:
    noise_px = max(1.0, KEYPOINT_NOISE * _height_px(track))
    noise = MotionNoise(keypoint_px=noise_px, depth_acceleration_m_s2=DEPTH_ACCELERATION_M_S2)
    intrinsics = camera.intrinsics.float()
    points, weights = track.keypoints_px, track.weights
    roots, _ = place_root_smoothly(rel, points, intrinsics, weights, fps, noise)
    return roots, torch.isfinite(roots).all(-1) & (roots[:, 2] > 0)


def _height_px(track: LiftedTrack) -> float:
    used = track.weights > 0
    y = track.keypoints_px[..., 1]
    top, bottom = y.where(used, torch.inf).amin(-1), y.where(used, -torch.inf).amax(-1)
    heights = (bottom - top)[used.any(-1)]
    return float(heights.median()) if len(heights) else 0.0


def _floor(
    joints: Sequence[Float[Tensor, "t j 3"]],
    seen: Sequence[Bool[Tensor, "t"]],
    skeleton: Skeleton,
    fps: float,
) -> Float[Tensor, "4 4"]:
    """World on the floor under all people, its origin below the first person's first root."""
    kind = "toe" if "left_toe" in skeleton.names else "ankle"
    feet = [skeleton.index(f"{side}_{kind}") for side in ("left", "right")]
    top = _first_present(skeleton, ("thorax", "neck", "neck_base_or_nose"))
    cam = torch.cat(list(joints))
    ok = torch.cat(list(seen))
    upright = torch.where(ok[:, None], cam[:, top] - cam[:, skeleton.root], 0.0)
    ground = ground_plane(cam[:, feet], ok[:, None].expand(-1, 2), fps, upright=upright)
    sole = replace(ground, offset_m=ground.offset_m + SOLE_BELOW_M[kind])
    first = int(ok.float().argmax())
    return world_from_ground(sole, cam[first, skeleton.root])
