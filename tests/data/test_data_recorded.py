"""Windows over recordings: every frame, only the frames that are good, never across a border."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import official_samples as samples
from vitruve.data.motion import human36m, mpi_inf_3dhp
from vitruve.data.motion.recorded import RecordedWindows, recorded_batch

FRAMES = {"Walking 1": 7, "Sitting": 12}


@pytest.fixture
def clips(tmp_path):
    samples.write_human36m(tmp_path, actions={"S1": FRAMES})
    return list(human36m.read(tmp_path, detector="gt"))


def every(windows):
    return windows.batch(torch.arange(len(windows)))


def rows(joints):
    """Poses as something to count; each is another one."""
    return [tuple(pose.flatten().tolist()) for pose in joints]


def recorded(clips):
    return [recorded_batch(c, camera) for c in clips for camera in range(4)]


@pytest.mark.parametrize("window", [1, 5, 81])
def test_centred_windows_have_every_frame_of_every_camera_at_their_middle_once(clips, window):
    batch = every(RecordedWindows(clips, window))
    assert batch.keypoints_px.shape == (4 * sum(FRAMES.values()), window, 17, 2)
    views = recorded(clips)
    assert torch.equal(batch.joints_cam[:, window // 2], torch.cat([v.joints_cam for v in views]))
    assert torch.equal(
        batch.keypoints_px[:, window // 2], torch.cat([v.keypoints_px for v in views])
    )
    first, last = batch.joints_cam[0], views[0].joints_cam
    for i, pose in enumerate(first):
        assert torch.equal(pose, last[max(0, min(i - window // 2, len(last) - 1))])


def test_windows_bring_their_own_camera(clips):
    batch = every(RecordedWindows(clips, 3, stride=2))
    assert len(batch.fps) == 4 * (4 + 6)
    assert batch.image_size_px[:16, 1].tolist() == [1002.0] * 4 + [1000.0] * 8 + [1002.0] * 4
    view = recorded(clips)[5]
    assert torch.equal(batch.intrinsics[16 + 6], view.intrinsics)
    assert torch.equal(batch.distortion[16 + 6], view.distortion)
    assert torch.equal(batch.joints_cam[16 + 6 + 1, 1], view.joints_cam[2])


def test_whole_windows_side_by_side_cover_a_clip_and_end_with_it(clips):
    batch = every(RecordedWindows(clips, 5, stride=5, kind="whole"))
    assert len(batch.fps) == 4 * (2 + 3)
    views = recorded(clips)
    assert torch.equal(batch.joints_cam[0], views[0].joints_cam[:5])
    assert torch.equal(batch.joints_cam[1], views[0].joints_cam[2:])
    seen = rows(batch.joints_cam.flatten(0, 1))
    known = rows(torch.cat([v.joints_cam for v in views]))
    assert set(seen) == set(known)
    assert len(seen) - len(known) == 4 * (3 + 3)


def test_clips_shorter_than_a_whole_window_are_left_out(clips):
    assert len(RecordedWindows(clips, 12, stride=12, kind="whole")) == 4
    with pytest.raises(ValueError, match="no recording has 13 labelled frames in a row"):
        RecordedWindows(clips, 13, kind="whole")


@pytest.mark.parametrize("kind", ["centred", "whole"])
def test_damaged_frames_are_in_no_window_and_none_reaches_across(tmp_path, kind):
    samples.write_3dhp_train(tmp_path)
    first, second = mpi_inf_3dhp.read(tmp_path, "train")
    batch = every(RecordedWindows([first, second], 3, kind=kind))
    assert batch.keypoints_px.max() < 3000
    assert batch.valid.all()
    # Frames 0 to 2 and 4 to 7 of the first camera, 0 to 7 of the second.
    assert len(batch.fps) == (7 + 8 if kind == "centred" else 1 + 2 + 6)
    before, after = recorded_batch(first, 0).joints_cam[[2, 4]]
    for window in batch.joints_cam:
        inside = rows(window)
        assert not {rows(before[None])[0], rows(after[None])[0]} <= set(inside)


def test_missing_parts_are_named(clips):
    with pytest.raises(ValueError, match="'S1 Walking 1' has no keypoints; read it with its 2D"):
        RecordedWindows([replace(clips[0], keypoints=())], 1)
    with pytest.raises(ValueError, match="has no 3D joints"):
        RecordedWindows([replace(clips[0], joints_world=None, valid=None)], 1)
    with pytest.raises(ValueError, match="has keypoints in 4 cameras, none in camera 4"):
        recorded_batch(clips[0], 4)
    nowhere = replace(clips[0], valid=np.zeros((7, 17), bool))
    with pytest.raises(ValueError, match="no recording has 1 labelled frames"):
        RecordedWindows([nowhere], 1)
