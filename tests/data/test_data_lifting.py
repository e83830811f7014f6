import numpy as np
import pytest
import torch

from vitruve.data.cameras.virtual import (
    RandomCameras,
    RandomCamerasConfig,
    RigCameras,
    RigCamerasConfig,
    h36m_rigs,
    rig_centre,
)
from vitruve.data.lifting.augment import BodyConfig
from vitruve.data.lifting.batches import LiftingBatches, LiftingConfig
from vitruve.data.lifting.corrupt import DetectorConfig
from vitruve.data.sequences.clip import MotionSequence
from vitruve.data.sequences.windows import (
    MotionFrames,
    centred_windows,
    resample,
    tiled_windows,
    whole_windows,
    window_starts,
)
from vitruve.geometry.projection import project
from vitruve.skeletons import conversion, skeleton

H36M = skeleton("h36m_17")


def walk(name="walk", frames=60, fps=60.0, seed=0):
    """A block of joints of a person's size that drifts over the floor at 1 m/s."""
    rng = np.random.default_rng(seed)
    pose = rng.uniform([-0.4, -0.4, 0.0], [0.4, 0.4, 1.7], size=(17, 3))
    drift = np.linspace(0, (frames - 1) / fps, frames)[:, None, None] * np.array([1.0, 0, 0])
    joints = (pose + drift).astype(np.float32)
    valid = np.ones((frames, 17), dtype=bool)
    return MotionSequence(name, "S1", "Walk", "train", H36M, fps, joints, valid)


def batches(**settings):
    motion = MotionFrames([walk(), walk("jog", 7, 30.0, 1)])
    cameras = settings.pop("cameras", RandomCameras(RandomCamerasConfig()))
    return LiftingBatches(motion, cameras, LiftingConfig(batch_size=12, window=9, **settings))


def test_centred_windows_predict_every_frame_once():
    windows = centred_windows(4, 5)
    assert windows[:, 2].tolist() == [0, 1, 2, 3]
    assert windows[0].tolist() == [0, 0, 0, 1, 2]


@pytest.mark.parametrize(
    ("frames", "firsts"), [(8, [0, 4]), (10, [0, 4, 6]), (4, [0]), (11, [0, 4, 7])]
)
def test_tiled_windows_end_with_the_clip(frames, firsts):
    windows = tiled_windows(frames, 4)
    assert windows[:, 0].tolist() == firsts
    assert windows[-1, -1] == frames - 1


def test_short_clips_repeat_their_last_frame():
    assert tiled_windows(2, 4).tolist() == [[0, 1, 1, 1]]


# Frames that the published evaluations feed for clips of n frames: MixSTE, KTPFormer and D3DP side
# by side, PoseFormerV2 around each frame, MotionBERT (stride 3) within the clip.
def test_windows_are_the_published_ones():
    spans = {5: [], 9: [0], 18: [0, 9], 23: [0, 9, 14], 27: [0, 9, 18], 28: [0, 9, 18, 19]}
    for n, firsts in spans.items():
        expected = [list(range(first, first + 9)) for first in firsts] or [[0, 1, 2, 3] + [4] * 5]
        assert tiled_windows(n, 9).tolist() == expected
    around = centred_windows(12, 5)
    assert around[:2].tolist() == [[0, 0, 0, 1, 2], [0, 0, 1, 2, 3]]
    assert around[-1].tolist() == [9, 10, 11, 11, 11]
    assert whole_windows(30, 9, 3)[:, 0].tolist() == [0, 3, 6, 9, 12, 15, 18, 21]
    assert whole_windows(13, 9, 3)[:, 0].tolist() == [0, 3]
    assert whole_windows(30, 9, 3)[2].tolist() == list(range(6, 15))


def test_whole_windows_repeat_the_frames_of_short_clips():
    assert whole_windows(2, 5, 5).tolist() == [[0, 0, 0, 1, 1]]
    assert whole_windows(12, 5, 5).tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_window_starts_cover_every_sequence():
    assert window_starts([5, 2], 3, 2).tolist() == [[0, 0], [0, 2], [1, 0]]


def test_resampling_keeps_time():
    joints = torch.arange(5.0)[:, None, None].expand(5, 2, 3)
    valid = torch.ones(5, 2, dtype=torch.bool)
    valid[3, 1] = False
    slow, seen = resample(joints, valid, 60.0, 30.0)
    assert slow[:, 0, 0].tolist() == [0, 2, 4]
    assert seen.all()
    fast, seen = resample(joints, valid, 30.0, 60.0)
    assert fast[:, 0, 0].tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert seen[:, 1].tolist() == [True] * 5 + [False] * 3 + [True]


def test_windows_move_at_their_own_frame_rate():
    motion = MotionFrames([walk(frames=120)])
    fps = torch.tensor([20.0, 30.0, 60.0])
    joints, valid = motion.sample(9, fps, torch.Generator().manual_seed(0))
    speed = (joints[:, 1:, 0, 0] - joints[:, :-1, 0, 0]) * fps[:, None]
    torch.testing.assert_close(speed, torch.ones(3, 8), atol=1e-3, rtol=0)
    assert valid.all()


def test_windows_never_mix_sequences():
    near, far = walk(frames=5), walk("far", 5, seed=1)
    far.joints_world[:] += 100
    motion = MotionFrames([near, far])
    joints, _ = motion.sample(9, torch.full((50,), 20.0), torch.Generator().manual_seed(0))
    is_far = (joints > 50).flatten(1)[:, ::3]
    assert (is_far.all(1) | ~is_far.any(1)).all()


def test_motion_needs_one_skeleton():
    with pytest.raises(ValueError, match="of one skeleton are needed, got none"):
        MotionFrames([])


def test_keypoints_are_the_projected_labels():
    batch = batches(cameras=RigCameras(RigCamerasConfig())).batch_at(3)
    pixels = project(batch.joints_cam, batch.intrinsics[:, None], batch.distortion[:, None])
    seen = batch.keypoints_valid
    assert seen.float().mean() > 0.95
    torch.testing.assert_close(batch.keypoints_px[seen], pixels[seen])
    assert batch.joints_cam[..., 2].min() > 1


def test_a_batch_depends_on_seed_step_and_rank_only():
    settings = {"bodies": BodyConfig(), "detector": DetectorConfig()}
    one, two = batches(**settings), batches(**settings)
    one.batch_at(0)  # what came before leaves no trace
    first, again = one.batch_at(7), two.batch_at(7)
    for name, value in vars(first).items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, getattr(again, name)), name
            assert value.isfinite().all(), name
    others = [one.batch_at(8), one.batch_at(7, 0, 2), one.batch_at(7, 1, 2)]
    others.append(batches(seed=1, **settings).batch_at(7))
    assert len(others[1].joints_cam) == 6
    assert all(not torch.equal(first.joints_cam[:6], o.joints_cam[:6]) for o in others)
    assert not torch.equal(others[1].joints_cam, others[2].joints_cam)


def test_missing_joints_neither_move_the_camera_nor_count_as_labels():
    gappy = walk()
    gappy.valid[:, 16] = False
    gappy.joints_world[:, 16] = 1e6
    cameras = RandomCameras(RandomCamerasConfig(truncated_fraction=0.0))
    config = LiftingConfig(batch_size=12, window=9, bodies=BodyConfig())
    batch = LiftingBatches(MotionFrames([gappy]), cameras, config).batch_at(0)
    assert not batch.valid[..., 16].any()
    assert not batch.keypoints_valid[..., 16].any()
    assert batch.keypoints_valid[..., :16].float().mean() > 0.9


def test_batches_divide_among_ranks():
    with pytest.raises(ValueError, match="batch_size 12 does not divide among 5 ranks"):
        batches().batch_at(0, 0, 5)


def test_keypoints_of_another_skeleton():
    coco = skeleton("coco_17")
    motion = MotionFrames([walk()])
    cameras = RandomCameras(RandomCamerasConfig())
    convert = conversion(H36M, coco)
    made = LiftingBatches(
        motion,
        cameras,
        LiftingConfig(batch_size=4, window=3),
        keypoint_skeleton=coco,
        to_keypoints=convert.apply,
    )
    batch = made.batch_at(0)
    assert batch.keypoint_skeleton is coco
    assert batch.keypoints_px.shape == (4, 3, 17, 2)
    left_knee = coco.index("left_knee")
    pixels = project(batch.joints_cam, batch.intrinsics[:, None])
    torch.testing.assert_close(
        batch.keypoints_px[..., left_knee, :], pixels[..., H36M.index("left_knee"), :]
    )
    assert not batch.keypoints_valid[..., coco.index("left_eye")].any()
    with pytest.raises(ValueError, match="come together"):
        LiftingBatches(motion, cameras, LiftingConfig(), keypoint_skeleton=coco)


def test_the_right_side_of_a_person_who_faces_the_camera_is_on_the_left_of_the_image():
    x, y = rig_centre(h36m_rigs()["S1"]).tolist()
    for camera in h36m_rigs()["S1"]:
        towards = camera.T_world_cam[:2, 3] - torch.tensor([x, y])
        towards = towards / towards.norm()
        # Facing along `towards`, with up out of the floor, the right hand is at forward x up.
        right = torch.tensor([towards[1], -towards[0], 0.0]) * 0.3
        middle = torch.tensor([x, y, 1.0])
        points = camera.joints_to_cam(torch.stack([middle + right, middle - right]))
        pixels = project(points, camera.intrinsics, camera.distortion)
        assert pixels[0, 0] < pixels[1, 0] - 40
