from dataclasses import replace

import numpy as np
import pytest
import torch
from stick_walk import example

from vitruve.viewer.timeline import make_timeline


def at(sequence, frames, fps=30.0):
    rows = torch.arange(len(frames)) % len(sequence.frames)
    return replace(
        sequence,
        joints_world=sequence.joints_world[rows],
        valid=sequence.valid[rows],
        spread=None,
        frames=torch.tensor(frames, dtype=torch.int64),
        fps=fps,
    )


@pytest.fixture(scope="module")
def pose():
    return example(10)[0]


def test_rows_of_two_people_land_on_their_frames(pose):
    a, b = at(pose, [10, 12, 14]), at(pose, [14, 18])
    timeline = make_timeline([a, b])
    assert (timeline.first, timeline.step, timeline.count) == (10, 2, 5)
    placed = timeline.place(b.frames.numpy(), np.array([True, True]))
    np.testing.assert_array_equal(placed, [False, False, True, False, True])


def test_a_single_frame_is_a_timeline(pose):
    timeline = make_timeline([at(pose, [7])])
    assert (timeline.first, timeline.step, timeline.count) == (7, 1, 1)


def test_a_clip_that_is_too_long_is_thinned_evenly(pose):
    timeline = make_timeline([at(pose, list(range(0, 1000, 2)))], max_frames=100)
    assert (timeline.step, timeline.count, timeline.thinned) == (10, 100, 5)
    kept = timeline.place(np.arange(0, 1000, 2), np.arange(0, 1000, 2))
    np.testing.assert_array_equal(kept, np.arange(0, 1000, 10))


def test_frames_billions_apart_cost_no_memory(pose):
    assert make_timeline([at(pose, [0, 1, 10**12])], max_frames=100).count <= 100


def test_rates_that_differ_are_refused(pose):
    with pytest.raises(ValueError, match=r"frame rates differ \(25, 30 per second"):
        make_timeline([at(pose, [0, 1]), at(pose, [0, 1], fps=25.0)])


@pytest.mark.parametrize("fps", [0.0, float("nan"), float("inf"), -5.0])
def test_rates_that_are_none_are_refused(pose, fps):
    with pytest.raises(ValueError, match="every rate must be above 0 and finite"):
        make_timeline([at(pose, [0, 1], fps=fps)])


def test_nobody_is_refused(pose):
    with pytest.raises(ValueError, match="nothing to show"):
        make_timeline([at(pose, [])])
