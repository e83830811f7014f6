"""Somebody made of sticks who walks a curve: motion of our own, with its camera, 2D and film."""

import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

import vitruve
from vitruve.geometry.camera import Camera, intrinsics_from_fov
from vitruve.io.video_writer import write_video
from vitruve.poses import KeypointSequence, PoseSequence

SKELETON = vitruve.skeleton("h36m_17")
THIGH_M, SHANK_M, UPPER_ARM_M, FOREARM_M = 0.43, 0.42, 0.29, 0.26
ANKLE_HEIGHT_M = 0.08
STEPS_PER_S = 0.95
TRUNK = {
    "pelvis": (0, 0, 0),
    "spine": (0.01, 0, 0.24),
    "thorax": (0.03, 0, 0.49),
    "neck_base_or_nose": (0.08, 0, 0.60),
    "head_top": (0.06, 0, 0.77),
}


def walk(num_frames: int = 120, fps: float = 30.0) -> torch.Tensor:
    """Joints (t, 17, 3) in metres, floor at 0."""
    seconds = torch.arange(num_frames) / fps
    phase = 2 * math.pi * STEPS_PER_S * seconds
    joints = torch.zeros(num_frames, 17, 3)
    for name, place in TRUNK.items():
        joints[:, SKELETON.index(name)] = torch.tensor(place, dtype=torch.float32)
    for side, sign, turn in (("left", 1.0, 0.0), ("right", -1.0, math.pi)):
        p = phase + turn
        _leg(joints, side, sign, 0.12 + 0.42 * p.sin(), 0.15 + 0.9 * p.cos().clamp(min=0) ** 2)
        _arm(joints, side, sign, -0.5 * p.sin(), 0.45 - 0.2 * p.sin())
    lowest = joints[..., 2].min(1, keepdim=True).values
    joints[..., 2] += ANKLE_HEIGHT_M - lowest
    return _along_curve(joints, seconds)


def _leg(joints, side, sign, hip, knee):
    start = joints[:, SKELETON.index(f"{side}_hip")]
    start += torch.tensor([0, 0.12 * sign, 0])
    middle = start + THIGH_M * _swing(hip)
    joints[:, SKELETON.index(f"{side}_knee")] = middle
    joints[:, SKELETON.index(f"{side}_ankle")] = middle + SHANK_M * _swing(hip - knee)


def _arm(joints, side, sign, shoulder, elbow):
    out = torch.tensor([0, 0.09 * sign, 0])
    start = joints[:, SKELETON.index(f"{side}_shoulder")]
    start += torch.tensor([0.02, 0.18 * sign, 0.47])
    middle = start + UPPER_ARM_M * _swing(shoulder) + out
    joints[:, SKELETON.index(f"{side}_elbow")] = middle
    joints[:, SKELETON.index(f"{side}_wrist")] = middle + FOREARM_M * _swing(shoulder + elbow)


def _swing(angle):
    return torch.stack([angle.sin(), torch.zeros_like(angle), -angle.cos()], -1)


def _along_curve(joints, seconds, radius_m=1.1, speed_m_s=0.9):
    heading = seconds * speed_m_s / radius_m - 1.2
    c, s = heading.cos(), heading.sin()
    x, y = joints[..., 0].clone(), joints[..., 1].clone()
    joints[..., 0] = c[:, None] * x - s[:, None] * y + radius_m * s[:, None]
    joints[..., 1] = s[:, None] * x + c[:, None] * y - radius_m * c[:, None]
    return joints


def camera(image_size_px: tuple[int, int] = (640, 480)) -> Camera:
    place, target = torch.tensor([2.9, -3.4, 1.5]), torch.tensor([0.1, -0.1, 0.85])
    forward = torch.nn.functional.normalize(target - place, dim=0)
    right = torch.linalg.cross(forward, torch.tensor([0.0, 0.0, 1.0]))
    right = right / right.norm()
    T_world_cam = torch.eye(4)
    T_world_cam[:3, :3] = torch.stack([right, torch.linalg.cross(forward, right), forward], 1)
    T_world_cam[:3, 3] = place
    return Camera(intrinsics_from_fov(52.0, image_size_px), image_size_px, None, T_world_cam)


def example(
    num_frames: int = 120, fps: float = 30.0
) -> tuple[PoseSequence, PoseSequence, KeypointSequence]:
    """An estimate with gaps and spread, the truth, and 2D joints."""
    generator = torch.Generator().manual_seed(1)
    truth = walk(num_frames, fps)
    reach = torch.tensor([1, 1.1, 1.6, 2.2, 1.1, 1.6, 2.2, 1, 1.1, 1.2, 1.5, 1.3, 2, 3, 1.3, 2, 3])
    slow = torch.randn(num_frames // 12 + 3, 17, 3, generator=generator)
    slow = torch.nn.functional.interpolate(
        slow.permute(1, 2, 0), size=num_frames, mode="linear", align_corners=True
    ).permute(2, 0, 1)
    wobble = 1.2 + torch.sin(torch.linspace(0, 9, num_frames))[:, None].abs()
    spread = 0.014 * reach * wobble
    estimate = truth + slow * spread[..., None] / math.sqrt(3)
    valid = torch.ones(num_frames, 17, dtype=torch.bool)
    valid[num_frames // 3 : num_frames // 3 + 7, 11:14] = False
    valid[3 * num_frames // 5 : 3 * num_frames // 5 + 6] = False
    frames, cam = torch.arange(num_frames), camera()
    pose = PoseSequence(SKELETON, estimate, valid, frames, fps, spread, cam, 1, "example estimate")
    real = PoseSequence(SKELETON, truth, valid | True, frames, fps, None, cam, 1, "truth")
    sure = (1.15 - 9 * spread).clamp(0.15, 1.0)
    points = cam.project_world(truth) + 1.5 * torch.randn(num_frames, 17, 2, generator=generator)
    found = KeypointSequence(
        SKELETON, points, valid, sure, frames, fps, cam.image_size_px, 1, "example detector"
    )
    return pose, real, found


def film(path: Path, num_frames: int = 120, fps: float = 30.0) -> bytes:
    """The walk as a small film of a grey figure, as bytes of an MP4."""
    points = camera().project_world(walk(num_frames, fps)).numpy()
    write_video(path, (_picture(p) for p in points), fps, crf=20)
    return path.read_bytes()


def _picture(points: np.ndarray) -> np.ndarray:
    scale = 2
    image = Image.new("RGB", (640 * scale, 480 * scale), (206, 210, 212))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 215 * scale, 640 * scale, 480 * scale), fill=(168, 173, 177))
    grey, edges = (74, 78, 86), [*SKELETON.edges, (1, 4), (11, 14), (4, 11), (1, 14)]
    for a, b in edges:
        pen.line([*(points[a] * scale), *(points[b] * scale)], fill=grey, width=13 * scale)
    for x, y in points * scale:
        pen.circle((x, y), 7.5 * scale, fill=(86, 90, 99))
    pen.circle(tuple(points[9:11].mean(0) * scale), 15 * scale, fill=grey)
    return np.asarray(image.resize((640, 480), Image.Resampling.LANCZOS))
