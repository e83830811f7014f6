"""Floor and gravity from a person's feet over a clip.

Axes: t frames, f foot points (ankles, heels, toes: all that rest at about one height). Camera frame
x right, y down, z forward, metres; world frame z up, floor at z = 0.
"""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

REST_SPEED_M_S = 0.4
HEIGHT_BAND_M = 0.08
"""A resting foot lies this close to the lowest foot of the half second around it."""
NEIGHBOURHOOD_S = 0.5
CONTACT_STD_M = 0.03
"""How far a resting foot's estimate stands off the floor."""
CONTACT_S = 0.5
"""Errors stay alike during a step: a contact counts once per this time, not once per frame."""
UPRIGHT_STD = math.tan(math.radians(8))
ROUNDS = 5
REWEIGHTINGS = 10


@dataclass(frozen=True, eq=False)
class Ground:
    """The floor in the camera frame: a point's height is ``up @ point + offset_m``.

    Without contacts the tilt is the prior's, the floor lies under the lowest valid foot (through
    the camera if there is none) and the confidence is 0.
    """

    up: Float[Tensor, "3"]
    """Unit vector against gravity, camera axes."""
    offset_m: float
    """Height of the camera above the floor, metres."""
    confidence: float
    """0: the tilt is no better known than from the hint; 1: the feet fix it."""
    num_contacts: int
    """Foot points times frames that rested on the floor."""


def ground_plane(
    feet: Float[Tensor, "t f 3"],
    valid: Bool[Tensor, "t f"],
    fps: float,
    *,
    up_hint: Float[Tensor, "3"] | None = None,
    upright: Float[Tensor, "t 3"] | None = None,
    tilt_std_deg: float = 15.0,
    foot_height_m: float = 0.0,
) -> Ground:
    """Floor under the resting feet of a clip sampled uniformly at ``fps``.

    Feet that are slow and low among their neighbours in time touch the floor (the top of a jump is
    not low); a plane is fitted to them by reweighted least squares (Cauchy weights) with a Gaussian
    prior on its tilt. Contacts in one place or along a line leave a tilt open: it stays the
    prior's.

    Args:
        feet: Camera frame, metres.
        valid: False where a foot is missing.
        fps: Frames per second.
        up_hint: Direction against gravity, camera axes; None is (0, -1, 0), a level camera.
        upright: The body's upward direction per frame (pelvis to neck), any length, as evidence
            with a standard deviation of 8 degrees; zero vectors are ignored.
        tilt_std_deg: How far the hint may be off.
        foot_height_m: Height of a resting foot's point; about 0.08 for ankles.

    Raises:
        ValueError: ``fps`` or ``tilt_std_deg`` is not positive.
    """
    if fps <= 0 or tilt_std_deg <= 0:
        raise ValueError(f"fps {fps} and tilt_std_deg {tilt_std_deg} must be positive")
    hint = torch.tensor([0.0, -1.0, 0.0]) if up_hint is None else up_hint
    frame = _frame_of(hint.double())
    prior = _tilt_prior(frame, upright, math.tan(math.radians(tilt_std_deg)))
    if not valid.any():
        return Ground(_up(frame, prior[0]).float(), 0.0, 0.0, 0)
    points = torch.where(valid[..., None], feet, 0).double()
    ground = _fit_to_contacts(points, valid, fps, frame, prior)
    return replace(ground, offset_m=ground.offset_m + foot_height_m)


def world_from_ground(ground: Ground, anchor_cam: Float[Tensor, "3"]) -> Float[Tensor, "4 4"]:
    """Camera-to-world transform of the world that stands on this ground.

    z points up and is 0 on the floor; y points away from the camera along its line of sight (along
    the picture's upward direction for a camera that looks straight down); x points right. The
    origin lies on the floor below ``anchor_cam``: give the person's first valid root, and a subject
    starts at the world's middle whatever the clip.
    """
    rotation = level_axes(ground.up)
    up = rotation[2]
    anchor = anchor_cam.double()
    below = anchor - (up @ anchor + ground.offset_m) * up
    T_world_cam = torch.eye(4, dtype=torch.float64)
    T_world_cam[:3, :3], T_world_cam[:3, 3] = rotation, -rotation @ below
    return T_world_cam.to(anchor_cam.dtype)


def level_axes(up: Float[Tensor, "3"]) -> Float64[Tensor, "3 3"]:
    """Stack the directions right, ahead and up, camera axes, given the unit vector against gravity.

    Ahead is the line of sight made level; for a camera that looks straight up or down, the
    picture's upward direction.
    """
    up = up.double()
    look = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    level = look - (look @ up) * up
    if level.norm() < 1e-3:
        look = torch.tensor([0.0, -1.0, 0.0], dtype=torch.float64)
        level = look - (look @ up) * up
    forward = level / level.norm()
    return torch.stack([torch.linalg.cross(forward, up), forward, up])


def _frame_of(hint: Float64[Tensor, "3"]) -> Float64[Tensor, "3 3"]:
    """Rows: two level directions, and the hinted up."""
    up = hint / hint.norm().clamp(min=1e-12)
    least = torch.nn.functional.one_hot(up.abs().argmin(), 3).double()
    first = torch.linalg.cross(up, least)
    first = first / first.norm()
    return torch.stack([first, torch.linalg.cross(up, first), up])


def _up(frame: Float64[Tensor, "3 3"], tilt: Float64[Tensor, "2"]) -> Float64[Tensor, "3"]:
    up = frame[2] + tilt @ frame[:2]
    return up / up.norm()


def _tilt_prior(
    frame: Float64[Tensor, "3 3"], upright: Float[Tensor, "t 3"] | None, tilt_std: float
) -> tuple[Float64[Tensor, "2"], float]:
    """Mean and standard deviation of the tilt (its tangent) before any foot is seen."""
    prior = torch.zeros(2, dtype=torch.float64), tilt_std
    if upright is None:
        return prior
    body = upright.double() @ frame.T
    # Only bodies that stand tell about gravity: within 45 degrees of the hint.
    standing = body[body[:, 2] > body[:, :2].norm(dim=-1)]
    if len(standing) == 0:
        return prior
    seen = (standing[:, :2] / standing[:, 2:]).median(0).values
    share = tilt_std**2 / (tilt_std**2 + UPRIGHT_STD**2)
    return share * seen, math.sqrt(share) * UPRIGHT_STD


def _fit_to_contacts(
    points: Float64[Tensor, "t f 3"],
    valid: Bool[Tensor, "t f"],
    fps: float,
    frame: Float64[Tensor, "3 3"],
    prior: tuple[Float64[Tensor, "2"], float],
) -> Ground:
    """Alternate between which feet rest and where the floor is; round one knows speed only."""
    contacts = slow = _slow(points, valid, fps)
    tilt, offset, spread = prior[0], 0.0, 1.0
    for _ in range(ROUNDS):
        if not contacts.any():
            break
        weight = min(1.0, 1 / (CONTACT_S * fps))
        tilt, offset, spread = _fit(points[contacts] @ frame.T, weight, prior)
        contacts = slow & _low(points @ _up(frame, tilt), valid, fps)
    up = _up(frame, tilt)
    if not contacts.any():
        return Ground(up.float(), -float((points @ up)[valid].min()), 0.0, 0)
    offset = offset / math.sqrt(1 + float(tilt @ tilt))
    return Ground(up.float(), offset, max(0.0, 1 - spread), int(contacts.sum()))


def _slow(
    points: Float64[Tensor, "t f 3"], valid: Bool[Tensor, "t f"], fps: float
) -> Bool[Tensor, "t f"]:
    """Feet valid and slow; a slow clip does not raise the bar, a noisy one does."""
    if len(points) < 2:
        return valid
    step = points.diff(dim=0).norm(dim=-1) * fps
    both = valid[1:] & valid[:-1]
    step = torch.where(both, step, torch.inf)
    edge = torch.full_like(step[:1], torch.inf)
    speed = torch.minimum(torch.cat([step, edge]), torch.cat([edge, step]))
    moving = speed[speed.isfinite()]
    if len(moving) == 0:
        return valid
    return valid & (speed <= max(REST_SPEED_M_S, float(moving.quantile(0.2))))


def _low(
    height: Float64[Tensor, "t f"], valid: Bool[Tensor, "t f"], fps: float
) -> Bool[Tensor, "t f"]:
    """Feet near the lowest foot of the frames around."""
    lowest = torch.where(valid, height, torch.inf).amin(dim=1)
    reach = max(1, round(NEIGHBOURHOOD_S * fps))
    around = -torch.nn.functional.max_pool1d(-lowest[None], 2 * reach + 1, 1, reach)[0]
    return height <= around[:, None] + HEIGHT_BAND_M


def _fit(
    local: Float64[Tensor, "n 3"], weight: float, prior: tuple[Float64[Tensor, "2"], float]
) -> tuple[Float64[Tensor, "2"], float, float]:
    """Tilt, offset and the tilt's posterior spread relative to the prior's.

    Solves ``tilt . level + height + offset = 0`` for points (level, height).
    """
    mean, std = prior
    rows = torch.cat([local[:, :2], torch.ones_like(local[:, :1])], dim=1)
    precision = torch.diag(torch.tensor([std**-2, std**-2, 1e-9], dtype=torch.float64))
    pull = precision @ torch.cat([mean, torch.zeros(1, dtype=torch.float64)])
    tilted = local[:, :2] @ mean
    residual = tilted + local[:, 2] - (tilted + local[:, 2]).median()
    solution, normal = mean, precision
    for _ in range(REWEIGHTINGS):
        w = weight / CONTACT_STD_M**2 / (1 + (residual / (2 * CONTACT_STD_M)) ** 2)
        normal = precision + rows.T @ (w[:, None] * rows)
        solution = torch.linalg.solve(normal, pull - rows.T @ (w * local[:, 2]))
        residual = rows @ solution + local[:, 2]
    posterior = torch.linalg.inv(normal)[:2, :2]
    spread = math.sqrt(float(torch.linalg.eigvalsh(posterior)[-1])) / std
    return solution[:2], float(solution[2]), spread
