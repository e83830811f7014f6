import pytest
import torch
from nets_golden import RULES, assert_golden, make_input, make_state, read_cases

from vitruve.estimators import predict_flipped
from vitruve.estimators.base import Estimator
from vitruve.nets import DSTFormer, DSTFormerConfig, load_official, recognise
from vitruve.nets.dstformer import DualStreamBlock
from vitruve.poses import PoseBatch, Prediction
from vitruve.skeletons import skeleton

CASES = read_cases("dstformer")
H36M = skeleton("h36m_17")


class Bare(Estimator):
    """A net as it is: no normalisation, no root moved to 0."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, batch):
        x = torch.cat([batch.keypoints_px, batch.confidence.unsqueeze(-1)], dim=-1)
        joints = self.net(x.flatten(end_dim=-4)).unflatten(0, x.shape[:-3])
        return Prediction(H36M, joints.unsqueeze(-4))


@pytest.mark.parametrize("rule", RULES)
def test_agrees_with_the_published_net_on_a_clip_shorter_than_its_window(rule):
    case = CASES["motionbert_tiny"]
    net = load_official(make_state(case, rule))
    assert net.window == 12
    assert_golden(net(make_input(case)), case, rule)


@pytest.mark.parametrize("rule", RULES)
def test_flip_average_agrees_with_the_published_one(rule):
    case = CASES["motionbert_tta_tiny"]
    x = make_input(case)
    # A picture of width 0 is mirrored about x = 0, as normalised keypoints are.
    batch = PoseBatch(
        keypoint_skeleton=H36M,
        keypoints_px=x[..., :2],
        keypoints_valid=torch.ones(x.shape[:-1], dtype=torch.bool),
        confidence=x[..., 2],
        image_size_px=torch.zeros(len(x), 2),
    )
    average = predict_flipped(Bare(load_official(make_state(case, rule))), batch).joints_cam
    assert_golden(average.squeeze(1), case, rule)


@pytest.mark.parametrize(
    ("size", "settings"), [("base", {}), ("lite", {"channels": 256, "mlp_ratio": 4.0})]
)
def test_published_sizes_are_recognised(size, settings):
    case = CASES[f"motionbert_{size}_official"]
    wanted = DSTFormerConfig(17, 17, 3, **settings)
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in case["shapes"].items()}
        assert recognise(state) == ("dstformer", wanted)
        net = DSTFormer(wanted)
    assert sum(p.numel() for p in net.parameters()) == case["param_count"]
    assert DSTFormer.from_official(state).keys() == net.state_dict().keys()


def test_representation_is_what_the_head_reads():
    net = DSTFormer(DSTFormerConfig(5, 5, 2, 9, 16, 24, depth=1, num_heads=2)).eval()
    x = torch.randn(2, 7, 5, 2)
    representation = net.represent(x)
    assert representation.shape == (2, 7, 5, 24)
    assert representation.abs().max() < 1
    assert torch.equal(net.head(representation), net(x))


def test_streams_start_with_equal_weights():
    torch.manual_seed(0)
    block = DualStreamBlock(16, num_heads=2, qkv_bias=False).eval()
    x = torch.randn(2, 4, 5, 16)
    first = block.st_temporal(block.st_spatial(x).transpose(1, 2)).transpose(1, 2)
    second = block.ts_spatial(block.ts_temporal(x.transpose(1, 2)).transpose(1, 2))
    torch.testing.assert_close(block(x), (first + second) / 2)
    assert not torch.allclose(first, second)
    assert not any("qkv.bias" in key for key in block.state_dict())


def test_longer_clips_are_refused():
    net = DSTFormer(DSTFormerConfig(5, 5, num_frames=4, channels=16, depth=1))
    with pytest.raises(ValueError, match="takes up to 4 frames, got 5; cut the clip first"):
        net(torch.zeros(1, 5, 5, 2))
    with pytest.raises(ValueError, match="as many keypoints as joints, got 17 and 16"):
        DSTFormerConfig(17, 16)
