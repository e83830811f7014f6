"""Two motion files of one movement: how far one is from the other, and how well each moves.

Axes: t frames, j joints. World frame, metres.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, assert_never

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.geometry.alignment import procrustes_align
from vitruve.metrics import (
    bone_length_variation,
    bsle,
    foot_contact,
    foot_slide_mm,
    jitter,
    lle,
    lse,
    mpjpe_mm,
    mpjve_mm,
    n_mpjpe_mm,
    p_mpjpe_mm,
)
from vitruve.poses import PoseSequence
from vitruve.skeletons import Skeleton, conversion

Align = Literal["root", "procrustes", "none"]
_RATE_TOLERANCE = 0.01
"""Largest relative difference of frame rates that still counts as the same."""


@dataclass(frozen=True, eq=False)
class MotionPair:
    """The same frames and joints of two motions."""

    skeleton: Skeleton
    """The truth's."""
    fps: float
    predicted: Float[Tensor, "t j 3"]
    truth: Float[Tensor, "t j 3"]
    valid: Bool[Tensor, "t j"]
    """Joints that both have, as the same anatomical point."""

    def aligned(self, align: Align) -> "MotionPair":
        """Bring the prediction to the truth.

        ``root`` moves the root of every pose of both to the origin; ``procrustes`` finds one rigid
        motion for the whole clip, as for files of two world frames; ``none`` leaves them.

        Raises:
            ValueError: ``root``, and the motions have no root in common.
        """
        match align:
            case "none":
                return self
            case "root":
                return self._rooted()
            case "procrustes":
                points, goal, valid = (
                    x.flatten(0, 1) for x in (self.predicted, self.truth, self.valid)
                )
                moved = procrustes_align(points, goal, valid, scale=False)
                return replace(self, predicted=moved.reshape(self.predicted.shape))
            case _:
                assert_never(align)

    def scores(self, align: Align = "root") -> dict[str, float]:
        """Every metric by its name; NaN where nothing could be measured.

        ``n_mpjpe_mm`` is always root-relative; ``p_mpjpe_mm`` aligns each pose anew. Names that end
        in ``_truth`` say of the truth what the same name says of the prediction.

        Raises:
            ValueError: ``align`` is ``root``, and the motions have no root in common.
        """
        moved = self.aligned(align)
        predicted, truth, valid = moved.predicted, moved.truth, moved.valid
        has_root = bool(self.valid[:, self.skeleton.root].any())
        rooted = self._rooted() if has_root else None
        limbs, parents = self.skeleton.limbs, self.skeleton.parents
        error = {
            "mpjpe_mm": mpjpe_mm(predicted, truth, valid),
            "p_mpjpe_mm": p_mpjpe_mm(predicted, truth, valid),
            "n_mpjpe_mm": n_mpjpe_mm(rooted.predicted, rooted.truth, rooted.valid)
            if rooted
            else torch.tensor(math.nan),
            "mpjve_mm": mpjve_mm(predicted, truth, valid),
            "lse": lse(predicted, limbs, valid),
            "lle": lle(predicted, truth, limbs, valid),
            "bsle": bsle(predicted, truth, parents, valid),
        }
        return {k: v.item() for k, v in error.items()} | self._quality()

    def _quality(self) -> dict[str, float]:
        quality = {}
        for suffix, joints in (("", self.predicted), ("_truth", self.truth)):
            parents = self.skeleton.parents
            quality[f"jitter{suffix}"] = jitter(joints, self.fps, self.valid).item()
            variation = bone_length_variation(joints, parents, self.valid)
            quality[f"bone_length_variation{suffix}"] = variation.item()
            quality[f"foot_slide_mm{suffix}"] = self._foot_slide_mm(joints)
        return quality

    def _foot_slide_mm(self, joints: Float[Tensor, "t j 3"]) -> float:
        """While the truth's ankles rest on the floor."""
        feet = [j for j, name in enumerate(self.skeleton.names) if name.endswith("_ankle")]
        if not feet or len(joints) < 2:
            return math.nan
        contact = foot_contact(self.truth[:, feet], self.fps) & self.valid[:, feet]
        return foot_slide_mm(joints[:, feet], contact).item()

    def _rooted(self) -> "MotionPair":
        root = self.skeleton.root
        known = self.valid[:, root]
        if not known.any():
            raise ValueError(
                f"the motions have no {self.skeleton.names[root]!r} in common to align at; "
                "use --align procrustes or none"
            )
        predicted, truth = (x - x[:, root : root + 1] for x in (self.predicted, self.truth))
        return replace(self, predicted=predicted, truth=truth, valid=self.valid & known[:, None])


def pair(predicted: PoseSequence, truth: PoseSequence) -> MotionPair:
    """Join two motions by frame number and by joints that are exactly the same.

    Raises:
        ValueError: Frame rates differ, or no frame or no joint is in both.
    """
    if abs(predicted.fps - truth.fps) > _RATE_TOLERANCE * truth.fps:
        raise ValueError(
            f"the prediction has {predicted.fps:g} frames per second and the truth {truth.fps:g}; "
            "frame numbers only mean the same moment at the same rate: resample one first"
        )
    _, a, b = np.intersect1d(predicted.frames.numpy(), truth.frames.numpy(), return_indices=True)
    if not len(a):
        raise ValueError(
            f"no frame is in both: the prediction has {_span(predicted)}, the truth {_span(truth)}"
        )
    between = conversion(predicted.skeleton, truth.skeleton)
    exact = torch.tensor([quality == "exact" for quality in between.quality])
    if not exact.any():
        raise ValueError(
            f"{predicted.skeleton.name!r} and {truth.skeleton.name!r} have no joint in common "
            "that is exactly one point; `vitruve convert` one of them, it says what that costs"
        )
    joints, valid = between.apply(predicted.joints_world.double(), predicted.valid)
    return MotionPair(
        truth.skeleton,
        float(truth.fps),
        joints[a],
        truth.joints_world.double()[b],
        valid[a] & truth.valid[b] & exact,
    )


def _span(sequence: PoseSequence) -> str:
    frames = sequence.frames
    return f"frames {int(frames[0])} to {int(frames[-1])}" if len(frames) else "no frames"
