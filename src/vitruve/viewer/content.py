"""What a page shows, as plain data: people, keypoints, camera, facts. Axes: t frames, j joints."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from vitruve import __version__
from vitruve.geometry.camera import Camera, fov_from_intrinsics
from vitruve.poses import KeypointSequence, PoseSequence
from vitruve.skeletons.skeleton import Skeleton
from vitruve.viewer.measures import Measure, heights, joint_angles, pelvis
from vitruve.viewer.quantise import quantise
from vitruve.viewer.timeline import Timeline


def describe_person(person: PoseSequence, timeline: Timeline) -> dict[str, Any]:
    """One person's joints, spread, angles and heights on the page's frame axis."""
    skeleton = person.skeleton
    frames = person.frames.cpu().numpy()

    def placed(values: Any) -> np.ndarray:
        return timeline.place(frames, values.detach().cpu().numpy())

    joints, valid = placed(person.joints_world), placed(person.valid)
    valid &= np.isfinite(joints).all(-1)
    joints = np.where(valid[..., None], joints, 0.0).astype(np.float64)
    spread = None if person.spread is None else placed(person.spread).astype(np.float64)
    return {
        "person": person.person,
        "model": person.model,
        **_drawing(skeleton),
        "names": list(skeleton.names),
        "pelvis": list(pelvis(skeleton) or (skeleton.root,)),
        "joints": quantise(joints, valid),
        "spread": None if spread is None else quantise(spread[..., None], valid),
        "angles": [
            _curve(m, math.degrees(1)) for m in joint_angles(skeleton, joints, valid, spread)
        ],
        "heights": [_curve(m, 1.0) for m in heights(skeleton, joints, valid, spread)],
    }


def describe_keypoints(keypoints: KeypointSequence, timeline: Timeline) -> dict[str, Any]:
    """One person's 2D joints on the page's frame axis, pixels."""
    frames = keypoints.frames.cpu().numpy()
    points, valid, confidence = (
        timeline.place(frames, x.detach().cpu().numpy())
        for x in (keypoints.keypoints_px, keypoints.valid, keypoints.confidence)
    )
    return {
        "person": keypoints.person,
        "model": keypoints.model,
        **_drawing(keypoints.skeleton),
        "imageSize": list(keypoints.image_size_px),
        "points": quantise(points, valid),
        "confidence": quantise(confidence[..., None], valid),
    }


def describe_camera(camera: Camera | None) -> dict[str, Any] | None:
    """A pinhole for the page to draw; None where the camera's place is unknown."""
    if camera is None or camera.T_world_cam is None:
        return None
    return {
        "imageSize": list(camera.image_size_px),
        "intrinsics": camera.intrinsics.detach().cpu().double().tolist(),
        "worldFromCamera": camera.T_world_cam.detach().cpu().double().tolist(),
    }


def clip_facts(
    people: Sequence[PoseSequence], keypoints: Sequence[KeypointSequence], timeline: Timeline
) -> dict[str, str]:
    """What the records themselves say of the clip, the camera and how it was made."""
    rate = timeline.fps / timeline.step
    facts = {
        "Skeleton": _distinct(s.skeleton.name for s in people or keypoints),
        "3D from": _distinct(p.model for p in people),
        "2D from": _distinct(k.model for k in keypoints),
        "Frames": f"{timeline.count:,} in {timeline.count / rate:.2f} s at {rate:g} per second",
        "Units": "metres, world z up, floor at z = 0" if people else "pixels, centres at .5",
    }
    if timeline.step > 1:
        thinned = "; the page was thinned" if timeline.thinned > 1 else ""
        facts["Shown"] = f"1 source frame in {timeline.step}{thinned}"
    camera = next((p.camera for p in people if p.camera is not None), None)
    facts |= _camera_facts(camera) if camera else {}
    facts["Written by"] = f"Vitruve {__version__}"
    return {name: text for name, text in facts.items() if text}


def _camera_facts(camera: Camera) -> dict[str, str]:
    width, height = camera.image_size_px
    fov_deg = fov_from_intrinsics(camera.intrinsics, camera.image_size_px)
    facts = {
        "Image": f"{width} × {height} px",
        "Field of view": f"{fov_deg:.1f}° along the longer side",
        "Lens": "distortion modelled" if camera.distortion is not None else "no distortion",
    }
    if camera.T_world_cam is not None:
        forward_z = min(1.0, max(-1.0, float(camera.T_world_cam[2, 2])))
        pitch_deg = math.degrees(math.asin(forward_z))
        turn = "down" if pitch_deg < 0 else "up"
        place = f"{float(camera.T_world_cam[2, 3]):.2f} m above the floor"
        facts["Camera"] = f"{place}, looking {abs(pitch_deg):.0f}° {turn}"
    return facts


def _distinct(texts: Any) -> str:
    return ", ".join(dict.fromkeys(t for t in texts if t))


def _drawing(skeleton: Skeleton) -> dict[str, Any]:
    sides = np.full(skeleton.num_joints, "centre")
    sides[list(skeleton.left)] = "left"
    sides[list(skeleton.right)] = "right"
    return {
        "skeleton": skeleton.name,
        "edges": [list(e) for e in skeleton.edges],
        "sides": sides.tolist(),
    }


def _curve(measure: Measure, unit: float) -> dict[str, Any]:
    def coded(values: Float[np.ndarray, "t"], valid: Bool[np.ndarray, "t"]) -> dict[str, Any]:
        return quantise(values[:, None, None] * unit, valid[:, None])

    return {
        "title": measure.title,
        "side": measure.side,
        "joint": measure.joint,
        "values": coded(measure.values, measure.valid),
        "spread": None if measure.spread is None else coded(measure.spread, measure.valid),
    }


def describe(
    people: Sequence[PoseSequence],
    keypoints: Sequence[KeypointSequence],
    truth: Sequence[PoseSequence],
    facts: Mapping[str, str],
    timeline: Timeline,
) -> dict[str, Any]:
    """Everything of a page but the video.

    Args:
        people: Drawn, measured and listed.
        keypoints: Drawn over the picture.
        truth: Drawn as ghosts, and as dashed curves beside the person of the same number.
        facts: The quality table's rows.
        timeline: The frame axis of all of them.
    """
    cameras = (describe_camera(p.camera) for p in people)
    return {
        "fps": timeline.fps,
        "first": timeline.first,
        "step": timeline.step,
        "count": timeline.count,
        "people": [describe_person(p, timeline) for p in people],
        "truth": [describe_person(p, timeline) for p in truth],
        "keypoints": [describe_keypoints(k, timeline) for k in keypoints],
        "camera": next((c for c in cameras if c is not None), None),
        "clip": list(clip_facts(people, keypoints, timeline).items()),
        "quality": [[str(k), str(v)] for k, v in facts.items()],
    }
