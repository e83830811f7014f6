"""Put people whom an image model has placed before the camera onto a floor, and smooth them.

The model says where people stand; nothing here moves them but the filter, and a stature that is
stated, which moves them along their rays.

Axes: t frames, j joints of the model.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from vitruve.geometry.camera import Camera
from vitruve.geometry.filters import amplitude_removed, zero_lag
from vitruve.pipeline.place import PlaceConfig, Placed, floor_under, stature
from vitruve.pipeline.see import SeenTrack
from vitruve.poses import PoseSequence
from vitruve.skeletons import Skeleton, formats_in


def place_seen(
    tracks: Sequence[SeenTrack],
    skeleton: Skeleton,
    camera: Camera,
    fps: float,
    config: PlaceConfig,
) -> list[Placed]:
    """Place every person of a clip on one floor; the first format of the model finds it.

    Args:
        tracks: What the model said of each person.
        skeleton: The model's, of one format or of many merged.
        camera: Undistorted; one that has a ``T_world_cam`` keeps its world.
        fps: Frames per second.
        config: How.

    Raises:
        KeyError: The first format lacks feet or a neck, which the floor is found by.
    """
    first = formats_in(skeleton)[0]
    calm = [_calm(_scaled(track, first, config), fps, config) for track in tracks]
    if camera.T_world_cam is None:
        cam = [track.joints_cam[:, : first.num_joints] for track, _ in calm]
        floor = floor_under(cam, [track.seen for track, _ in calm], first, fps)
        camera = replace(camera, T_world_cam=floor)
    return [
        Placed(
            PoseSequence(
                skeleton=skeleton,
                joints_world=camera.joints_to_world(track.joints_cam),
                valid=track.seen[:, None].expand(track.joints_cam.shape[:2]).clone(),
                frames=track.frames,
                fps=fps,
                spread=track.spread,
                camera=camera,
            ),
            removed,
        )
        for track, removed in calm
    ]


def _scaled(track: SeenTrack, first: Skeleton, config: PlaceConfig) -> SeenTrack:
    """Everything larger or smaller about the camera: the picture stays the same."""
    if config.height_m is None or not track.seen.any():
        return track
    own = stature(track.joints_cam[track.seen][:, : first.num_joints], first)
    factor = config.height_m / own
    return replace(track, joints_cam=track.joints_cam * factor, spread=track.spread * factor)


def _calm(track: SeenTrack, fps: float, config: PlaceConfig) -> tuple[SeenTrack, float]:
    """The smoothed track, and the share of its motion that smoothing took away."""
    cutoff_hz, joints = config.cutoff_hz, track.joints_cam
    if cutoff_hz is None or cutoff_hz >= fps / 2:
        return track, 0.0 if len(joints) > 1 else float("nan")
    seen = track.seen[:, None].expand(joints.shape[:2])
    smooth = zero_lag(joints, fps, cutoff_hz, seen)
    about_root = [x - x[:, :1] for x in (joints, smooth)]
    removed = amplitude_removed(about_root[0][:, 1:], about_root[1][:, 1:], fps, seen[:, 1:])
    return replace(track, joints_cam=smooth), float(torch.nanmedian(removed))
