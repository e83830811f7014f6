from dataclasses import replace

import numpy as np
import pytest
import torch

from vitruve.pipeline.swaps import RELABELLINGS, find_swaps, repair_swaps
from vitruve.poses import KeypointSequence
from vitruve.skeletons import skeleton

SKELETON = skeleton("coco_17")
LEGS = [j for j, n in enumerate(SKELETON.names) if "knee" in n or "ankle" in n]


def _walk(view_deg, num=120, fps=30.0, noise_px=1.0, seed=0):
    """A stick figure walking on the spot, seen from the front (0) to the side (90)."""
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * np.arange(num) / fps
    points = np.zeros((num, 17, 3))
    for side, sign in (("left", 1), ("right", -1)):
        swing = np.sin(phase + (0 if sign > 0 else np.pi))
        for name, width, height, reach in (
            ("eye", 3, 160, 0),
            ("ear", 7, 158, 0),
            ("shoulder", 18, 140, 0),
            ("elbow", 22, 115, -8),
            ("wrist", 24, 95, -20),
            ("hip", 10, 90, 0),
            ("knee", 10, 48, 15),
            ("ankle", 10, 8, 32),
        ):
            joint = points[:, SKELETON.index(f"{side}_{name}")]
            joint[:, 0], joint[:, 1] = sign * width, -height
            joint[:, 2] = reach * swing
            joint[:, 1] -= (name == "ankle") * 8 * np.clip(np.cos(phase) * sign, 0, None)
    points[:, SKELETON.index("nose"), 1] = -162
    angle = np.deg2rad(view_deg)
    x = points[..., 0] * np.cos(angle) + points[..., 2] * np.sin(angle)
    flat = (
        np.stack([x, points[..., 1]], -1) * 3
        + (500, 700)
        + noise_px * rng.normal(size=(num, 17, 2))
    )
    return KeypointSequence(
        skeleton=SKELETON,
        keypoints_px=torch.tensor(flat, dtype=torch.float32),
        valid=torch.ones(num, 17, dtype=torch.bool),
        confidence=torch.full((num, 17), 0.9),
        frames=torch.arange(num),
        fps=fps,
        image_size_px=(1000, 1000),
    )


def _exchange(sequence, frames, joints):
    mirror = torch.tensor(SKELETON.mirror_index)
    points = sequence.keypoints_px.clone()
    for t in frames:
        points[t, joints] = sequence.keypoints_px[t, mirror[joints]]
    return replace(sequence, keypoints_px=points)


@pytest.mark.parametrize("view_deg", [0, 30, 60, 90, 120, 180])
def test_a_right_clip_is_left_alone(view_deg):
    clip = _walk(view_deg)
    repaired, report = repair_swaps(clip)
    assert (report.whole_body, report.limbs) == (0, 0)
    assert torch.equal(repaired.keypoints_px, clip.keypoints_px)


@pytest.mark.parametrize("view_deg", [0, 40, 180])
@pytest.mark.parametrize("frames", [range(40, 70), [20], [30, 31, 33, 35, 60]])
def test_whole_body_swaps_are_put_back(view_deg, frames):
    clip = _walk(view_deg)
    swapped = _exchange(clip, frames, torch.arange(17))
    assert find_swaps(swapped).nonzero()[:, 0].tolist() == list(frames)
    repaired, report = repair_swaps(swapped)
    assert torch.equal(repaired.keypoints_px, clip.keypoints_px)
    assert report.whole_body == len(frames)
    assert str(report).startswith(f"left-right swaps repaired in {len(frames)} of 120 frames")


def test_swapped_legs_are_put_back_where_they_are_apart():
    clip = _walk(60)
    frames = range(50, 66)
    repaired, report = repair_swaps(_exchange(clip, frames, torch.tensor(LEGS)))
    wrong = (repaired.keypoints_px - clip.keypoints_px).norm(dim=-1).amax(-1)
    assert report.limbs >= 12
    assert int((wrong > 30).sum()) <= 3


def test_a_swap_at_the_clip_s_start_is_the_minority():
    clip = _walk(0)
    repaired, _ = repair_swaps(_exchange(clip, range(45), torch.arange(17)))
    assert torch.equal(repaired.keypoints_px, clip.keypoints_px)


def test_confidence_and_validity_move_with_the_joints():
    clip = _walk(0)
    left, right = SKELETON.index("left_wrist"), SKELETON.index("right_wrist")
    confidence, valid = clip.confidence.clone(), clip.valid.clone()
    confidence[50:60, left], valid[50:60, left] = 0.2, False
    swapped = replace(
        _exchange(clip, range(50, 60), torch.arange(17)), confidence=confidence, valid=valid
    )
    repaired, _ = repair_swaps(swapped)
    assert bool((repaired.confidence[50:60, right] == 0.2).all())
    assert not bool(repaired.valid[50:60, right].any())
    assert bool(repaired.valid[50:60, left].all())


def test_gaps_bring_no_evidence():
    clip = _walk(0)
    kept = torch.cat([torch.arange(50), torch.arange(80, 120)])
    parts = {n: getattr(clip, n)[kept] for n in ("keypoints_px", "valid", "confidence", "frames")}
    assert int(find_swaps(replace(clip, **parts)).sum()) == 0


def test_clips_of_one_and_two_frames():
    for num in (1, 2):
        assert find_swaps(_walk(0, num=num)).tolist() == [0] * num


def test_relabellings_start_with_nothing_and_everything():
    assert RELABELLINGS[0] == ()
    assert all(set(names) < set(RELABELLINGS[1]) for names in RELABELLINGS[2:])
