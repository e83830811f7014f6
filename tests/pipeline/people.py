"""A stick person that walks and jumps, seen by a camera, and a small untrained estimator."""

import math

import torch

from vitruve.estimators import Lifter, LifterConfig
from vitruve.geometry.camera import Camera, intrinsics_from_fov
from vitruve.geometry.projection import project
from vitruve.nets import VideoPose3DConfig
from vitruve.poses import KeypointSequence
from vitruve.skeletons import conversion, skeleton

JOINTS, KEYPOINTS = skeleton("vitruve_19"), skeleton("vitruve_15")
FPS = 30.0
SIZE_PX = (1280, 720)
_STANDING_M = {
    "pelvis": (0, 0, 0.93),
    "hip": (0.09, 0, 0.9),
    "knee": (0.1, 0.02, 0.48),
    "ankle": (0.1, 0, 0.08),
    "toe": (0.12, 0.18, 0.02),
    "spine": (0, 0, 1.15),
    "thorax": (0, 0, 1.4),
    "neck": (0, 0, 1.5),
    "head": (0, 0.02, 1.6),
    "shoulder": (0.19, 0, 1.38),
    "elbow": (0.24, 0, 1.1),
    "wrist": (0.25, 0.05, 0.86),
}
"""One side of a person of 1.72 m who faces +y; x is to their left."""


def standing() -> torch.Tensor:
    rows = []
    for name in JOINTS.names:
        side = -1 if name.startswith("right_") else 1
        x, y, z = _STANDING_M[name.removeprefix("left_").removeprefix("right_")]
        rows.append((side * x, y, z))
    return torch.tensor(rows)


def motion(frames: int = 90, jump_m: float = 0.4) -> torch.Tensor:
    """World joints (t j 3): a person glides 1.5 m sideways and jumps once in the middle."""
    time = torch.arange(frames) / FPS
    flight = 2 * math.sqrt(2 * jump_m / 9.81)
    since = time - time[frames // 2] + flight / 2
    height = (math.sqrt(2 * jump_m * 9.81) * since - 9.81 / 2 * since**2).clamp(min=0)
    height = torch.where((since > 0) & (since < flight), height, 0.0)
    path = torch.stack([1.5 * (time / time[-1] - 0.5), torch.zeros(frames), height], dim=-1)
    return standing() + path[:, None]


def camera(pitch_deg: float = 10.0, distance_m: float = 4.0, height_m: float = 1.6) -> Camera:
    """In front of the person, looking back at them and down."""
    pitch = math.radians(pitch_deg)
    forward = torch.tensor([0.0, -math.cos(pitch), -math.sin(pitch)])
    right = torch.tensor([-1.0, 0.0, 0.0])
    down = torch.linalg.cross(forward, right)
    T = torch.eye(4)
    T[:3, :3] = torch.stack([right, down, forward], dim=-1)
    T[:3, 3] = torch.tensor([0.0, distance_m, height_m])
    return Camera(intrinsics_from_fov(60.0, SIZE_PX), SIZE_PX, T_world_cam=T)


def seen(joints_world: torch.Tensor, view: Camera) -> KeypointSequence:
    """Exact 2D of the person in the estimator's keypoints."""
    joints_cam = view.joints_to_cam(joints_world)
    points, _ = conversion(JOINTS, KEYPOINTS).apply(
        joints_cam, torch.ones(joints_cam.shape[:2]) > 0
    )
    valid = torch.ones(points.shape[:2], dtype=torch.bool)
    return KeypointSequence(
        skeleton=KEYPOINTS,
        keypoints_px=project(points, view.intrinsics),
        valid=valid,
        confidence=valid.float(),
        frames=torch.arange(len(points)),
        fps=FPS,
        image_size_px=SIZE_PX,
        model="exact",
    )


def small_lifter(native_fps: float | None = FPS) -> Lifter:
    torch.manual_seed(3)
    net = VideoPose3DConfig(15, 19, in_channels=3, widths=(3, 3), channels=8, dropout=0.0)
    config = LifterConfig(
        JOINTS, KEYPOINTS, "video_pose_3d", net, "root_view", native_fps, confidence=True
    )
    return Lifter(config).eval()
