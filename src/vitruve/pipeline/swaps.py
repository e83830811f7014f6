"""Left-right swaps over time: found by what would make the joints jump, and put back.

A detector that takes a front view for a back view names every joint by the other side; one that
loses a leg behind the other may exchange only the legs. Either way the named joints jump and jump
back, while the body does not. For each frame one of a few relabellings is chosen so that the
named joints accelerate least over the clip (Viterbi over pairs of frames), with two priors: most
frames are right, and swaps begin and end rarely.

Axes: t frames, k keypoints, s relabellings, g groups of joints.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int64

from vitruve.poses import KeypointSequence
from vitruve.skeletons.skeleton import Skeleton

_GROUPS = (
    ("legs", ("knee", "ankle", "heel", "foot", "toe")),
    ("arms", ("elbow", "wrist", "hand", "thumb", "index", "pinky", "palm")),
    ("hips", ("hip",)),
    ("shoulders", ("shoulder", "clavicle")),
)
"""Parts that swap as one, by words in the joint's name; every other paired joint is the face."""
RELABELLINGS = (
    (),
    ("legs", "arms", "hips", "shoulders", "face"),
    ("legs",),
    ("arms",),
    ("legs", "hips"),
    ("arms", "shoulders", "face"),
)
"""What may be exchanged in a frame; the first is nothing, the second everything."""
_SWITCH_COST = (0.0, 2.0, 4.0, 4.0, 4.0, 4.0)
"""Price of beginning or ending each relabelling, in the units of ``_motion_costs``."""
_HELD_COST = (0.0, 0.1, 0.15, 0.15, 0.15, 0.15)
"""Price of each relabelling for every frame it lasts."""
_NOISE = 0.04
"""Acceleration of a tracked joint that costs one unit: body sizes per frame squared."""
_MOST = 4.0
"""No joint group costs more than this, however far it jumps."""


@dataclass(frozen=True)
class SwapReport:
    """What was put back."""

    num_frames: int
    """Frames looked at."""
    whole_body: int
    """Frames in which every joint had the other side's name."""
    limbs: int
    """Frames in which only legs or arms had."""

    def __str__(self) -> str:
        """One line for the log."""
        return (
            f"left-right swaps repaired in {self.whole_body + self.limbs} of {self.num_frames} "
            f"frames ({self.whole_body} whole body, {self.limbs} limbs)"
        )


def repair_swaps(sequence: KeypointSequence) -> tuple[KeypointSequence, SwapReport]:
    """Give each joint the name of its side back, frame by frame; positions never change."""
    labels = find_swaps(sequence)
    groups = _joint_groups(sequence.skeleton)
    mirror = torch.tensor(sequence.skeleton.mirror_index)
    own = torch.arange(len(mirror))
    exchanged = torch.tensor([[g in names for g in groups] for names in RELABELLINGS])
    source = torch.where(exchanged, mirror, own)[labels]
    report = SwapReport(len(labels), int((labels == 1).sum()), int((labels > 1).sum()))
    repaired = replace(
        sequence,
        keypoints_px=torch.take_along_dim(sequence.keypoints_px, source[..., None], dim=1),
        valid=torch.take_along_dim(sequence.valid, source, dim=1),
        confidence=torch.take_along_dim(sequence.confidence, source, dim=1),
    )
    return repaired, report


def find_swaps(sequence: KeypointSequence) -> Int64[torch.Tensor, "t"]:
    """Index into ``RELABELLINGS`` for each frame."""
    num_frames = len(sequence.frames)
    if num_frames < 3:
        return torch.zeros(num_frames, dtype=torch.int64)
    return torch.from_numpy(_cheapest_path(_motion_costs(sequence)))


def _joint_groups(skeleton: Skeleton) -> list[str]:
    """Group of each joint; empty for joints without a partner."""
    groups = []
    for joint, name in enumerate(skeleton.names):
        words = (group for group, parts in _GROUPS if any(p in name.lower() for p in parts))
        paired = skeleton.mirror_index[joint] != joint
        groups.append(next(words, "face") if paired else "")
    return groups


def _motion_costs(sequence: KeypointSequence) -> Float[np.ndarray, "t g 2 2 2"]:
    """Cost of each group over three frames, each as named or exchanged; 0 for the first two."""
    points = sequence.keypoints_px.numpy().astype(np.float64)
    points = points / _body_size(points, sequence.valid.numpy())
    weight = (sequence.confidence * sequence.valid).numpy().astype(np.float64)
    groups = np.array(_joint_groups(sequence.skeleton))
    mirror = np.array(sequence.skeleton.mirror_index)
    frames = sequence.frames.numpy()
    consecutive = (frames[2:] - frames[:-2]) == 2
    costs = np.zeros((len(points), len(RELABELLINGS[1]), 2, 2, 2))
    for g, group in enumerate(RELABELLINGS[1]):
        joints = np.flatnonzero(groups == group)
        if not joints.size:
            continue
        versions = [(points[:, j], weight[:, j]) for j in (joints, mirror[joints])]
        for a, b, c in np.ndindex(2, 2, 2):
            cost = _acceleration_cost(versions[a], versions[b], versions[c])
            costs[2:, g, a, b, c] = consecutive * cost
    return costs


def _acceleration_cost(
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray],
    third: tuple[np.ndarray, np.ndarray],
) -> Float[np.ndarray, "t"]:
    """Mean over a group's joints, weighted by confidence, of the bounded acceleration."""
    change = third[0][2:] - 2 * second[0][1:-1] + first[0][:-2]
    size = np.minimum(np.hypot(change[..., 0], change[..., 1]) / _NOISE, _MOST)
    weight = np.minimum(np.minimum(third[1][2:], second[1][1:-1]), first[1][:-2])
    return (size * weight).mean(-1)


def _body_size(points: np.ndarray, valid: np.ndarray) -> float:
    """Median over the clip of the joints' root mean square distance from their centre."""
    seen = valid.all(-1)
    rows = points[seen] if seen.any() else points
    spread = rows - rows.mean(1, keepdims=True)
    return max(float(np.median(np.sqrt((spread**2).sum(-1).mean(-1)))), 1e-6)


def _cheapest_path(costs: Float[np.ndarray, "t g 2 2 2"]) -> Int64[np.ndarray, "t"]:
    """Viterbi over pairs of neighbouring frames' relabellings."""
    num, s = len(costs), len(RELABELLINGS)
    state_cost, ends = np.array(_HELD_COST), np.array(_SWITCH_COST)
    switch = np.where(np.eye(s, dtype=bool), 0.0, ends[:, None] + ends)
    # bits[g, s]: whether relabelling s exchanges group g; each triple then picks one of 8 costs.
    bits = np.array([[int(group in names) for names in RELABELLINGS] for group in RELABELLINGS[1]])
    picked = 4 * bits[:, :, None, None] + 2 * bits[:, None, :, None] + bits[:, None, None, :]
    picked += 8 * np.arange(len(bits))[:, None, None, None]
    best = state_cost[:, None] + switch + state_cost[None]
    back = np.zeros((num, s, s), np.int8)
    for t in range(2, num):
        motion = costs[t].ravel()[picked].sum(0)
        total = best[:, :, None] + motion + switch[None] + state_cost
        back[t] = total.argmin(0)
        best = total.min(0)
    path = np.zeros(num, np.int64)
    path[-2], path[-1] = np.unravel_index(int(best.argmin()), best.shape)
    for t in range(num - 1, 1, -1):
        path[t - 2] = back[t, path[t - 1], path[t]]
    return path
