"""Which side is left: solved for where several cameras see one moment, not taken as predicted.

Ours. Masks do not tell left from right, so a net that learns from them says either in each picture,
and joints that some views exchange triangulate to nowhere. For legs and for arms we take the
exchange of views that makes them agree best. What is left open, left or right for all views at
once, bodies decide: knees bend forwards, and shoulders lie along hips.

Axes: v views, c choices of views to exchange, t frames, j joints.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.triangulation import reprojection_error_px, triangulate
from vitruve.skeletons.skeleton import Skeleton

MIN_BEND_M = 0.03
"""How far knees must lie before or behind the line from hip to ankle, on average, to count."""
RELUCTANCE = 0.02
"""By which share an exchange of one view more must lower the error."""
_ARMS = ("shoulder", "elbow", "wrist")
_LEGS = ("hip", "knee", "ankle")
_BACK = ("pelvis", ("mid_shoulder", "thorax", "neck"))


def exchanged_sides(
    points_px: Float[Tensor, "v t j 2"], projections: Float[Tensor, "v 3 4"], skeleton: Skeleton
) -> Bool[Tensor, "v t j"]:
    """Joints that should bear the name of the other side.

    Where knees hardly bend, most views are believed. Without hips, knees and ankles, or without a
    trunk, nothing but the agreement of views decides.

    Args:
        points_px: 2D joints as predicted, undistorted.
        projections: World point to homogeneous pixel.
        skeleton: Of the joints; those without a side are never exchanged.
    """
    exchanged = torch.zeros(points_px.shape[:-1], dtype=torch.bool, device=points_px.device)
    mirror, parts = list(skeleton.mirror_index), _parts(skeleton)
    for part in parts:
        exchanged[:, :, part] = _agreement(points_px, projections, part, mirror)[..., None]
    agreed = torch.where(exchanged[..., None], points_px[:, :, mirror], points_px)
    world, _ = triangulate(agreed, projections)
    body = _Body.of(skeleton)
    if body is None:
        return exchanged
    bend = body.bend_m(world)
    turned = exchanged.float()[:, :, body.hips[0]].mean(0) > 0.5
    turned = torch.where(bend.abs() > MIN_BEND_M, bend < 0, turned)
    exchanged[:, :, parts[0]] ^= turned[:, None]
    if len(parts) > 1:
        along = body.along_hips(world) * torch.where(turned, -1.0, 1.0)
        exchanged[:, :, parts[1]] ^= (along < 0)[:, None]
    return exchanged


def _agreement(
    points_px: Float[Tensor, "v t j 2"],
    projections: Float[Tensor, "v 3 4"],
    part: list[int],
    mirror: list[int],
) -> Bool[Tensor, "v t"]:
    """Views to exchange, the first never, so that those joints reproject best."""
    views = len(points_px)
    numbers = torch.arange(2 ** (views - 1), device=points_px.device)
    chosen = (numbers >> (torch.arange(views, device=numbers.device)[:, None] - 1)) & 1
    chosen[0] = 0
    turned = points_px[:, :, [mirror[j] for j in part]]
    choices = torch.where(
        chosen[:, :, None, None, None] > 0, turned[:, None], points_px[:, None, :, part]
    )
    world, _ = triangulate(choices, projections)
    error = reprojection_error_px(world, choices, projections).nan_to_num(posinf=1e6)
    cost = error.mean((0, -1)) * (1 + RELUCTANCE * chosen.sum(0))[:, None]
    return chosen[:, cost.argmin(0)] > 0


def _parts(skeleton: Skeleton) -> list[list[int]]:
    """Paired joints of the legs, of the arms, and all others, such as eyes; none of them empty."""
    parts: list[list[int]] = [[], [], []]
    for joint in (*skeleton.left, *skeleton.right):
        name = skeleton.names[joint]
        arm = any(part in name for part in _ARMS)
        leg = any(part in name for part in _LEGS)
        parts[0 if leg else 1 if arm else 2].append(joint)
    return [part for part in parts if part]


@dataclass(frozen=True)
class _Body:
    """Joints, left and right each, that tell before from behind."""

    hips: tuple[int, int]
    knees: tuple[int, int]
    ankles: tuple[int, int]
    shoulders: tuple[int, int] | None
    back: tuple[int, int]
    """Pelvis and the joint between the shoulders."""

    @classmethod
    def of(cls, skeleton: Skeleton) -> "_Body | None":
        """None where the skeleton lacks what is needed."""
        at = {name: j for j, name in enumerate(skeleton.names)}
        pairs = {n: _pair(at, n) for n in ("hip", "knee", "ankle", "shoulder")}
        upper = [at[name] for name in _BACK[1] if name in at]
        hips, knees, ankles = pairs["hip"], pairs["knee"], pairs["ankle"]
        if hips is None or knees is None or ankles is None or _BACK[0] not in at or not upper:
            return None
        return cls(hips, knees, ankles, pairs["shoulder"], (at[_BACK[0]], upper[0]))

    def bend_m(self, world: Float[Tensor, "t j 3"]) -> Float[Tensor, "t"]:
        """How far both knees lie before the lines from hip to ankle; behind is negative."""
        rightwards = world[:, self.hips[1]] - world[:, self.hips[0]]
        up = world[:, self.back[1]] - world[:, self.back[0]]
        forwards = torch.nn.functional.normalize(torch.linalg.cross(up, rightwards), dim=-1)
        hips, knees, ankles = (world[:, list(p)] for p in (self.hips, self.knees, self.ankles))
        return ((knees - (hips + ankles) / 2) * forwards[:, None]).sum(-1).mean(-1)

    def along_hips(self, world: Float[Tensor, "t j 3"]) -> Float[Tensor, "t"]:
        """Above 0 where shoulders point the same way as hips; 1 where there are none."""
        if self.shoulders is None:
            return world.new_ones(len(world))
        hips, shoulders = (
            world[:, pair[1]] - world[:, pair[0]] for pair in (self.hips, self.shoulders)
        )
        return (hips * shoulders).sum(-1)


def _pair(at: dict[str, int], name: str) -> tuple[int, int] | None:
    left, right = at.get(f"left_{name}"), at.get(f"right_{name}")
    return None if left is None or right is None else (left, right)
