"""Streams: frame by frame is what the clip at once gives."""

from dataclasses import replace

import pytest
import torch

from vitruve.estimators import Lifter, LifterConfig, open_stream
from vitruve.nets import MixSTEConfig, PrMLConfig, VideoPose3DConfig
from vitruve.recipes.sources.toy import TOY, ToySource, ToySourceConfig
from vitruve.skeletons import skeleton
from vitruve.training import TrainConfig

H36M = skeleton("h36m_17")
PRML = PrMLConfig(
    5, 5, num_frames=4, channels=16, depth=2, num_heads=2, head_channels=8, causal=True
)
TCN = VideoPose3DConfig(5, 5, widths=(3, 3), channels=16, causal=True)
CAUSAL = {
    "prml": PRML,
    "prml, frames only": replace(PRML, order="T", decoder=False),
    "video_pose_3d": TCN,
    "video_pose_3d, confidence": replace(TCN, in_channels=3),
    "video_pose_3d, dense": replace(TCN, dense=True),
    "video_pose_3d, frame by frame": replace(TCN, widths=(1, 1)),
    "video_pose_3d, strided": replace(TCN, strided=True),
}
SIZE = (640, 480)


def make_lifter(kind, skeleton=TOY, **settings):
    torch.manual_seed(0)
    net_config = replace(
        CAUSAL[kind], num_keypoints=skeleton.num_joints, num_joints=skeleton.num_joints
    )
    config = LifterConfig(skeleton, skeleton, kind.split(",")[0], net_config, **settings)
    lifter = Lifter(config)
    for name, parameter in lifter.named_parameters():
        if name.endswith("age_bias"):
            torch.nn.init.normal_(parameter)
    return lifter.eval()


def make_clip(frames=14, step=0):
    batch = ToySource(ToySourceConfig(frames), TrainConfig(batch_size=1), None).batch_at(step)
    batch = batch.map(lambda x: x[0])
    seen = torch.rand(frames, 5) > 0.2
    return replace(batch, keypoints_valid=seen, confidence=torch.rand(frames, 5) * seen)


def stream_through(lifter, clip, intrinsics=None):
    stream = open_stream(lifter, SIZE, intrinsics)
    frames = zip(clip.keypoints_px, clip.keypoints_valid, clip.confidence, strict=True)
    return torch.stack([stream.push(*frame) for frame in frames])


@pytest.mark.parametrize("kind", CAUSAL)
def test_frame_by_frame_is_the_clip_at_once(kind):
    lifter = make_lifter(kind, confidence="confidence" in kind)
    clip = make_clip()
    expected = lifter(clip).joints_cam[0]
    assert expected.std(dim=0).max() > 1e-3
    torch.testing.assert_close(stream_through(lifter, clip), expected, rtol=1e-5, atol=1e-6)


def test_a_view_that_turns_with_the_person_streams_too():
    lifter = make_lifter("prml", H36M, normaliser="root_view")
    intrinsics = torch.tensor([[600.0, 0.0, 320.0], [0.0, 600.0, 240.0], [0.0, 0.0, 1.0]])
    seen = torch.ones(9, 17, dtype=torch.bool)
    clip = replace(
        make_clip(9),
        keypoint_skeleton=H36M,
        keypoints_px=torch.rand(9, 17, 2) * 480,
        keypoints_valid=seen,
        confidence=seen.float(),
        intrinsics=intrinsics,
        skeleton=None,
        joints_cam=None,
        valid=None,
    )
    torch.testing.assert_close(
        stream_through(lifter, clip, intrinsics), lifter(clip).joints_cam[0], rtol=1e-5, atol=1e-6
    )
    with pytest.raises(ValueError, match=r"needs PoseBatch.intrinsics"):
        open_stream(lifter, SIZE).push(clip.keypoints_px[0])


@pytest.mark.parametrize("kind", ["prml", "video_pose_3d"])
def test_streams_of_one_lifter_do_not_mix(kind):
    lifter, one, other = make_lifter(kind), make_clip(6), make_clip(6, step=1)
    stream, neighbour, alone = (open_stream(lifter, SIZE) for _ in range(3))
    for frame, foreign in zip(one.keypoints_px, other.keypoints_px, strict=True):
        told = stream.push(frame)
        neighbour.push(foreign)
        assert torch.equal(told, alone.push(frame))


def test_what_cannot_stream_is_refused():
    config = VideoPose3DConfig(5, 5, widths=(3, 3), channels=16)
    with pytest.raises(ValueError, match="looks 4 frames ahead; only one trained with causal=True"):
        open_stream(Lifter(LifterConfig(TOY, TOY, "video_pose_3d", config)).eval(), SIZE)
    config = replace(PRML, causal=False)
    with pytest.raises(ValueError, match="needs all 4 frames of a clip at once"):
        open_stream(Lifter(LifterConfig(TOY, TOY, "prml", config)).eval(), SIZE)
    config = MixSTEConfig(5, 5, num_frames=4, channels=16, depth=1)
    with pytest.raises(ValueError, match="mixste needs a whole clip at once"):
        open_stream(Lifter(LifterConfig(TOY, TOY, "mixste", config)).eval(), SIZE)
    with pytest.raises(ValueError, match=r"in training mode; call eval\(\)"):
        open_stream(make_lifter("prml").train(), SIZE)
