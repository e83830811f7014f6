"""Scores of poses that were learnt without labels, each named by what its choice may know.

A plain name is the error of the first hypothesis with left and right as they were said, which takes
no truth. ``mpjpe_mm.joint-best.joint`` lets the truth choose, for each joint, the hypothesis and
then the side; `metrics.modes` lists the others.

Axes: n pictures, h hypotheses, j joints, v views of a moment.
"""

from collections.abc import Callable

from jaxtyping import Bool, Float
from torch import Tensor

from vitruve.data.lifting.body_parts import body_parts
from vitruve.metrics import (
    ambiguity_ratio,
    choose_hypothesis,
    exchange_sides,
    keypoint_error,
    mpjpe_mm,
    n_mpjpe_mm,
    p_mpjpe_mm,
    root_centred,
)
from vitruve.metrics.modes import HypothesisMode, SideMode
from vitruve.objectives.views import Views
from vitruve.poses import PoseBatch
from vitruve.skeletons import Skeleton

_ERRORS: dict[str, Callable[..., Tensor]] = {
    "mpjpe_mm": mpjpe_mm,
    "n_mpjpe_mm": n_mpjpe_mm,
    "p_mpjpe_mm": p_mpjpe_mm,
}
_SIDES: tuple[SideMode, ...] = ("none", "sample", "joint")


def pose_scores(
    hypotheses: Float[Tensor, "n h j 3"],
    truth: Float[Tensor, "n j 3"],
    valid: Bool[Tensor, "n j"],
    skeleton: Skeleton,
    confidence: Float[Tensor, "n h j"] | None = None,
) -> dict[str, float]:
    """Errors relative to the root, in every mode that there is something to choose for.

    Of several hypotheses also ``hypotheses_per_joint``: how many have any confidence.

    Args:
        hypotheses: In any place, metres.
        truth: In any place, metres.
        valid: Joints whose truth is known.
        skeleton: Of all of them.
        confidence: Of each hypothesis of a joint; 0 for one that only repeats another.
    """
    said = root_centred(hypotheses, skeleton.root).unsqueeze(2)
    true, known = root_centred(truth, skeleton.root).unsqueeze(1), valid.unsqueeze(1)
    modes: list[HypothesisMode] = ["first"]
    if hypotheses.shape[1] > 1:
        modes.extend(("sample-best", "joint-best"))
        if confidence is not None:
            modes.append("confidence")
    sure = None if confidence is None else confidence.unsqueeze(2)
    scores = {}
    for mode in modes:
        chosen = choose_hypothesis(said, true, mode, valid=known, confidence=sure)
        for sides in _SIDES:
            pose = exchange_sides(chosen, true, skeleton.mirror_index, sides)
            suffix = "" if (mode, sides) == ("first", "none") else f".{mode}.{sides}"
            scores |= {k + suffix: error(pose, true, known).item() for k, error in _ERRORS.items()}
    if sure is not None and len(modes) > 1:
        scores["hypotheses_per_joint"] = (sure > 0).float().sum(1).mean().item()
    return scores


def likeness_scores(
    said: Float[Tensor, "n j 3"],
    truth: Float[Tensor, "n j 3"],
    valid: Bool[Tensor, "n j"],
    skeleton: Skeleton,
) -> dict[str, float]:
    """How far answers look as people do, right or wrong: 1 is as much as the truth.

    The answer with the least error is a mean over all that may be, so its limbs are short and its
    depths alike; answers that look real have larger errors (Blau and Michaeli, "The
    Perception-Distortion Tradeoff", 2018).

    Returns:
        ``bone_length_ratio``: bones of the answers over those of the truth; and
        ``depth_spread_ratio``: standard deviation of a joint's depth behind the root over all
        pictures, over that of the truth.
    """
    ends = [j for j, parent in enumerate(skeleton.parents) if parent >= 0]
    starts = [skeleton.parents[j] for j in ends]
    known = valid[:, ends] & valid[:, starts]
    bones = [((x[:, ends] - x[:, starts]).norm(dim=-1) * known).sum() for x in (said, truth)]
    seen = valid & valid[:, skeleton.root, None]
    depths = [root_centred(x, skeleton.root)[..., 2] for x in (said, truth)]
    means = [(z * seen).sum(0) / seen.sum(0).clamp(min=1) for z in depths]
    spread = [((z - m).square() * seen).sum() for z, m in zip(depths, means, strict=True)]
    return {
        "bone_length_ratio": (bones[0] / bones[1]).item(),
        "depth_spread_ratio": (spread[0] / spread[1]).sqrt().item(),
    }


def picture_scores(
    points_px: Float[Tensor, "n j 2"],
    truth_px: Float[Tensor, "n j 2"],
    valid: Bool[Tensor, "n j"],
    side_px: Float[Tensor, "n"],
    skeleton: Skeleton,
    views: int,
) -> dict[str, float]:
    """Errors of 2D joints, sides as said and exchanged, and how far views disagree on sides.

    Of people also, with sides as said, of ``legs`` below the hips, ``arms`` from the shoulders on,
    and ``trunk``, which is the rest.

    Args:
        points_px: In pixels of the crop.
        truth_px: The truth.
        valid: Joints whose truth is known.
        side_px: Longer side of the crop.
        skeleton: Of the joints.
        views: Pictures of one moment, which follow each other.
    """
    scores, mirror_index = {}, skeleton.mirror_index
    for sides in _SIDES:
        points = exchange_sides(points_px.unsqueeze(1), truth_px.unsqueeze(1), mirror_index, sides)
        name = "keypoint_error" + ("" if sides == "none" else f".{sides}")
        scores[name] = keypoint_error(points.squeeze(1), truth_px, side_px, valid).item()
    found = body_parts(skeleton)
    parts = {"legs": found.legs, "arms": found.arms, "trunk": ~(found.legs | found.arms)}
    # Of animals, nothing but names would tell legs from ears.
    for name, joints in parts.items() if found.legs.any() else ():
        error = keypoint_error(points_px, truth_px, side_px, valid & joints)
        scores[f"keypoint_error.{name}"] = error.item()
    said, true = (x.unflatten(0, (-1, views)) for x in (points_px, truth_px))
    scores["ambiguity_ratio"] = ambiguity_ratio(said, true, mirror_index).item()
    return scores


def triangulated_scores(
    points_px: Float[Tensor, "n j 2"], truth: PoseBatch, root: int
) -> dict[str, float]:
    """``mpjpe_mm.triangulated``: of what true cameras make of the 2D joints of each moment.

    How good 2D is where depth is no matter (Yang et al., "X as Supervision", 2024, table 3).
    """
    assert truth.joints_cam is not None
    assert truth.valid is not None
    joints, known = Views.of(truth).triangulated(points_px.unsqueeze(1))
    true, known = truth.joints_cam, known & truth.valid
    # Relative to the root: who has none tells nothing.
    known = known & known[..., [root]]
    away = mpjpe_mm(root_centred(joints, root), root_centred(true, root), known)
    return {"mpjpe_mm.triangulated": away.item()}
