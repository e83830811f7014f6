"""Virtual cameras: the published Human3.6M rigs, and random ones aimed near a subject.

Axes: b examples, j points. World z up with the floor at 0; metres, radians, pixels;
``T_world_cam`` maps camera to world. Moving a camera about a motion is the same as moving the
motion about the camera, so motions keep their place and cameras come to them.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources

import roma
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from vitruve.geometry.camera import Camera
from vitruve.poses import TensorRecord

FLOOR_CLEARANCE_M = 0.2
"""Random cameras that look up are pitched no further than this height above the floor allows."""


@dataclass(frozen=True, eq=False)
class CameraBatch(TensorRecord):
    """One static camera for each example."""

    intrinsics: Float[Tensor, "b 3 3"]
    image_size_px: Float[Tensor, "b 2"]
    """Width, height."""
    T_world_cam: Float[Tensor, "b 4 4"]
    distortion: Float[Tensor, "b terms"] | None = None
    """OpenCV order; None for ideal pinholes."""

    def joints_to_cam(self, joints_world: Float[Tensor, "b t j 3"]) -> Float[Tensor, "b t j 3"]:
        """Move each example's points into its camera frame, metres."""
        centre = self.T_world_cam[:, None, None, :3, 3]
        return (joints_world - centre) @ self.T_world_cam[:, None, :3, :3]


@cache
def h36m_rigs() -> dict[str, tuple[Camera, ...]]:
    """The four calibrated cameras of each Human3.6M subject, in the published order.

    Source: camera parameters published with VideoPose3D (Pavllo et al., "3D human pose estimation
    in video with temporal convolutions and semi-supervised training", CVPR 2019).
    """
    text = resources.files("vitruve.data.cameras").joinpath("h36m.json").read_text("utf-8")
    table = json.loads(text)
    return {
        subject: tuple(_published_camera(place, table["lenses"][place["lens"]]) for place in rig)
        for subject, rig in table["rigs"].items()
    }


def _published_camera(place: dict, lens: dict) -> Camera:
    fx, fy, cx, cy = lens["intrinsics_px"]
    w, x, y, z = place["quaternion_wxyz"]
    quaternion_xyzw = torch.tensor([x, y, z, w], dtype=torch.float64)
    T_world_cam = torch.eye(4, dtype=torch.float64)
    T_world_cam[:3, :3] = roma.unitquat_to_rotmat(quaternion_xyzw / quaternion_xyzw.norm())
    T_world_cam[:3, 3] = torch.tensor(place["centre_m"], dtype=torch.float64)
    width, height = lens["image_size_px"]
    return Camera(
        intrinsics=torch.tensor([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]]),
        image_size_px=(width, height),
        distortion=torch.tensor(lens["distortion"]),
        T_world_cam=T_world_cam.float(),
    )


def rig_centre(cameras: tuple[Camera, ...]) -> Float64[Tensor, "2"]:
    """Where on the floor a rig looks: the point nearest to all optical axes, x and y in metres.

    Raises:
        ValueError: A camera has no place in the world, or fewer than two are given.
    """
    places = [c.T_world_cam.double() for c in cameras if c.T_world_cam is not None]
    if len(places) < max(2, len(cameras)):
        raise ValueError(
            f"a rig needs two cameras or more, all with T_world_cam; {len(places)} of "
            f"{len(cameras)} have it"
        )
    T = torch.stack(places)
    axes = T[:, :3, 2]
    # Least squares over the distances to the axes: sum_i (I - a a^T)(x - c) = 0.
    across = torch.eye(3, dtype=T.dtype) - axes[:, :, None] * axes[:, None, :]
    return torch.linalg.solve(across.sum(0), (across @ T[:, :3, 3:]).sum(0))[:2, 0]


def stand_at(
    joints_world: Float[Tensor, "t j 3"], xy: Float[Tensor, "2"]
) -> Float[Tensor, "t j 3"]:
    """Shift a motion over the floor so that its horizontal bounding box is centred at ``xy``."""
    low, high = joints_world.amin((0, 1)), joints_world.amax((0, 1))
    shift = torch.zeros(3, dtype=joints_world.dtype)
    shift[:2] = xy.to(joints_world.dtype) - (low + high)[:2] / 2
    return joints_world + shift


@dataclass(frozen=True)
class RigCamerasConfig:
    """Where people stand in the published rigs."""

    subjects: tuple[str, ...] = ("S1", "S5", "S6", "S7", "S8")
    """Whose rigs to draw from."""
    radius_m: float = 0.8
    """The subject's middle stands anywhere within this distance of the rig's centre."""


class RigCameras:
    """Draws published Human3.6M cameras around each subject, facing any way."""

    def __init__(self, config: RigCamerasConfig) -> None:
        """Gather the rigs.

        Raises:
            KeyError: A subject has no published rig.
        """
        self.config = config
        rigs = h36m_rigs()
        for subject in config.subjects:
            if subject not in rigs:
                raise KeyError(f"no published rig for {subject!r}; there are {', '.join(rigs)}")
        cameras = [c for s in config.subjects for c in rigs[s]]
        self._intrinsics = torch.stack([c.intrinsics for c in cameras])
        self._distortion = torch.stack([c.distortion for c in cameras if c.distortion is not None])
        self._sizes = torch.tensor([c.image_size_px for c in cameras], dtype=torch.float32)
        self._places = torch.stack([c.T_world_cam for c in cameras if c.T_world_cam is not None])
        centres = [rig_centre(rigs[s]) for s in config.subjects for _ in rigs[s]]
        self._places[:, :2, 3] -= torch.stack(centres).float()

    def sample(
        self,
        centre: Float[Tensor, "b 3"],
        radius: Float[Tensor, "b"],
        generator: torch.Generator,
    ) -> CameraBatch:
        """Draw a camera for each subject standing at ``centre``; the rigs ignore ``radius``."""
        del radius
        b = len(centre)
        pick = torch.randint(len(self._places), (b,), generator=generator)
        yaw, angle = (torch.rand(2, b, generator=generator) * 2 * math.pi).unbind()
        away = self.config.radius_m * torch.rand(b, generator=generator).sqrt()
        T = _yaw_matrix(yaw) @ self._places[pick]
        T[:, :2, 3] += centre[:, :2] + away[:, None] * torch.stack([angle.cos(), angle.sin()], -1)
        return CameraBatch(self._intrinsics[pick], self._sizes[pick], T, self._distortion[pick])


@dataclass(frozen=True)
class RandomCamerasConfig:
    """Ranges of the random cameras; each value is drawn evenly within its range."""

    fov_deg: tuple[float, float] = (20.0, 100.0)
    """Field of view across the longer image side, degrees."""
    pitch_deg: tuple[float, float] = (-15.0, 50.0)
    """How far the line of sight to the subject points down, degrees."""
    roll_deg: float = 35.0
    """Largest turn about the optical axis, degrees."""
    level_fraction: float = 0.5
    """Share of cameras held level to within a tenth of ``roll_deg``."""
    fill: tuple[float, float] = (0.25, 0.95)
    """Size of the subject's bounding ball over the shorter image side; sets the distance."""
    truncated_fraction: float = 0.1
    """Share of cameras so near that ``fill`` is 1 to 1.6 and the image border cuts the subject."""
    min_distance_m: float = 1.2
    """Nearest depth of the subject's middle."""
    image_sizes_px: tuple[tuple[int, int], ...] = (
        (1920, 1080),
        (1080, 1920),
        (1280, 720),
        (720, 1280),
        (1000, 1000),
        (640, 480),
    )
    """Width and height of the images to draw from."""


class RandomCameras:
    """Draws cameras of any yaw, pitch, roll, lens and distance, aimed near each subject."""

    def __init__(self, config: RandomCamerasConfig) -> None:
        self.config = config

    def sample(
        self,
        centre: Float[Tensor, "b 3"],
        radius: Float[Tensor, "b"],
        generator: torch.Generator,
    ) -> CameraBatch:
        """Draw a camera for each subject, the ball of ``radius`` metres about ``centre``."""
        config, b = self.config, len(centre)
        rand = torch.rand(9, b, generator=generator)
        sizes = torch.tensor(config.image_sizes_px, dtype=torch.float32)
        size = sizes[(rand[0] * len(sizes)).long()]
        focal = size.amax(-1) / 2 / torch.tan(torch.deg2rad(_within(rand[1], config.fov_deg)) / 2)
        near = rand[2] < config.truncated_fraction
        fill = torch.where(near, _within(rand[3], (1.0, 1.6)), _within(rand[3], config.fill))
        depth = 2 * radius * focal / (fill * size.amin(-1))
        depth = torch.maximum(depth, radius + 0.1).clamp(min=config.min_distance_m)

        # The subject may sit off centre as long as its ball stays within the image.
        ball_px = radius * focal / depth
        room_px = (size / 2 - ball_px[:, None]).clamp(min=0) + 0.05 * size.amin(-1, keepdim=True)
        offset = (2 * rand[4:6].T - 1) * room_px / focal[:, None]
        ray = torch.cat([offset, torch.ones(b, 1)], -1)
        distance = depth * ray.norm(dim=-1)
        R = self._towards(rand[6:9], centre[:, 2], distance)
        T = torch.eye(4).repeat(b, 1, 1)
        T[:, :3, :3] = R @ _turn_to_axis(ray / ray.norm(dim=-1, keepdim=True))
        T[:, :3, 3] = centre - distance[:, None] * R[:, :, 2]
        intrinsics = torch.diag_embed(torch.stack([focal, focal, torch.ones(b)], -1))
        intrinsics[:, :2, 2] = size / 2
        return CameraBatch(intrinsics, size, T)

    def _towards(
        self, rand: Float[Tensor, "3 b"], height: Float[Tensor, "b"], distance: Float[Tensor, "b"]
    ) -> Float[Tensor, "b 3 3"]:
        """Rotations whose z axes are the lines of sight to the subjects."""
        config = self.config
        yaw = 2 * math.pi * rand[0]
        pitch = torch.deg2rad(_within(rand[1], config.pitch_deg))
        lowest = -torch.asin(((height - FLOOR_CLEARANCE_M) / distance).clamp(0, 0.99))
        turn = 2 * rand[2] - 1
        # The same draw decides level or not and how much, so a level camera costs no extra draw.
        level = turn.abs() < config.level_fraction
        small = turn / max(config.level_fraction, 1e-6) / 10
        roll = math.radians(config.roll_deg) * torch.where(level, small, turn)
        return look_rotation(yaw, torch.maximum(pitch, lowest), roll)


def look_rotation(
    yaw: Float[Tensor, "b"], pitch: Float[Tensor, "b"], roll: Float[Tensor, "b"]
) -> Float[Tensor, "b 3 3"]:
    """Camera-to-world rotation of a camera looking along ``yaw`` and down by ``pitch``, radians."""
    zero = torch.zeros_like(yaw)
    forward = torch.stack([pitch.cos() * yaw.cos(), pitch.cos() * yaw.sin(), -pitch.sin()], -1)
    right = torch.stack([yaw.sin(), -yaw.cos(), zero], -1)
    down = torch.linalg.cross(forward, right)
    cos, sin = roll.cos()[:, None], roll.sin()[:, None]
    return torch.stack([cos * right + sin * down, cos * down - sin * right, forward], -1)


def _turn_to_axis(ray: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3 3"]:
    """The smallest rotation that takes a unit ray of the camera to the optical axis."""
    axis = torch.linalg.cross(ray, torch.tensor([0.0, 0.0, 1.0]).expand_as(ray))
    sine = axis.norm(dim=-1, keepdim=True)
    angle = torch.atan2(sine, ray[:, 2:])
    return roma.rotvec_to_rotmat(axis / sine.clamp(min=1e-9) * angle)


def _yaw_matrix(yaw: Float[Tensor, "b"]) -> Float[Tensor, "b 4 4"]:
    T = torch.eye(4).repeat(len(yaw), 1, 1)
    T[:, 0, 0] = T[:, 1, 1] = yaw.cos()
    T[:, 1, 0] = yaw.sin()
    T[:, 0, 1] = -yaw.sin()
    return T


def _within(rand: Float[Tensor, "b"], span: tuple[float, float]) -> Float[Tensor, "b"]:
    return span[0] + (span[1] - span[0]) * rand
