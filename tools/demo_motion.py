"""The motion of the demo clip, written by hand: walk a curve, reach, turn on the spot, jump.

World frame: z up, floor at 0, metres; yaw 0 faces -y (the camera), positive turns to the person's
left seen from above. Axes: t frames, s sides (left, right). Key poses are joined by monotone cubic
curves; footprints follow from the path, so a foot on the floor does not slide.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

FPS = 30
DURATION_S = 7.6
GRAVITY = 9.81
TAKEOFF_S, LANDING_S = 6.3, 6.8
LEFT, RIGHT = 0, 1

START = (-1.45, 0.85)
"""Where the walk begins on the floor."""
SPEED = ((0, 0), (0.15, 0), (0.75, 0.98), (2.5, 0.98), (3.15, 0))
"""Seconds, metres per second along the path."""
YAW_DEG = ((0, 78), (1.2, 70), (2.3, 35), (3.1, 4), (4.75, 4), (5.6, -52), (7.6, -52))
STEPS = (
    (RIGHT, 0.30, 0.70),
    (LEFT, 0.80, 1.20),
    (RIGHT, 1.30, 1.70),
    (LEFT, 1.80, 2.20),
    (RIGHT, 2.30, 2.70),
    (LEFT, 2.80, 3.15),
    (RIGHT, 4.80, 5.18),
    (LEFT, 5.22, 5.60),
)
"""Foot, lift-off and landing in seconds."""
STEP_WIDTH = 0.11
"""From the path to each footprint."""

ARM_KEYS = {
    # seconds: flexion, abduction, elbow; degrees
    LEFT: {
        0: (0, 9, 14),
        3.2: (0, 9, 14),
        3.7: (-8, 22, 20),
        4.0: (5, 20, 24),
        4.4: (62, 58, 12),
        4.75: (20, 18, 24),
        5.7: (5, 12, 22),
        6.02: (-48, 16, 18),
        6.3: (118, 22, 34),
        6.5: (125, 30, 30),
        6.8: (70, 34, 32),
        7.1: (25, 22, 36),
        7.5: (0, 10, 16),
    },
    RIGHT: {
        0: (0, 9, 14),
        3.1: (0, 9, 14),
        3.72: (158, 14, 10),
        3.92: (158, 14, 10),
        4.3: (20, 26, 34),
        4.75: (8, 14, 22),
        5.7: (5, 12, 22),
        6.02: (-48, 16, 18),
        6.3: (118, 22, 34),
        6.5: (125, 30, 30),
        6.8: (70, 34, 32),
        7.1: (25, 22, 36),
        7.5: (0, 10, 16),
    },
}
TRUNK_KEYS = {
    # seconds: bend forward, bend to the left, turn to the left; degrees, over all of the spine
    0: (3, 0, 0),
    0.8: (5, 0, 0),
    3.1: (3, 0, 0),
    3.75: (-3, 9, 10),
    3.95: (-3, 9, 10),
    4.4: (17, 13, 14),
    4.8: (4, 0, 0),
    5.65: (3, 0, 0),
    6.04: (38, 0, 0),
    6.3: (3, 0, 0),
    6.6: (4, 0, 0),
    7.0: (32, 0, 0),
    7.5: (3, 0, 0),
}
HEAD_KEYS = {
    # seconds: nod, turn to the left; degrees, relative to the chest
    0: (0, -18),
    2.2: (0, -12),
    3.2: (0, 0),
    3.75: (-16, -10),
    4.4: (4, 14),
    5.0: (0, -14),
    5.7: (0, 8),
    6.04: (-22, 8),
    6.5: (0, 8),
    7.0: (-20, 8),
    7.6: (0, 14),
}
PELVIS_DROP = {0: 0.0, 3.3: 0.0, 3.8: 0.0, 4.4: -0.06, 4.8: 0.0, 5.62: 0.0}
"""Before the jump: metres from standing height."""
CROUCH_S, CROUCH, TIPTOE = 6.02, -0.27, 0.068
"""Lowest moment before the jump, its depth, and the height of take-off; metres from standing."""
ABSORB_S, ABSORB, RISEN_S = 7.02, -0.22, 7.5


@dataclass(frozen=True)
class Foot:
    """Rest measures of a foot, metres."""

    ankle_height: float
    ball_ahead: float
    """From the ankle to the toes' joints, which a rising heel turns about."""
    ball_height: float
    heel_behind: float
    """From the ankle to the edge of the sole, which a landing foot turns about."""


@dataclass(frozen=True)
class Motion:
    """What the rig is driven by, frame by frame."""

    pelvis: np.ndarray
    """(t, 3) middle of the hips."""
    pelvis_turn: Rotation
    chest_turn: Rotation
    head_turn: Rotation
    """World rotations from the rest pose, t of each."""
    ankles: np.ndarray
    """(t, s, 3)."""
    foot_turns: tuple[Rotation, Rotation]
    toe_turns: tuple[Rotation, Rotation]
    arms: np.ndarray
    """(t, s, 3) shoulder flexion and abduction, elbow flexion, radians."""
    yaw: np.ndarray
    """(t,) heading, radians."""


def jump_height() -> float:
    """How far the body rises after take-off, metres: free fall over half the time in the air."""
    return GRAVITY * (LANDING_S - TAKEOFF_S) ** 2 / 8


def make_motion(hip_height: float, foot: Foot) -> Motion:
    """Every frame of the clip for a body whose hips stand ``hip_height`` metres high."""
    time = np.arange(round(DURATION_S * FPS)) / FPS
    xy, yaw = _path(time)
    forward = np.stack([np.sin(yaw), -np.cos(yaw)], -1)
    feet = [_foot(time, side, foot) for side in (LEFT, RIGHT)]
    ankles = np.stack([f[0] for f in feet], 1)
    ahead = ((ankles[..., :2] - xy[:, None]) * forward[:, None]).sum(-1)
    stride = ahead[:, LEFT] - ahead[:, RIGHT]
    lifted = feet[LEFT][3] - feet[RIGHT][3]
    sway = _soften(0.4 * lifted, 4)[:, None] * np.stack([-forward[:, 1], forward[:, 0]], -1)
    # The right arm follows the left foot; the pelvis turns with the leading leg, the chest against.
    arms = np.stack([_keyed(time, ARM_KEYS[side]) for side in (LEFT, RIGHT)], 1)
    arms[..., 0] += 39 * np.stack([-stride, stride], -1)
    arms[..., 2] += 14 * np.abs(stride)[:, None]
    bend, side_bend, turn = _keyed(time, TRUNK_KEYS).T
    nod, look = _keyed(time, HEAD_KEYS).T
    pelvis_turn = _turn(np.degrees(yaw) - 14 * stride, 0.35 * bend, 0.3 * side_bend + 40 * lifted)
    chest_turn = _turn(np.degrees(yaw) + turn + 10 * stride, bend, side_bend)
    head_yaw = np.degrees(yaw) + turn + look
    z = hip_height + _pelvis_height(time) - 0.2 * stride**2
    return Motion(
        pelvis=np.concatenate([xy - sway, z[:, None]], 1),
        pelvis_turn=pelvis_turn,
        chest_turn=chest_turn,
        head_turn=_turn(head_yaw, 0.35 * bend + nod, 0.2 * side_bend),
        ankles=ankles,
        foot_turns=(feet[LEFT][1], feet[RIGHT][1]),
        toe_turns=(feet[LEFT][2], feet[RIGHT][2]),
        arms=np.radians(arms),
        yaw=yaw,
    )


def _path(time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place and heading of the body at some times."""
    fine = np.arange(0, DURATION_S + 0.5, 0.002)
    yaw = np.radians(_soften(_curve(YAW_DEG)(np.minimum(fine, DURATION_S)), 40))
    speed = _curve(SPEED)(np.minimum(fine, SPEED[-1][0]))
    velocity = speed[:, None] * np.stack([np.sin(yaw), -np.cos(yaw)], -1)
    places = np.asarray(START) + np.cumsum(velocity, 0) * 0.002
    xy = np.stack([np.interp(time, fine, places[:, axis]) for axis in (0, 1)], -1)
    return xy, np.interp(time, fine, yaw)


def _foot(
    time: np.ndarray, side: int, foot: Foot
) -> tuple[np.ndarray, Rotation, Rotation, np.ndarray]:
    """Ankle, foot, toes and lift of one foot: footprints joined by swings, then the jump."""
    steps = [step[1:] for step in STEPS if step[0] == side]
    prints, yaws = _footprints(steps, side)
    place, yaw = np.repeat(prints[:1], len(time), 0), np.full(len(time), yaws[0])
    lift = np.zeros(len(time))
    for step, ((start, end), turn) in enumerate(zip(steps, np.diff(yaws), strict=True)):
        share = np.clip((time - start) / (end - start), 0, 1)
        smooth = share**3 * (10 - 15 * share + 6 * share**2)
        move = prints[step + 1] - prints[step]
        place, yaw = place + smooth[:, None] * move, yaw + smooth * turn
        lift += (0.04 + 0.03 * _vigour(move)) * np.sin(np.pi * share) ** 2
    tilt = np.radians(_curve(_tilt_keys(steps, prints))(time))
    height = lift + _flight(time)
    # Toes stay flat under a rising heel and follow the foot in the air.
    free = np.where(tilt > 0, np.clip(height / 0.05, 0, 1), 1)
    heading = np.degrees(yaw)
    foot_turn, toe_turn = (_turn(heading, np.degrees(tilt * share), 0) for share in (1, free))
    return _ankle((place, yaw, tilt), height, foot), foot_turn, toe_turn, lift


def _footprints(steps: list[tuple[float, float]], side: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, 2) and headings of a foot's stances: beside the path at the stance's middle."""
    landings = [0.0, *(land for _, land in steps)]
    lifts = [*(lift for lift, _ in steps), DURATION_S]
    middles = (np.array(landings) + lifts) / 2
    middles[0] = 0.0
    xy, yaw = _path(middles)
    outward = STEP_WIDTH if side == LEFT else -STEP_WIDTH
    return xy + outward * np.stack([np.cos(yaw), np.sin(yaw)], -1), yaw


def _tilt_keys(
    steps: list[tuple[float, float]], prints: np.ndarray
) -> tuple[tuple[float, float], ...]:
    """Seconds and degrees: the heel rises before lift-off, the toes before landing."""
    keys = [(-1.0, 0.0)]
    for (start, end), move in zip(steps, np.diff(prints, axis=0), strict=True):
        vigour = _vigour(move)
        keys += [(start - 0.2, 0.0), (start + 0.04, 12 + 26 * vigour)]
        keys += [(end - 0.03, -16 * vigour), (end + 0.09, 0.0)]
    keys += [(TAKEOFF_S - 0.15, 0.0), (TAKEOFF_S, 40.0), (LANDING_S, 36.0)]
    return (*keys, (LANDING_S + 0.09, 0.0), (DURATION_S + 1, 0.0))


def _vigour(move: np.ndarray) -> float:
    """0 for a step on the spot, 1 for a long one."""
    return min(1.0, float(np.hypot(*move)) / 0.7)


def _ankle(
    stance: tuple[np.ndarray, np.ndarray, np.ndarray], lift: np.ndarray, foot: Foot
) -> np.ndarray:
    """Where the ankle is when the foot turns over its ball (tilt > 0) or heel (tilt < 0)."""
    place, yaw, tilt = stance
    pivot = np.where(tilt > 0, foot.ball_ahead, -foot.heel_behind)
    pivot_height = np.where(tilt > 0, foot.ball_height, 0.0)
    height = foot.ankle_height - pivot_height
    ahead = pivot - pivot * np.cos(tilt) + height * np.sin(tilt)
    up = pivot_height + height * np.cos(tilt) + pivot * np.sin(tilt) + lift
    forward = np.stack([np.sin(yaw), -np.cos(yaw)], -1)
    return np.concatenate([place + ahead[:, None] * forward, up[:, None]], 1)


def _pelvis_height(time: np.ndarray) -> np.ndarray:
    """Metres from standing: small drops, then crouch, push, free flight, landing."""
    speed = GRAVITY * (LANDING_S - TAKEOFF_S) / 2
    keys = np.array(list(PELVIS_DROP.items()))
    early = PchipInterpolator(*keys.T)(np.minimum(time, keys[-1, 0]))
    moments = [keys[-1, 0], CROUCH_S, TAKEOFF_S, LANDING_S, ABSORB_S, RISEN_S, 9.0]
    heights = [0, CROUCH, TIPTOE, TIPTOE, ABSORB, 0, 0]
    speeds = [0, 0, speed, -speed, 0, 0, 0]
    late = CubicHermiteSpline(moments, heights, speeds)(np.maximum(time, moments[0]))
    flight = TIPTOE + _flight(time)
    airborne = (time >= TAKEOFF_S) & (time <= LANDING_S)
    return np.where(airborne, flight, np.where(time < keys[-1, 0], early, late))


def _flight(time: np.ndarray) -> np.ndarray:
    """Free fall between take-off and landing, metres; 0 on the floor."""
    return np.clip(GRAVITY / 2 * (time - TAKEOFF_S) * (LANDING_S - time), 0, None)


def _turn(yaw_deg: np.ndarray, bend_deg: np.ndarray, left_deg: np.ndarray | float) -> Rotation:
    """Heading, then forward bend, then bend to the left; a body that faces -y, left is +x."""
    angles = np.broadcast_arrays(yaw_deg, bend_deg, left_deg)
    return Rotation.from_euler("ZXY", np.stack(angles, -1), degrees=True)


def _keyed(time: np.ndarray, keys: dict[float, tuple[float, ...]]) -> np.ndarray:
    """Joined key poses (t, n) at every frame; at rest before the first and after the last."""
    at, poses = np.array(list(keys)), np.array(list(keys.values()), float)
    at = np.concatenate([[at[0] - 1], at, [at[-1] + 1]])
    curve = PchipInterpolator(at, np.concatenate([poses[:1], poses, poses[-1:]]))
    return _soften(curve(time), 1.5)


def _curve(keys: tuple[tuple[float, float], ...]) -> PchipInterpolator:
    return PchipInterpolator(*np.array(keys, float).T)


def _soften(values: np.ndarray, samples: float) -> np.ndarray:
    """Round the corners off along the first axis; ``samples`` is the standard deviation."""
    return gaussian_filter1d(values, samples, axis=0, mode="nearest")
